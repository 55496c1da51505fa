// StorageState: what a storage server knows, without its engine, its log and the network: the
// window of versions, which shards it holds, and how far it has come. A pure structure, without
// clock, coroutine or Env.
//
//   engine          window: mutations of (durable, applied]
//   ... durable <= oldest <= applied
//
// Invariants
//  1. Readable are the versions from oldest to applied, and nothing else.
//  2. A commit to the engine through version V begins with oldest >= V (BeginCommit), so whatever
//     moment of the engine a read meets, it is not newer than what the read may see; and the window
//     keeps everything above the engine's version until the commit has ended (EndCommit). So: ask
//     the window first for what the engine was read before, and an answer is right if no EndCommit
//     came between the two. `commits()` tells.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/lookup_map.h"
#include "core/base/status.h"
#include "storage/engine/write_batch.h"
#include "storage/log/mutation.h"
#include "storage/server/byte_sample.h"
#include "storage/server/shard_ownership.h"
#include "storage/server/version_age.h"
#include "storage/server/version_window.h"

namespace orrery {

// Values that the engine has for keys of atomic operations; nothing: it has none.
using EngineValues = LookupMap<Key, std::optional<std::string>>;

class StorageState {
 public:
  // Above an engine that is durable at `durable`.
  explicit StorageState(Version durable)
      : durable_(durable), oldest_(durable), applied_(durable), window_(durable) {}

  // --- Opening: rows of the engine, each once, before anything else.
  absl::Status LoadRow(KeyRef key, std::string_view value);

  // --- Applying. `batch` is of mutation_codec.h, and `version` above applied().
  // Adds the keys whose values in the engine Apply will need to `keys`: those that atomic
  // operations of the batch name and the window does not know.
  absl::Status KeysToRead(std::string_view batch, std::vector<Key>& keys) const;

  // Makes the batch part of the window; readable it is with the next Advance. `existing` has all of
  // KeysToRead, of this batch or of several that follow each other, and no EndCommit came since.
  // Errors: file_corrupt, internal_error: a batch that cannot be applied; this is of no use then.
  absl::Status Apply(Version version, std::string_view batch, const EngineValues& existing);

  // Everything up to `version` has been applied. REQUIRES: not below applied().
  void Advance(Version version);

  // --- Making durable.
  // How far the next commit to the engine should reach: versions of an age of `window_versions`,
  // or, while the window holds more than `window_bytes_max`, the oldest ones; about
  // `commit_bytes_max` of mutations at a time. Nothing when no commit is worth while: there is no
  // mutation, and durable() lags less than `empty_versions`. `more`: another commit should follow.
  struct CommitPolicy {
    Version window_versions;
    uint64_t window_bytes_max;
    uint64_t commit_bytes_max;
    Version empty_versions;
  };
  struct NextCommit {
    Version through;
    bool more;
  };
  std::optional<NextCommit> PlanCommit(const CommitPolicy& policy) const;

  // Whether the window is over its limit and a commit would make it smaller.
  bool UnderPressure(uint64_t window_bytes_max) const {
    return window_.bytes() > window_bytes_max && !uncommitted_.empty();
  }

  // Raises oldest() and gives what makes the engine at durable() the engine at `through`.
  // REQUIRES: durable() < through <= applied(); no commit is under way.
  WriteBatch BeginCommit(Version through);
  void EndCommit(Version through);

  // --- Reading.
  // transaction_too_old, wrong_shard_server, or ok. REQUIRES: version <= applied().
  absl::Status CheckReadable(KeyRangeRef range, Version version) const;
  absl::Status CheckReadable(KeyRef key, Version version) const;

  const VersionWindow& window() const { return window_; }
  const ByteSample& sample() const { return sample_; }
  const ShardOwnership& ownership() const { return ownership_; }
  Version durable() const { return durable_; }
  Version oldest() const { return oldest_; }
  Version applied() const { return applied_; }
  uint64_t commits() const { return commits_; }      // EndCommits so far.
  uint64_t mutations() const { return mutations_; }  // Applied so far.

 private:
  absl::Status ApplyAtomic(Version version, const MutationRef& mutation,
                           const EngineValues& existing);
  absl::Status ApplyPrivate(Version version, const MutationRef& mutation);
  void Queue(WindowMutation mutation);
  void Flush(Version version);

  Version durable_;
  Version oldest_;
  Version applied_;
  VersionWindow window_;
  ShardOwnership ownership_;
  VersionAge ages_;
  ByteSample sample_;
  uint64_t commits_ = 0;
  uint64_t mutations_ = 0;

  struct Uncommitted {
    Version version;
    uint64_t bytes;
  };
  std::deque<Uncommitted> uncommitted_;  // Versions with mutations above durable_, ascending.
  std::vector<WindowMutation> queue_;    // Of the version that is being applied.
  uint64_t version_bytes_ = 0;           // Of the same.
};

}  // namespace orrery
