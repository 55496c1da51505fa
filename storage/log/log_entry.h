// Entries of a log server's queue, and what it does with a batch of mutations.
//
//   version entry  kind             fixed8   1
//                  version          fixed64
//                  previous         fixed64  the version before it in the chain
//                  known committed  fixed64  as the log knew it then
//                  batch            mutation_codec.h, or nothing
//   pops entry     kind             fixed8   2
//                  count            fixed32
//                  pops             each: tag kind fixed8, tag id fixed32, popped version fixed64
//
// A pops entry says how far each tag was popped. One is durable before the queue's begin moves, so
// what is left of the queue always holds the latest.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "storage/log/tags.h"

namespace orrery {

inline constexpr size_t kLogEntryHeaderBytes = 25;

struct LogVersionEntry {
  Version version = kInvalidVersion;
  Version previous = kInvalidVersion;
  Version known_committed = kInvalidVersion;
  std::string_view batch;
};

using LogPops = std::vector<std::pair<Tag, Version>>;

// The entry; its batch is the bytes from kLogEntryHeaderBytes.
Buffer EncodeLogEntry(const LogVersionEntry& entry);
std::string EncodeLogEntry(const LogPops& pops);

// Errors: file_corrupt.
absl::StatusOr<std::variant<LogVersionEntry, LogPops>> DecodeLogEntry(std::string_view bytes);

// What the log must know of a batch. Errors: those of MutationBatchReader.
struct BatchTags {
  std::vector<Tag> tags;    // Of all mutations, sorted, each once.
  bool one_tag_set = true;  // All mutations carry the same tags.
};
absl::StatusOr<BatchTags> TagsOfBatch(std::string_view batch);

// The batch's mutations that carry `tag`, as a batch of their own.
absl::StatusOr<std::string> FilterBatch(std::string_view batch, Tag tag);

}  // namespace orrery
