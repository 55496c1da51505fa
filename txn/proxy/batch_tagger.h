// BatchTagger: turns the committed transactions of one batch into what each log gets: every
// mutation with the tags of those who must have it. Pure: no Env, no coroutine.
//
// A batch has one version, and everything in it is tagged by the metadata as they are after it: so
// the batch's own changes of metadata come first (ApplyOwn), then all mutations (Add). What a
// change of the shard map means for a storage server goes into that server's stream, before the
// version's other mutations: private_mutations.h.
//
//   set, atomic operation   the servers of the shard: its team, and its destination
//   clear of a range        cut at the borders of shards, each piece to the shard's servers
//   change of metadata      besides, to the metadata tag
//
// What was added is referred to, not copied, until Encode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/base/buffer.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "storage/log/log.pb.h"
#include "storage/log/mutation.h"
#include "storage/log/tags.h"
#include "txn/metadata/metadata.h"

namespace orrery {

// The teams of a set's logs, remembered by tag.
class LogTeams {
 public:
  explicit LogTeams(LogSet set) : set_(std::move(set)) {}

  size_t logs() const { return static_cast<size_t>(set_.logs_size()); }

  // Whether log `log` keeps the messages of `tag`.
  bool Keeps(size_t log, Tag tag);

 private:
  const LogSet set_;
  std::map<Tag, std::vector<bool>> teams_;
};

// The batches of one version. Logs that get the same share it.
struct LogBatches {
  std::vector<Buffer> of_log;
};

class BatchTagger {
 public:
  // Both outlive it.
  BatchTagger(Metadata& metadata, LogTeams& teams) : metadata_(metadata), teams_(teams) {}

  // Applies a change of metadata by the batch itself. REQUIRES: Metadata::Check is ok; no Add yet.
  void ApplyOwn(const MutationRef& mutation);

  // The next mutation, of the transaction with that order. A versionstamp is put in. The bytes of
  // `mutation` outlive this. REQUIRES: it is well formed.
  void Add(const MutationRef& mutation, Version version, uint16_t order);

  // The next mutation, whose bytes are kept here.
  void AddOwned(Mutation mutation);

  // A snapshot of the metadata as they are after this batch, for the metadata tag only. After all
  // of the batch's mutations: it makes what comes before it superfluous.
  void AddSnapshot();

  size_t mutations() const { return items_.size(); }

  LogBatches Encode();

 private:
  struct Item {
    MutationRef mutation;
    uint32_t tags;  // Index into tag_sets_.
  };

  void Tagged(const MutationRef& mutation);
  void TaggedClear(const MutationRef& mutation);
  uint32_t TagsOf(const Shard& shard, bool metadata);
  uint32_t Intern(std::vector<Tag> tags);
  void TellServers(KeyRangeRef range, const Shard& before);
  void TellServer(Tag server, std::string_view prefix, KeyRangeRef range);

  Metadata& metadata_;
  LogTeams& teams_;
  std::vector<Item> items_;
  std::deque<Mutation> owned_;
  std::vector<std::vector<Tag>> tag_sets_;
  std::map<std::vector<Tag>, uint32_t> interned_;

  // Where the last key lay: most batches have few shards. Nothing before the first Add.
  KeyRangeRef last_range_;
  uint32_t last_tags_ = 0;
};

// A bound on the bytes of the log batch that a transaction becomes, if no shard's tags take more
// than `tag_bytes`.
size_t LoggedBytesMax(const std::vector<MutationRef>& mutations, size_t tag_bytes,
                      const ShardMap& shards);

// The most bytes that a shard's tags take in the encoding, the metadata tag's included.
size_t TagBytesMax(const ShardMap& shards);

}  // namespace orrery
