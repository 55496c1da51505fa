// See storage_state.h. Ownership is durable as rows of the engine beyond every key of users:
// kShardRows + begin = end, one for each owned range.
#include "storage/server/storage_state.h"

#include <algorithm>
#include <utility>

#include "core/base/fixed.h"
#include "core/base/invariant.h"
#include "storage/log/atomic_operations.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"

namespace orrery {
namespace {

constexpr std::string_view kShardRows = "\xff\xff/shard/";
constexpr uint64_t kMutationOverheadBytes = 100;  // Of the window, about.

absl::Status Unusable(std::string_view what, KeyRef key) {
  return Error(ErrorCode::internal_error, "a storage server got " + std::string(what) + " of " +
                                              std::to_string(key.size()) + " key bytes");
}

}  // namespace

absl::Status StorageState::LoadRow(KeyRef key, std::string_view value) {
  if (!key.starts_with(kPrivatePrefix)) {
    sample_.Set(key, value.size());
    return absl::OkStatus();
  }
  const KeyRef begin = key.starts_with(kShardRows) ? key.substr(kShardRows.size()) : key;
  if (begin >= value) return Error(ErrorCode::file_corrupt, "a private row of the engine");
  ownership_.Change({begin, value}, true, std::max(durable_, ownership_.last_change()));
  ownership_.Forget(durable_);
  return absl::OkStatus();
}

absl::Status StorageState::KeysToRead(std::string_view batch, std::vector<Key>& keys) const {
  ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(batch));
  while (reader.remaining() > 0) {
    RETURN_IF_ERROR(reader.Next());
    const MutationRef& mutation = reader.mutation();
    if (!IsReadModifyWrite(mutation.type)) continue;
    if (window_.Get(mutation.key, kVersionMax).found == VersionWindow::Found::not_here) {
      keys.emplace_back(mutation.key);
    }
  }
  return absl::OkStatus();
}

absl::Status StorageState::Apply(Version version, std::string_view batch,
                                 const EngineValues& existing) {
  if (version <= applied_) return Error(ErrorCode::internal_error, "a version came twice");
  ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(batch));
  while (reader.remaining() > 0) {
    RETURN_IF_ERROR(reader.Next());
    const MutationRef& mutation = reader.mutation();
    ++mutations_;
    version_bytes_ += mutation.key.size() + mutation.value.size() + kMutationOverheadBytes;
    if (mutation.key.starts_with(kPrivatePrefix)) {
      RETURN_IF_ERROR(ApplyPrivate(version, mutation));
    } else if (mutation.type == MutationType::kSet) {
      Queue({WindowMutation::Kind::set, mutation.key, mutation.value});
    } else if (mutation.type == MutationType::kClearRange) {
      Queue({WindowMutation::Kind::clear, mutation.key, mutation.value});
    } else if (IsReadModifyWrite(mutation.type)) {
      RETURN_IF_ERROR(ApplyAtomic(version, mutation, existing));
    } else {
      return Unusable("a mutation without its versionstamp", mutation.key);
    }
  }
  Flush(version);
  if (version_bytes_ > 0) uncommitted_.push_back({version, std::exchange(version_bytes_, 0)});
  return absl::OkStatus();
}

void StorageState::Queue(WindowMutation mutation) {
  if (mutation.kind == WindowMutation::Kind::set) {
    sample_.Set(mutation.key, mutation.param.size());
  } else {
    sample_.Clear({mutation.key, mutation.param});
  }
  queue_.push_back(mutation);
}

void StorageState::Flush(Version version) {
  if (!queue_.empty()) window_.Apply(version, queue_);
  queue_.clear();
}

absl::Status StorageState::ApplyAtomic(Version version, const MutationRef& mutation,
                                       const EngineValues& existing) {
  Flush(version);  // What this version did to the key before counts.
  const VersionWindow::Answer answer = window_.Get(mutation.key, version);
  std::optional<std::string_view> before;
  if (answer.found == VersionWindow::Found::value) {
    before = answer.value;
  } else if (answer.found == VersionWindow::Found::not_here) {
    const std::optional<std::string>* const value = existing.Find(Key(mutation.key));
    INVARIANT(value != nullptr, mutation.key);
    if (value->has_value()) before = **value;
  }
  const std::optional<std::string> after =
      orrery::ApplyAtomic(mutation.type, before, mutation.value);
  if (after.has_value()) {
    Queue({WindowMutation::Kind::set, mutation.key, *after});
    Flush(version);
  } else if (before.has_value()) {
    const Key end = KeyAfter(mutation.key);
    Queue({WindowMutation::Kind::clear, mutation.key, end});
    Flush(version);
  }
  return absl::OkStatus();
}

absl::Status StorageState::ApplyPrivate(Version version, const MutationRef& mutation) {
  if (mutation.type != MutationType::kSet) return Unusable("a private change", mutation.key);
  if (mutation.key == kGenerationKey) {
    if (mutation.value.size() != 8) return Unusable("a generation's end", mutation.key);
    const auto last = static_cast<Version>(GetFixed<uint64_t>(mutation.value.data()));
    if (last >= version) return Unusable("a generation that ends after its next", mutation.key);
    ages_.AddJump(std::max(last, applied_), version);
    return absl::OkStatus();
  }
  const bool assign = mutation.key.starts_with(kAssignPrefix);
  if (!assign && !mutation.key.starts_with(kUnassignPrefix)) {
    return Unusable("an unknown private change", mutation.key);
  }
  const KeyRangeRef range{mutation.key.substr((assign ? kAssignPrefix : kUnassignPrefix).size()),
                          mutation.value};
  if (range.empty()) return Unusable("an empty shard", mutation.key);
  ownership_.Change(range, assign, version);
  // What is not held is not kept either; versions before can still be read.
  if (!assign) Queue({WindowMutation::Kind::clear, range.begin, range.end});
  return absl::OkStatus();
}

void StorageState::Advance(Version version) {
  INVARIANT(version >= applied_ && version >= window_.newest(), version, applied_);
  applied_ = version;
  window_.Advance(version);
}

std::optional<StorageState::NextCommit> StorageState::PlanCommit(const CommitPolicy& policy) const {
  Version through = ages_.Back(applied_, policy.window_versions);
  if (UnderPressure(policy.window_bytes_max)) through = applied_;
  if (through <= durable_) return std::nullopt;
  // Whole versions, up to the limit.
  uint64_t bytes = 0;
  Version last = kInvalidVersion;
  for (const Uncommitted& each : uncommitted_) {
    if (each.version > through) break;
    if (last != kInvalidVersion && bytes + each.bytes > policy.commit_bytes_max) {
      return NextCommit{last, true};
    }
    bytes += each.bytes;
    last = each.version;
  }
  const bool nothing = last == kInvalidVersion;
  if (nothing && ages_.Between(durable_, applied_) < policy.empty_versions) return std::nullopt;
  return NextCommit{through, false};
}

WriteBatch StorageState::BeginCommit(Version through) {
  INVARIANT(through > durable_ && through <= applied_, through, durable_, applied_);
  oldest_ = std::max(oldest_, through);
  WriteBatch batch;
  window_.VisitMutations(durable_, through, [&batch](Version, const WindowMutation& mutation) {
    if (mutation.kind == WindowMutation::Kind::set) {
      batch.Set(mutation.key, mutation.param);
    } else {
      batch.Clear({mutation.key, mutation.param});
    }
  });
  if (ownership_.last_change() > durable_) {
    batch.Clear({kShardRows, PrefixEnd(kShardRows)});
    for (const KeyRange& range : ownership_.OwnedRanges(through)) {
      batch.Set(std::string(kShardRows) + range.begin, range.end);
    }
  }
  return batch;
}

void StorageState::EndCommit(Version through) {
  INVARIANT(through > durable_ && through <= oldest_, through, durable_, oldest_);
  durable_ = through;
  while (!uncommitted_.empty() && uncommitted_.front().version <= through) {
    uncommitted_.pop_front();
  }
  window_.Forget(through);
  ownership_.Forget(through);
  ages_.Forget(through);
  ++commits_;
}

absl::Status StorageState::CheckReadable(KeyRangeRef range, Version version) const {
  if (version < oldest_) return Error(ErrorCode::transaction_too_old);
  return ownership_.Owned(range, version) ? absl::OkStatus() : Error(ErrorCode::wrong_shard_server);
}

absl::Status StorageState::CheckReadable(KeyRef key, Version version) const {
  if (version < oldest_) return Error(ErrorCode::transaction_too_old);
  return ownership_.OwnedKey(key, version) ? absl::OkStatus()
                                           : Error(ErrorCode::wrong_shard_server);
}

}  // namespace orrery
