// Transaction forwards to its Impl, within its timeout.
#include "txn/client/transaction.h"

#include <utility>

#include "txn/client/transaction_impl.h"

namespace orrery {

Transaction::Impl::Impl(std::shared_ptr<DatabaseCore> core)
    : core_(std::move(core)),
      began_(core_->env().clock().Now()),
      backoff_(core_->env(), options_.retry_delay_max) {}

Transaction::Transaction(std::shared_ptr<DatabaseCore> database)
    : impl_(std::make_unique<Impl>(std::move(database))) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

TransactionOptions& Transaction::options() { return impl_->options(); }

namespace {

// Without a timeout, the common case, the call itself; with one, the call cut short by it.
template <class Impl, class T>
Task<absl::StatusOr<T>> Within(Impl& impl, Task<absl::StatusOr<T>> call) {
  if (impl.options().timeout <= Duration(0)) return call;
  return impl.Bounded(std::move(call));
}

}  // namespace

Task<absl::StatusOr<Version>> Transaction::GetReadVersion() {
  return Within(*impl_, impl_->ReadVersion());
}
absl::Status Transaction::SetReadVersion(Version version) { return impl_->SetReadVersion(version); }

Task<absl::StatusOr<std::optional<std::string>>> Transaction::Get(Key key, bool snapshot) {
  return Within(*impl_, impl_->Get(std::move(key), snapshot));
}
Task<absl::StatusOr<Key>> Transaction::GetKey(KeySelector selector, bool snapshot) {
  return Within(*impl_, impl_->GetKey(std::move(selector), snapshot));
}
Task<absl::StatusOr<RangeResult>> Transaction::GetRange(KeySelector begin, KeySelector end,
                                                        RangeOptions options) {
  return Within(*impl_, impl_->GetRange(std::move(begin), std::move(end), options));
}
Task<absl::StatusOr<RangeResult>> Transaction::GetRange(KeyRange range, RangeOptions options) {
  if (range.begin > range.end) {
    return [](absl::Status error) -> Task<absl::StatusOr<RangeResult>> {
      co_return error;
    }(Error(ErrorCode::inverted_range));
  }
  return GetRange(KeySelector::FirstGreaterOrEqual(std::move(range.begin)),
                  KeySelector::FirstGreaterOrEqual(std::move(range.end)), options);
}

absl::Status Transaction::Set(KeyRef key, std::string_view value) { return impl_->Set(key, value); }
absl::Status Transaction::Clear(KeyRef key) { return impl_->ClearKey(key); }
absl::Status Transaction::Clear(KeyRangeRef range) { return impl_->Clear(range); }
absl::Status Transaction::Atomic(MutationType type, KeyRef key, std::string_view operand) {
  return impl_->Atomic(type, key, operand);
}
absl::Status Transaction::AddReadConflictRange(KeyRangeRef range) {
  return impl_->AddReadConflictRange(range);
}
absl::Status Transaction::AddWriteConflictRange(KeyRangeRef range) {
  return impl_->AddWriteConflictRange(range);
}

Task<absl::StatusOr<CommitResult>> Transaction::Commit() { return impl_->Commit(); }
Future<absl::StatusOr<std::string>> Transaction::GetVersionstamp() {
  return impl_->GetVersionstamp();
}
Task<absl::Status> Transaction::OnError(absl::Status error) {
  return impl_->OnError(std::move(error));
}
void Transaction::Reset() { impl_->Reset(); }
void Transaction::Cancel() { impl_->Cancel(); }

size_t Transaction::ApproximateBytes() const { return impl_->ApproximateBytes(); }
Task<absl::StatusOr<uint64_t>> Transaction::EstimateBytes(KeyRange range) {
  return Within(*impl_, impl_->EstimateBytes(std::move(range)));
}
Task<absl::StatusOr<std::vector<Key>>> Transaction::SplitPoints(KeyRange range,
                                                                uint64_t chunk_bytes) {
  return Within(*impl_, impl_->SplitPoints(std::move(range), chunk_bytes));
}
Task<absl::StatusOr<std::vector<std::string>>> Transaction::AddressesOf(Key key) {
  return Within(*impl_, impl_->AddressesOf(std::move(key)));
}
const std::vector<KeyRange>& Transaction::conflicting_ranges() const {
  return impl_->conflicting_ranges();
}

}  // namespace orrery
