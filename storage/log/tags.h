// Tag: the name of one consumer of the log. A mutation carries the tags of all who must get it.
//
// A tag is (kind, id): the kind says what sort of consumer it is, the id which of them. Kinds that
// a build does not know are carried, logged, peeked and popped like any other, so that a new sort
// of consumer needs no change of the log. A tag is never used again for another consumer.
#pragma once

#include <compare>
#include <cstdint>

namespace orrery {

// Numbers are part of the log's format: added, never renumbered. Other numbers may occur.
enum class TagKind : uint8_t {
  kStorage = 0,   // A storage server: the mutations of its shards.
  kMetadata = 1,  // The \xff keyspace, for the proxies of the next generation.
};

struct Tag {
  TagKind kind = TagKind::kStorage;
  uint32_t id = 0;

  friend auto operator<=>(const Tag&, const Tag&) = default;
};

// The one consumer of its kind.
inline constexpr Tag kMetadataTag{TagKind::kMetadata, 0};

}  // namespace orrery
