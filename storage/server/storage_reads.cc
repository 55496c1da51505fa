// Waits for versions, asks the window first and the engine below it. See storage_reads.h.
#include "storage/server/storage_reads.h"

#include <algorithm>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/base/fixed.h"
#include "core/knobs/knobs.h"
#include "core/observe/probe.h"
#include "storage/server/range_merge.h"

namespace orrery {
namespace {

constexpr uint64_t kRangeBytesMax = 1 << 20;
constexpr uint64_t kValuesBytesMax = 16 << 20;  // Of one reply of GetValues.
constexpr uint64_t kKeysPerTurn = 4096;         // Counted for a selector before others run.

}  // namespace

StorageReads::StorageReads(Env& env, const StorageState& state, Engine& engine,
                           absl::AnyInvocable<void(absl::Status)> on_engine_error)
    : env_(env),
      knobs_(env.knobs().Get<StorageKnobs>()),
      state_(state),
      engine_(engine),
      on_engine_error_(std::move(on_engine_error)) {}

Task<absl::Status> StorageReads::UntilApplied(Version version) {
  while (state_.applied() < version) co_await advanced_.Wait();
  co_return absl::OkStatus();
}

Task<absl::Status> StorageReads::AwaitVersion(Version version, uint64_t request_bytes) {
  struct Counted {
    Counted(uint64_t& all, uint64_t mine) : total(all), bytes(mine) { total += bytes; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { total -= bytes; }
    uint64_t& total;
    const uint64_t bytes;
  };
  constexpr uint64_t kOverheadBytes = 1000;  // Of a request that waits.
  const uint64_t bytes = request_bytes + kOverheadBytes;
  if (waiting_bytes_ + bytes > static_cast<uint64_t>(knobs_.storage_waiting_reads_bytes_max)) {
    PROBE(env_, "storage.reads_overloaded");
    co_return Error(ErrorCode::overloaded);
  }
  const Counted counted(waiting_bytes_, bytes);
  const absl::Status waited =
      co_await Timeout(env_.clock(), knobs_.storage_future_version_wait, UntilApplied(version));
  if (waited.ok()) co_return waited;
  PROBE(env_, "storage.future_version");
  co_return Error(ErrorCode::future_version);
}

absl::Status StorageReads::EngineFailed(absl::Status status) {
  on_engine_error_(std::move(status));
  return Error(ErrorCode::broken_promise);  // Another server may answer.
}

// --- One key.

bool StorageReads::PointNow(KeyRef key, Version version,
                            std::optional<std::string_view>& value) const {
  const VersionWindow::Answer answer = state_.window().Get(key, version);
  if (answer.found == VersionWindow::Found::value) value = answer.value;
  return answer.found != VersionWindow::Found::not_here || engine_.GetNow(key, version, value);
}

// From the engine: the window does not know the key.
Task<absl::StatusOr<std::optional<std::string>>> StorageReads::Point(Key key, Version version) {
  auto value = co_await engine_.Get(key, version);
  CO_RETURN_IF_ERROR(state_.CheckReadable(key, version));
  if (!value.ok()) co_return EngineFailed(value.status());
  // It stands, whatever was committed meanwhile: nothing between the window's beginning then and
  // `version`, which can still be read, has changed the key.
  co_return value;
}

StorageReads::Reply<GetValueReply> StorageReads::GetValue(Message<GetValueRequest> request,
                                                          CallInfo) {
  const GetValueRequest& ask = request.header;
  const Version version = ask.version();
  if (version > state_.applied()) {
    CO_RETURN_IF_ERROR(co_await AwaitVersion(version, ask.key().size()));
  }
  CO_RETURN_IF_ERROR(state_.CheckReadable(KeyRef(ask.key()), version));
  ++reads_;
  Message<GetValueReply> reply;
  std::optional<std::string_view> value;
  std::optional<std::string> waited;
  if (!PointNow(ask.key(), version, value)) {
    CO_ASSIGN_OR_RETURN(waited, co_await Point(ask.key(), version));
    if (waited.has_value()) value = *waited;
  }
  if (value.has_value()) {
    ++rows_read_;
    reply.header.set_found(true);
    reply.attachment = Buffer::Copy(*value);
  }
  co_return reply;
}

StorageReads::Reply<GetValuesReply> StorageReads::GetValues(Message<GetValuesRequest> request,
                                                            CallInfo) {
  const GetValuesRequest& ask = request.header;
  const Version version = ask.version();
  if (version > state_.applied()) {
    CO_RETURN_IF_ERROR(co_await AwaitVersion(version, ask.ByteSizeLong()));
  }
  ++reads_;
  std::string values;
  for (const std::string& key : ask.keys()) {
    CO_RETURN_IF_ERROR(state_.CheckReadable(KeyRef(key), version));
    std::optional<std::string_view> value;
    std::optional<std::string> waited;
    if (!PointNow(key, version, value)) {
      CO_ASSIGN_OR_RETURN(waited, co_await Point(key, version));
      if (waited.has_value()) value = *waited;
    }
    rows_read_ += value.has_value();
    AppendFixed<uint8_t>(values, value.has_value());
    AppendFixed(values, static_cast<uint32_t>(value.has_value() ? value->size() : 0));
    if (value.has_value()) values += *value;
    if (values.size() > kValuesBytesMax) co_return Error(ErrorCode::message_too_large);
  }
  Message<GetValuesReply> reply;
  reply.attachment = Buffer::Copy(values);
  co_return reply;
}

// --- Ranges.

// Reads `rest` as far as it goes without waiting. False: the engine has to be waited for. Otherwise
// `done`, or `rest` is what is left.
template <class Sink>
bool StorageReads::RangeNow(KeyRange& rest, Version version, bool reverse, Sink& sink,
                            bool& done) const {
  RangeMerge<Sink> merge(state_.window(), rest, version, reverse, sink);
  const auto push = [&merge](KeyRef key, std::string_view value) { return merge.Push(key, value); };
  if (!engine_.ScanNow(rest, version, reverse, push)) return false;
  done = !merge.skip().has_value();
  if (!done) {
    (reverse ? rest.end : rest.begin) = *merge.skip();
    done = KeyRangeRef(rest).empty();
  } else if (!sink.full()) {
    merge.Finish();
  }
  return true;
}

// Reads until the range ends or the sink is full.
template <class Sink>
Task<absl::Status> StorageReads::Range(KeyRange range, Version version, bool reverse, Sink& sink) {
  KeyRange rest = range;
  CO_RETURN_IF_ERROR(state_.CheckReadable(range, version));
  while (!sink.full() && !KeyRangeRef(rest).empty()) {
    bool done = false;
    if (RangeNow(rest, version, reverse, sink, done)) {
      if (done) break;
      continue;
    }
    const uint64_t commits = state_.commits();
    const ScanLimit limit{.rows = sink.rows_left(), .bytes = sink.bytes_left()};
    auto scan = co_await engine_.Scan(rest, version, limit, reverse);
    CO_RETURN_IF_ERROR(state_.CheckReadable(range, version));
    if (!scan.ok()) co_return EngineFailed(scan.status());
    if (state_.commits() != commits) {
      // The window has forgotten what these rows may lack.
      PROBE(env_, "storage.range_read_again");
      continue;
    }
    KeyRange piece = rest;
    if (scan->more && reverse) piece.begin = scan->rows.back().key;
    if (scan->more && !reverse) piece.end = KeyAfter(scan->rows.back().key);
    RangeMerge<Sink> merge(state_.window(), piece, version, reverse, sink);
    bool taken = true;
    for (size_t i = 0; taken && i < scan->rows.size(); ++i) {
      taken = merge.Push(scan->rows[i].key, scan->rows[i].value);
    }
    if (merge.skip().has_value()) {
      (reverse ? rest.end : rest.begin) = *merge.skip();
      continue;
    }
    if (taken) merge.Finish();
    (reverse ? rest.end : rest.begin) =
        scan->more ? (reverse ? piece.begin : piece.end) : (reverse ? rest.begin : rest.end);
  }
  co_return absl::OkStatus();
}

StorageReads::Reply<GetRangeReply> StorageReads::GetRange(Message<GetRangeRequest> request,
                                                          CallInfo) {
  const GetRangeRequest& ask = request.header;
  const Version version = ask.version();
  if (ask.begin() > ask.end()) co_return Error(ErrorCode::inverted_range);
  Message<GetRangeReply> reply;
  if (ask.begin() == ask.end()) co_return reply;
  if (version > state_.applied()) {
    CO_RETURN_IF_ERROR(co_await AwaitVersion(version, ask.begin().size() + ask.end().size()));
  }
  ++reads_;
  RowWriter rows({.rows = ask.rows_max() == 0 ? UINT64_MAX : ask.rows_max(),
                  .bytes = ask.bytes_max() == 0
                               ? kRangeBytesMax
                               : std::min<uint64_t>(ask.bytes_max(), kRangeBytesMax)});
  CO_RETURN_IF_ERROR(
      co_await Range(KeyRange{ask.begin(), ask.end()}, version, ask.reverse(), rows));
  rows_read_ += rows.rows();
  reply.header.set_rows(static_cast<uint32_t>(rows.rows()));
  reply.header.set_more(rows.full());
  if (rows.rows() > 0) reply.attachment = std::move(rows).Finish();
  co_return reply;
}

// Counts up to `rows` keys from one end of the range; gives how many, and the last one when all.
Task<absl::StatusOr<uint64_t>> StorageReads::CountKeys(KeyRange range, Version version,
                                                       bool reverse, uint64_t rows, Key& last) {
  uint64_t left = rows;
  while (left > 0) {
    const uint64_t turn = std::min(left, kKeysPerTurn);
    RowCounter counter(turn);
    CO_RETURN_IF_ERROR(co_await Range(range, version, reverse, counter));
    rows_read_ += turn - counter.rows_left();
    left -= turn - counter.rows_left();
    if (!counter.full()) break;
    last = counter.last();
    (reverse ? range.end : range.begin) = reverse ? last : KeyAfter(last);
    if (left > 0 && KeyRangeRef(range).empty()) break;
    if (left > 0) co_await Yield();
  }
  co_return rows - left;
}

StorageReads::Reply<GetKeyReply> StorageReads::GetKey(Message<GetKeyRequest> request, CallInfo) {
  const GetKeyRequest& ask = request.header;
  const Version version = ask.version();
  if (ask.begin() >= ask.end()) co_return Error(ErrorCode::inverted_range);
  if (version > state_.applied()) {
    CO_RETURN_IF_ERROR(
        co_await AwaitVersion(version, ask.key().size() + ask.begin().size() + ask.end().size()));
  }
  KeyRange range{ask.begin(), ask.end()};
  CO_RETURN_IF_ERROR(state_.CheckReadable(range, version));
  ++reads_;
  const bool reverse = ask.offset() <= 0;
  const Key base = ask.or_equal() ? KeyAfter(ask.key()) : ask.key();
  if (reverse) {
    range.end = std::min(range.end, base);
  } else {
    range.begin = std::max(range.begin, base);
  }
  // Keys to go, the one that is meant among them.
  const int64_t offset = ask.offset();
  const auto wanted = static_cast<uint64_t>(reverse ? 1 - offset : offset);
  Key key;
  uint64_t found = 0;
  if (!KeyRangeRef(range).empty()) {
    CO_ASSIGN_OR_RETURN(found, co_await CountKeys(range, version, reverse, wanted, key));
  }
  Message<GetKeyReply> reply;
  reply.header.set_resolved(found == wanted);
  if (found == wanted) {
    reply.header.set_key(std::move(key));
  } else {
    const auto passed = static_cast<int64_t>(found);
    reply.header.set_key(reverse ? ask.begin() : ask.end());
    reply.header.set_offset(static_cast<int32_t>(reverse ? offset + passed : offset - passed));
  }
  co_return reply;
}

StorageReads::Reply<EstimateRangeReply> StorageReads::EstimateRange(
    Message<EstimateRangeRequest> request, CallInfo) {
  const EstimateRangeRequest& ask = request.header;
  const KeyRange range{ask.begin(), ask.end()};
  if (range.begin > range.end) co_return Error(ErrorCode::inverted_range);
  Message<EstimateRangeReply> reply;
  if (range.begin == range.end) co_return reply;
  CO_RETURN_IF_ERROR(state_.CheckReadable(range, state_.applied()));
  reply.header.set_bytes(state_.sample().Bytes(range));
  if (ask.chunk_bytes() > 0) {
    for (Key& key : state_.sample().SplitKeys(range, ask.chunk_bytes())) {
      reply.header.add_split_keys(std::move(key));
    }
  }
  co_return reply;
}

}  // namespace orrery
