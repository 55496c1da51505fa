// Reads of a transaction.
#include <algorithm>
#include <utility>

#include "txn/client/read_your_writes.h"
#include "txn/client/transaction_impl.h"
#include "txn/proxy/transaction_codec.h"

namespace orrery {
namespace {

constexpr std::string_view kSystemKeys = "\xff";
constexpr std::string_view kSystemKeysEnd = "\xff\xff";

// What is read by a range read without a limit.
constexpr uint64_t kWantAllBytes = 1 << 20;

size_t KeyLimit(KeyRef key) {
  return key.starts_with(kSystemKeys) ? kSystemKeyBytesMax : kKeyBytesMax;
}

// No key is longer than the limit: a longer bound says the same when it is cut behind that.
void CutBound(Key& key) {
  const size_t limit = KeyLimit(key) + 1;
  if (key.size() > limit) key.resize(limit);
}

// A selector by a key that no database has names what it would by any other key there.
void CutSelector(KeySelector& selector) {
  if (selector.key.size() <= KeyLimit(selector.key)) return;
  CutBound(selector.key);
}

// About how many bytes a read in this mode fetches; 0: as many as it takes.
uint64_t BytesOf(StreamingMode mode, int32_t iteration) {
  constexpr uint64_t kIterations[] = {4096,   6144,   9216,   13'824, 20'736,
                                      31'104, 46'656, 69'984, 80'000, 120'000};
  switch (mode) {
    case StreamingMode::kIterator:
      return kIterations[static_cast<size_t>(std::clamp(iteration, 1, 10)) - 1];
    case StreamingMode::kSmall:
      return 256;
    case StreamingMode::kMedium:
      return 1000;
    case StreamingMode::kLarge:
      return 4096;
    case StreamingMode::kSerial:
      return 80'000;
    case StreamingMode::kExact:
      return 0;
    case StreamingMode::kWantAll:
      break;
  }
  return kWantAllBytes;
}

absl::StatusOr<ReadLimits> LimitsOf(const RangeOptions& options) {
  const bool exact_without_rows = options.mode == StreamingMode::kExact && options.rows == 0;
  if (options.rows < 0 || options.bytes < 0 || exact_without_rows) {
    return Error(ErrorCode::range_limits_invalid);
  }
  if (options.mode == StreamingMode::kIterator && options.iteration < 1) {
    return Error(ErrorCode::range_limits_invalid);
  }
  ReadLimits limits;
  limits.rows = static_cast<uint32_t>(options.rows);
  limits.bytes = options.bytes > 0 ? static_cast<uint64_t>(options.bytes)
                                   : BytesOf(options.mode, options.iteration);
  return limits;
}

// The database at the transaction's version.
class AtVersion final : public SnapshotReader {
 public:
  AtVersion(ShardReads& reads, Version version) : reads_(reads), version_(version) {}
  Task<absl::StatusOr<std::optional<std::string>>> Get(Key key) override {
    return reads_.Get(std::move(key), version_);
  }
  Task<absl::StatusOr<RangePiece>> GetRange(KeyRange range, ReadLimits limits,
                                            bool reverse) override {
    return reads_.GetRange(std::move(range), limits, reverse, version_);
  }
  Task<absl::StatusOr<Key>> GetKey(KeySelector selector, Key end) override {
    return reads_.GetKey(std::move(selector), std::move(end), version_);
  }

 private:
  ShardReads& reads_;
  const Version version_;
};

}  // namespace

Key Transaction::Impl::ReadEnd() const {
  const bool system = options_.access_system_keys || options_.read_system_keys;
  return Key(system ? kSystemKeysEnd : kSystemKeys);
}

bool Transaction::Impl::SeesOwnWrites(bool snapshot) const {
  return options_.read_your_writes && (!snapshot || options_.snapshot_read_your_writes);
}

absl::Status Transaction::Impl::SetReadVersion(Version version) {
  RETURN_IF_ERROR(CheckUsable());
  if (version <= 0) return Error(ErrorCode::version_invalid);
  if (read_version_.has_value() || asking_for_version_) {
    return Error(ErrorCode::read_version_already_set);
  }
  read_version_ = version;
  return absl::OkStatus();
}

Task<absl::StatusOr<Version>> Transaction::Impl::ReadVersion() {
  CO_RETURN_IF_ERROR(CheckUsable());
  if (read_version_.has_value()) co_return *read_version_;
  const Reading reading(*this);
  co_return co_await AskForReadVersion();
}

// Several reads may want it at once: one asks, the others wait for it.
Task<absl::StatusOr<Version>> Transaction::Impl::AskForReadVersion() {
  struct Asking {
    explicit Asking(Impl& owner) : impl(owner), life(owner.life_) {
      impl.asking_for_version_ = true;
    }
    ~Asking() {
      if (impl.life_ != life) return;
      impl.asking_for_version_ = false;
      impl.changed_.NotifyAll();
    }
    Impl& impl;
    const uint64_t life;
  };
  const uint64_t life = life_;
  while (asking_for_version_ && life == life_) co_await changed_.Wait();
  if (life != life_) co_return Error(ErrorCode::transaction_cancelled);
  if (read_version_.has_value()) co_return *read_version_;
  const Asking asking(*this);
  absl::StatusOr<Version> version = co_await core_->versions().Get(options_.priority);
  if (life != life_) co_return Error(ErrorCode::transaction_cancelled);
  if (version.ok()) read_version_ = *version;
  co_return version;
}

void Transaction::Impl::AddReadConflictOf(const WriteMap* own, KeyRangeRef range) {
  if (own == nullptr) {
    read_conflicts_.Add(range);
  } else {
    AddReadConflict(*own, range, read_conflicts_);
  }
}

Task<absl::StatusOr<std::optional<std::string>>> Transaction::Impl::Get(Key key, bool snapshot) {
  CO_RETURN_IF_ERROR(CheckUsable());
  if (key >= kSystemKeys && key >= ReadEnd()) co_return Error(ErrorCode::key_outside_legal_range);
  if (key.size() > KeyLimit(key)) co_return std::nullopt;
  std::shared_ptr<const WriteMap> own;  // Kept unchanged while the database is asked.
  WriteMap::Segment segment;
  if (writes_ != nullptr && SeesOwnWrites(snapshot)) {
    const Key after = KeyAfter(key);
    segment = writes_->At(key, after);
    if (segment.unreadable) co_return Error(ErrorCode::accessed_unreadable);
    if (segment.independent()) {
      if (!segment.is_key) co_return std::nullopt;
      co_return WriteMap::ValueOf(segment, std::nullopt);
    }
    if (segment.is_key) own = writes_;
  }
  const Reading reading(*this);
  if (!read_version_.has_value()) {
    CO_RETURN_IF_ERROR((co_await AskForReadVersion()).status());
  }
  ReadValue value = co_await core_->reads().Get(key, *read_version_);
  CO_RETURN_IF_ERROR(reading.Check());
  if (!value.ok()) co_return value;
  if (!snapshot) read_conflicts_.AddKey(key);
  if (own != nullptr) co_return WriteMap::ValueOf(segment, *value);
  co_return value;
}

Task<absl::StatusOr<Key>> Transaction::Impl::GetKey(KeySelector selector, bool snapshot) {
  CO_RETURN_IF_ERROR(CheckUsable());
  if (selector.key > ReadEnd()) co_return Error(ErrorCode::key_outside_legal_range);
  co_return co_await Resolve(std::move(selector), snapshot);
}

Task<absl::StatusOr<Key>> Transaction::Impl::Resolve(KeySelector selector, bool snapshot) {
  CutSelector(selector);
  const Key end = ReadEnd();
  const std::shared_ptr<const WriteMap> own = SeesOwnWrites(snapshot) ? writes_ : nullptr;
  const Reading reading(*this);
  if (!read_version_.has_value()) {
    CO_RETURN_IF_ERROR((co_await AskForReadVersion()).status());
  }
  AtVersion reader(core_->reads(), *read_version_);
  absl::StatusOr<Key> key =
      co_await ReadKey(reader, own == nullptr ? core_->nothing_written() : *own, selector, end);
  CO_RETURN_IF_ERROR(reading.Check());
  if (key.ok() && !snapshot) AddReadConflictOf(own.get(), RangeOfSelector(selector, *key, end));
  co_return key;
}

Task<absl::StatusOr<RangeResult>> Transaction::Impl::GetRange(KeySelector begin, KeySelector end,
                                                              RangeOptions options) {
  CO_RETURN_IF_ERROR(CheckUsable());
  const Key read_end = ReadEnd();
  if (begin.key > read_end || end.key > read_end) {
    co_return Error(ErrorCode::key_outside_legal_range);
  }
  CO_ASSIGN_OR_RETURN(const ReadLimits limits, LimitsOf(options));
  // The plain selectors name where a range begins or ends without being looked up.
  KeyRange range;
  for (KeySelector* const selector : {&begin, &end}) {
    Key& bound = selector == &begin ? range.begin : range.end;
    CutSelector(*selector);
    if (selector->offset == 1) {
      bound = selector->or_equal ? KeyAfter(selector->key) : std::move(selector->key);
    } else {
      CO_ASSIGN_OR_RETURN(bound, co_await Resolve(std::move(*selector), options.snapshot));
    }
    if (bound > read_end) bound = read_end;
  }
  if (range.begin >= range.end) co_return RangeResult();
  co_return co_await ReadRows(std::move(range), limits, options);
}

Task<absl::StatusOr<RangeResult>> Transaction::Impl::ReadRows(KeyRange range, ReadLimits limits,
                                                              RangeOptions options) {
  const std::shared_ptr<const WriteMap> own = SeesOwnWrites(options.snapshot) ? writes_ : nullptr;
  const Reading reading(*this);
  if (!read_version_.has_value()) {
    CO_RETURN_IF_ERROR((co_await AskForReadVersion()).status());
  }
  AtVersion reader(core_->reads(), *read_version_);
  absl::StatusOr<RangeResult> result = co_await ReadRange(
      reader, own == nullptr ? core_->nothing_written() : *own, range, limits, options.reverse);
  CO_RETURN_IF_ERROR(reading.Check());
  if (result.ok() && !options.snapshot) {
    AddReadConflictOf(own.get(), RangeOfRead(range, *result, options.reverse));
  }
  co_return result;
}

Task<absl::StatusOr<uint64_t>> Transaction::Impl::EstimateBytes(KeyRange range) {
  CO_RETURN_IF_ERROR(CheckUsable());
  CO_ASSIGN_OR_RETURN(range, CheckConflictRange(range, ReadEnd()));
  const Reading reading(*this);
  CO_ASSIGN_OR_RETURN(const ShardReads::Estimate estimate,
                      co_await core_->reads().EstimateBytes(std::move(range), 0));
  CO_RETURN_IF_ERROR(reading.Check());
  co_return estimate.bytes;
}

Task<absl::StatusOr<std::vector<Key>>> Transaction::Impl::SplitPoints(KeyRange range,
                                                                      uint64_t chunk_bytes) {
  CO_RETURN_IF_ERROR(CheckUsable());
  if (chunk_bytes == 0) co_return Error(ErrorCode::invalid_argument, "chunk_bytes is zero");
  CO_ASSIGN_OR_RETURN(range, CheckConflictRange(range, ReadEnd()));
  const Reading reading(*this);
  CO_ASSIGN_OR_RETURN(ShardReads::Estimate estimate,
                      co_await core_->reads().EstimateBytes(range, chunk_bytes));
  CO_RETURN_IF_ERROR(reading.Check());
  std::vector<Key> points;
  points.push_back(range.begin);
  for (Key& key : estimate.split_keys) {
    if (key > points.back() && key < range.end) points.push_back(std::move(key));
  }
  if (range.end > points.back()) points.push_back(std::move(range.end));
  co_return std::move(points);
}

Task<absl::StatusOr<std::vector<std::string>>> Transaction::Impl::AddressesOf(Key key) {
  CO_RETURN_IF_ERROR(CheckUsable());
  if (key >= ReadEnd()) co_return Error(ErrorCode::key_outside_legal_range);
  const Reading reading(*this);
  CO_ASSIGN_OR_RETURN(const ShardServersPtr shard,
                      co_await core_->reads().Locate(std::move(key), false));
  CO_RETURN_IF_ERROR(reading.Check());
  std::vector<std::string> addresses;
  for (const auto& server : shard->servers) {
    addresses.push_back(server->endpoint().address.ToString());
  }
  co_return std::move(addresses);
}

}  // namespace orrery
