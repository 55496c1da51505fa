// Drawing, doing and recording of transactions on lists.
#include "workloads/list_append.h"

#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr uint64_t kRangeLists = 3;

}  // namespace

absl::Status ListAppendWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "list_append"));
  ASSIGN_OR_RETURN(open_lists_, options.Integer("lists", 10, 1, 10'000));
  ASSIGN_OR_RETURN(list_elements_max_, options.Integer("list_elements_max", 40, 1, 5'000));
  ASSIGN_OR_RETURN(operations_max_, options.Integer("operations_max", 6, 1, 100));
  return absl::OkStatus();
}

Task<absl::Status> ListAppendWorkload::Setup(sim::ClientContext) {
  for (int64_t i = 0; i < open_lists_; ++i) open_.emplace_back(lists_++, 0);
  co_return absl::OkStatus();
}

Task<absl::Status> ListAppendWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation by) {
    return Append(by, client.database(), DrawPlan(random));
  });
}

ListId ListAppendWorkload::DrawList(Random& random, bool appends) {
  auto& [list, appended] = open_[random.Below(open_.size())];
  if (appends && ++appended > list_elements_max_) {
    list = lists_++;
    appended = 1;
  }
  return list;
}

ListAppendWorkload::Plan ListAppendWorkload::DrawPlan(Random& random) {
  Plan plan;
  const int64_t operations = random.Between(1, operations_max_);
  for (int64_t i = 0; i < operations; ++i) {
    const Action action = static_cast<Action>(random.Below(4));
    const bool appends = action == Action::kAppend || action == Action::kReadAndAppend;
    plan.emplace_back(action, DrawList(random, appends));
  }
  return plan;
}

Task<absl::Status> ListAppendWorkload::Append(ClientOperation by, Database& database, Plan plan) {
  Transaction transaction = database.Begin();
  transaction.options() = load_.transaction_options();
  for (;;) {
    const size_t index = history_.transactions.size();
    history_.transactions.push_back({.by = by,
                                     .begin = ++moments_,
                                     .end = 0,
                                     .outcome = ListOutcome::kUnknown,
                                     .operations = {}});
    absl::Status status = co_await Attempt(transaction, plan, index);
    bool wrote = false;
    if (status.ok()) {
      const absl::StatusOr<CommitResult> result = co_await transaction.Commit();
      status = result.status();
      wrote = result.ok() && result->version != kInvalidVersion;
    }
    ListTransaction& record = history_.transactions[index];
    if (status.ok()) {
      record.outcome = ListOutcome::kCommitted;
      record.end = ++moments_;
      load_.Count(wrote ? "commits" : "read_only");
      co_return absl::OkStatus();
    }
    const absl::Status again = co_await transaction.OnError(std::move(status));
    if (!again.ok()) co_return load_.Settle(again).status();
    // Exactly once: what is to be tried again has not been done.
    history_.transactions[index].outcome = ListOutcome::kFailed;
    load_.Count("retries");
  }
}

Task<absl::Status> ListAppendWorkload::Attempt(Transaction& transaction, const Plan& plan,
                                               size_t index) {
  for (const auto& [action, list] : plan) {
    CO_RETURN_IF_ERROR(co_await Do(transaction, action, list, index));
  }
  co_return absl::OkStatus();
}

absl::Status ListAppendWorkload::RecordRead(size_t index, ListId list, std::string_view bytes) {
  ListOperation operation{.kind = ListOperation::kRead, .list = list, .element = 0, .elements = {}};
  if (!DecodeElements(bytes, operation.elements)) {
    return Violated("list " + std::to_string(list) + " was read with " +
                    std::to_string(bytes.size()) + " bytes, which is no list");
  }
  history_.transactions[index].operations.push_back(std::move(operation));
  return absl::OkStatus();
}

uint64_t ListAppendWorkload::RecordAppend(size_t index, ListId list) {
  history_.transactions[index].operations.push_back(
      {.kind = ListOperation::kAppend, .list = list, .element = ++elements_, .elements = {}});
  return elements_;
}

Task<absl::StatusOr<ListElements>> ListAppendWorkload::ReadList(Transaction& transaction,
                                                                ListId list, size_t index) {
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                      co_await transaction.Get(NumberedKey(load_.prefix(), list)));
  CO_RETURN_IF_ERROR(RecordRead(index, list, bytes.value_or("")));
  co_return history_.transactions[index].operations.back().elements;
}

Task<absl::Status> ListAppendWorkload::Do(Transaction& transaction, Action action, ListId list,
                                          size_t index) {
  const Key key = NumberedKey(load_.prefix(), list);
  switch (action) {
    case Action::kAppend: {
      const std::string operand = EncodeElements({RecordAppend(index, list)});
      co_return transaction.Atomic(MutationType::kAppendIfFits, key, operand);
    }
    case Action::kReadAndAppend: {
      CO_ASSIGN_OR_RETURN(ListElements elements, co_await ReadList(transaction, list, index));
      elements.push_back(RecordAppend(index, list));
      co_return transaction.Set(key, EncodeElements(elements));
    }
    case Action::kRead:
      co_return (co_await ReadList(transaction, list, index)).status();
    case Action::kReadRange: {
      KeyRange range{key, NumberedKey(load_.prefix(), list + kRangeLists)};
      CO_ASSIGN_OR_RETURN(const Rows rows, co_await ReadRows(transaction, std::move(range)));
      for (ListId each = list; each < list + kRangeLists; ++each) {
        const auto row = rows.find(NumberedKey(load_.prefix(), each));
        const std::string_view bytes = row == rows.end() ? "" : std::string_view(row->second);
        CO_RETURN_IF_ERROR(RecordRead(index, each, bytes));
      }
      co_return absl::OkStatus();
    }
  }
}

Task<absl::Status> ListAppendWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  CO_ASSIGN_OR_RETURN(const Rows rows,
                      co_await ReadRows(client.database(), RowsOf(load_.prefix())));
  for (const auto& [key, bytes] : rows) {
    const std::optional<uint64_t> list = NumberOfKey(key);
    if (!list.has_value() || !DecodeElements(bytes, history_.last[*list])) {
      co_return Violated("row " + key + " is no list");
    }
  }
  CO_RETURN_IF_ERROR(load_.NameOperations(CheckListHistory(history_)));
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
