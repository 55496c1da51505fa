// Writing, reading, and comparing with the book.
#include "workloads/ledger.h"

#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {

absl::Status LedgerWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "ledger"));
  ASSIGN_OR_RETURN(keys_per_client_, options.Integer("keys_per_client", 20, 1, 100'000));
  ASSIGN_OR_RETURN(const int64_t reads, options.Integer("reads_percent", 50, 0, 99));
  ASSIGN_OR_RETURN(value_bytes_, options.Integer("value_bytes", 16, 1, 100'000));
  reads_percent_ = static_cast<uint64_t>(reads);
  return absl::OkStatus();
}

Task<absl::Status> LedgerWorkload::Setup(sim::ClientContext context) {
  book_ = std::make_unique<LedgerBook>(load_.prefix(), static_cast<uint64_t>(value_bytes_));
  for (int64_t i = 0; i < keys_per_client_ * context.clients; ++i) book_->Open();
  co_return absl::OkStatus();
}

Task<absl::Status> LedgerWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  ClientDatabase witness(context);
  Own own;
  for (int64_t i = 0; i < keys_per_client_; ++i) {
    own.push_back(static_cast<size_t>(context.client * keys_per_client_ + i));
  }
  // Whoever hears of an acknowledgement may ask at once, and by connections of their own: nothing
  // that holds up the writer's requests hides that it was told too early.
  const auto write = [&](ClientOperation by, size_t* which, bool blind) -> Task<absl::Status> {
    const size_t written = *which;
    CO_RETURN_IF_ERROR(co_await Write(client.database(), by, which, blind));
    co_return co_await Read(witness.database(), by, written);
  };
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation by) {
    if (random.Below(100) < reads_percent_) {
      return Read(client.database(), by, random.Below(book_->size()));
    }
    size_t& which = own[random.Below(own.size())];
    if (!book_->writable(which)) return Nothing();
    return write(by, &which, random.Chance(OneIn(2)));
  });
}

Task<absl::Status> LedgerWorkload::Nothing() {
  load_.Count("writes_left_out");
  co_return absl::OkStatus();
}

Task<absl::Status> LedgerWorkload::WriteOnce(Transaction& transaction, ClientOperation by,
                                             size_t which, std::string value, bool blind) {
  if (!blind) {
    const LedgerBook::Expectation expected = book_->BeginOwnRead(which, by);
    CO_ASSIGN_OR_RETURN(const Version version, co_await transaction.GetReadVersion());
    CO_RETURN_IF_ERROR(book_->CheckReadVersion(expected, version));
    CO_ASSIGN_OR_RETURN(const std::optional<std::string> before,
                        co_await transaction.Get(book_->KeyOf(which)));
    CO_RETURN_IF_ERROR(book_->EndRead(expected, version, before));
  }
  co_return transaction.Set(book_->KeyOf(which), value);
}

Task<absl::Status> LedgerWorkload::Write(Database& database, ClientOperation by, size_t* own,
                                         bool blind) {
  const size_t which = *own;
  if (!book_->writable(which)) co_return co_await Nothing();
  const std::string value = book_->BeginWrite(which, by);
  const absl::StatusOr<CommitResult> result = co_await RunForResult(
      database, [&](Transaction& tr) { return WriteOnce(tr, by, which, value, blind); },
      load_.transaction_options());
  CO_ASSIGN_OR_RETURN(const Outcome outcome, load_.Settle(result.status()));
  if (outcome == Outcome::kCommitted) {
    book_->Acknowledge(which, result->version);
  } else {
    book_->Retire(which);
    *own = book_->Open();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LedgerWorkload::Read(Database& database, ClientOperation by, size_t which) {
  Transaction transaction = database.Begin();
  for (;;) {
    // The side channel: what was acknowledged to anybody by now.
    const LedgerBook::Expectation expected = book_->BeginRead(which, by);
    absl::Status failed;
    const absl::StatusOr<Version> version = co_await transaction.GetReadVersion();
    failed = version.status();
    if (failed.ok()) {
      // Without waiting for the storage servers: a stale proxy may be cut off together with this
      // client, but not with them.
      CO_RETURN_IF_ERROR(book_->CheckReadVersion(expected, *version));
      const absl::StatusOr<std::optional<std::string>> value =
          co_await transaction.Get(book_->KeyOf(which));
      if (value.ok()) {
        load_.Count("reads");
        co_return book_->EndRead(expected, *version, *value);
      }
      failed = value.status();
    }
    CO_RETURN_IF_ERROR(co_await transaction.OnError(failed));
  }
}

Task<absl::Status> LedgerWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  CO_ASSIGN_OR_RETURN(const Rows rows,
                      co_await ReadRows(client.database(), RowsOf(load_.prefix())));
  CO_RETURN_IF_ERROR(book_->CheckAll(rows));
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
