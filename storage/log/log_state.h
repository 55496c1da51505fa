// LogState: what one log server knows: the chain of versions, which messages lie where, what is
// durable and known committed, and what consumers have popped. Pure: no Env, coroutine or clock.
//
// Invariants
//  1. durable() <= accepted(). A version is accepted only after the one before it, and never when
//     locked.
//  2. Visible to consumers: at most min(durable(), known_committed()), or
//     min(durable(), `through`).
//  3. A message is kept until its tag is popped at or beyond its version. needed_from() is never
//     beyond one that is kept, and never beyond the last durable version: that one tells a
//     restarted log where it ends.
//
// Cost: a push O(tags log all tags). A pop O(messages popped). Finding a tag's messages O(log of
// its messages). Memory: index_bytes() for the index, memory_bytes() for the batches that are not
// spilled; spilled ones are read from the queue at their location.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "storage/diskqueue/page.h"
#include "storage/log/tags.h"

namespace orrery {

// The messages of one version.
struct LogMessages {
  Version version = kInvalidVersion;
  Location location = 0;     // Of their entry in the queue.
  uint32_t bytes = 0;        // Of the batch.
  bool one_tag_set = false;  // All its mutations carry the same tags.
  bool in_memory = false;
  Buffer batch;  // When in_memory.
};

class LogState {
 public:
  // A log whose chain begins after `begin`: everything up to there is popped for every tag, and
  // counts as durable and known committed.
  explicit LogState(Version begin)
      : begin_(begin), accepted_(begin), durable_(begin), known_committed_(begin) {}
  LogState(LogState&&) = default;

  enum class Verdict : uint8_t {
    kAccept,     // It is the next one.
    kDuplicate,  // Accepted before.
    kWait,       // Its previous version has not come yet.
    kOffChain,   // Another version follows its previous one.
    kLocked,
  };
  // What is to be done with a push of `version` after `previous`.
  Verdict Judge(Version previous, Version version) const;

  // Takes the messages of `messages.version`, whose tags are `tags` (each once). Empty: nobody
  // needs them. REQUIRES: Judge says kAccept; locations ascend.
  void Accept(std::span<const Tag> tags, LogMessages messages);

  // Everything accepted up to `version` is durable.
  void OnDurable(Version version);

  // While a queue is read again: the next entry, durable, whose chain may begin anywhere above
  // `begin` since what was popped is gone. file_corrupt: it does not continue the chain.
  absl::Status Restore(Version previous, std::span<const Tag> tags, LogMessages messages);

  void LearnKnownCommitted(Version version) {
    known_committed_ = version > known_committed_ ? version : known_committed_;
  }

  // From now on nothing is accepted.
  void Lock() { locked_ = true; }

  bool locked() const { return locked_; }
  Version accepted() const { return accepted_; }
  Version durable() const { return durable_; }
  Version known_committed() const { return known_committed_; }

  // Up to where a peek sees: `through` of the request, or if that is negative what is known
  // committed; only durable versions.
  Version Bound(Version through) const;

  // Messages of `tag` at or below this are gone.
  Version popped(Tag tag) const;

  // The tag's messages in (after, bound], in order, until they have `bytes_max` bytes, one version
  // at least. And up to where they are all the tag has: `bound`, or the last one's version.
  struct Found {
    std::vector<LogMessages> messages;
    Version through;
  };
  Found Find(Tag tag, Version after, Version bound, uint64_t bytes_max) const;

  // The consumer of `tag` needs nothing at or below `version`; what is not durable stays.
  void Pop(Tag tag, Version version);

  // Every tag that popped something, and how far.
  std::vector<std::pair<Tag, Version>> pops() const;

  // Entries of the queue before this location are not needed. 0: nothing is known to be in it.
  Location needed_from() const;

  // Lets go of the oldest batches until memory_bytes() <= bytes_max.
  void Spill(uint64_t bytes_max);

  uint64_t memory_bytes() const { return memory_bytes_; }
  uint64_t index_bytes() const { return index_entries_ * 8 + messages_.size() * sizeof(Kept); }

 private:
  struct Kept {
    LogMessages messages;
    uint32_t holders;  // Tags that have not popped it.
  };
  struct OfTag {
    Version popped = kInvalidVersion;
    std::deque<uint64_t> ordinals;  // Of the messages it has not popped.
  };

  Kept& At(uint64_t ordinal) { return messages_[ordinal - first_ordinal_]; }
  const Kept& At(uint64_t ordinal) const { return messages_[ordinal - first_ordinal_]; }
  void Keep(std::span<const Tag> tags, LogMessages messages);
  void Forget(Kept& kept);
  void DropFront();

  const Version begin_;
  Version accepted_;
  Version durable_;
  Version known_committed_;
  bool locked_ = false;
  bool restored_ = false;

  // Ordinals count the versions that have messages.
  std::deque<Kept> messages_;
  uint64_t first_ordinal_ = 0;
  uint64_t spilled_ordinal_ = 0;  // Messages below it are not in memory.
  uint64_t index_entries_ = 0;
  uint64_t memory_bytes_ = 0;
  absl::btree_map<Tag, OfTag> tags_;

  std::deque<std::pair<Version, Location>> not_durable_;
  Location last_durable_location_ = 0;
};

}  // namespace orrery
