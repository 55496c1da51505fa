// Versions of rows in lists, conflicts by looking at every write.
#include "txn/client/testing/fake_database.h"

#include "core/base/invariant.h"
#include "storage/log/atomic_operations.h"
#include "txn/proxy/commit_ids.h"

namespace orrery::testing {
namespace {

constexpr Version kVersionStep = 10;
constexpr uint16_t kOrder = 7;  // Of every transaction: each is a batch of its own.

}  // namespace

CommitReply FakeDatabase::Commit(const CommitTransactionRef& transaction, const std::string& id,
                                 bool fences_conflict) {
  CommitReply reply;
  if (!transaction.reads.empty() && transaction.read_version < oldest_) {
    reply.set_outcome(CommitReply::TOO_OLD);
    return reply;
  }
  for (const auto& [version, range] : writes_) {
    if (version <= transaction.read_version) continue;
    for (size_t i = 0; i < transaction.reads.size(); ++i) {
      if (!transaction.reads[i].Intersects(range)) continue;
      reply.set_outcome(CommitReply::CONFLICT);
      reply.add_conflicting_reads(static_cast<uint32_t>(i));
      return reply;
    }
  }
  version_ += kVersionStep;
  const bool is_fence = transaction.mutations.empty();
  for (const KeyRangeRef& range : transaction.writes) {
    if (is_fence && !fences_conflict) break;
    writes_.emplace_back(version_, KeyRange{Key(range.begin), Key(range.end)});
  }
  for (const MutationRef& mutation : transaction.mutations) Apply(mutation, version_);
  if (!id.empty()) {
    committed_ids_[id] = version_;
    for (const Mutation& row : CommittedRows(version_, {{id, kOrder}})) Apply(row, version_);
  }
  reply.set_outcome(CommitReply::COMMITTED);
  reply.set_version(version_);
  reply.set_order(kOrder);
  return reply;
}

void FakeDatabase::Apply(const MutationRef& mutation, Version version) {
  if (mutation.type == MutationType::kClearRange) {
    for (auto it = rows_.lower_bound(mutation.key); it != rows_.end() && it->first < mutation.value;
         ++it) {
      Put(it->first, version, std::nullopt);
    }
  } else if (IsVersionstamped(mutation.type)) {
    const absl::StatusOr<Mutation> set = SubstituteVersionstamp(mutation, version, kOrder);
    INVARIANT(set.ok());
    Put(set->key, version, set->value);
  } else if (IsReadModifyWrite(mutation.type)) {
    const std::optional<std::string> before = Get(mutation.key, version);
    Put(mutation.key, version, ApplyAtomic(mutation.type, before, mutation.value));
  } else {
    Put(mutation.key, version, std::string(mutation.value));
  }
}

void FakeDatabase::Put(KeyRef key, Version version, std::optional<std::string> value) {
  Versions& versions = rows_[Key(key)];
  if (!versions.empty() && versions.back().first == version) {
    versions.back().second = std::move(value);
  } else {
    versions.emplace_back(version, std::move(value));
  }
}

std::optional<std::string> FakeDatabase::Get(KeyRef key, Version version) const {
  const auto it = rows_.find(key);
  if (it == rows_.end()) return std::nullopt;
  for (auto at = it->second.rbegin(); at != it->second.rend(); ++at) {
    if (at->first <= version) return at->second;
  }
  return std::nullopt;
}

std::vector<std::pair<Key, std::string>> FakeDatabase::Rows(KeyRangeRef range,
                                                            Version version) const {
  std::vector<std::pair<Key, std::string>> rows;
  for (auto it = rows_.lower_bound(range.begin); it != rows_.end() && it->first < range.end; ++it) {
    if (auto value = Get(it->first, version)) rows.emplace_back(it->first, *std::move(value));
  }
  return rows;
}

std::optional<Version> FakeDatabase::VersionOf(const std::string& id) const {
  const auto it = committed_ids_.find(id);
  return it == committed_ids_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace orrery::testing
