// ShardMap: which servers hold which keys: a map from ranges of keys to shards that covers the
// whole key space. It mirrors rows of the database, one for the first key of each shard:
//
//   "\xff/keyServers/" + first key  ->  written by        fixed8  the format of the writer
//                                       minimum           fixed8  the oldest format that can read
//                                       it team              varint count; each: kind fixed8, id
//                                       varint destination       the same
//
// A shard reaches to the next row, the last one to kShardMapEnd. The row of the empty key always
// exists. So every state of the rows is a valid map: setting a row splits the shard it lies in,
// clearing one joins its shard to the one before.
//
// Who changes the map makes rows with Assign, Split or Coalesce against the map as he knows it,
// and commits them in a transaction that conflicts with any other change of that part. Whoever
// holds a copy (every proxy) applies the rows of every such transaction, in order.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/keys.h"
#include "storage/log/mutation.h"
#include "storage/log/tags.h"

namespace orrery {

inline constexpr std::string_view kShardMapPrefix = "\xff/keyServers/";

// After every key of the database.
inline constexpr std::string_view kShardMapEnd = "\xff\xff";

struct Shard {
  std::vector<Tag> team;         // Who serves it. In the order given; without duplicates.
  std::vector<Tag> destination;  // Who is getting it; empty while it does not move.

  friend bool operator==(const Shard&, const Shard&) = default;
};

std::string EncodeShard(const Shard& shard);

// Errors: file_corrupt, protocol_mismatch (of a newer format).
absl::StatusOr<Shard> DecodeShard(std::string_view bytes);

class ShardMap {
 public:
  // One shard without servers. Applying all Rows() of another map makes this one equal to it.
  ShardMap();

  struct Location {
    KeyRangeRef range;  // Of the shard. Valid, like the shard, until the map changes.
    const Shard& shard;
  };

  // The shard that has `key`. REQUIRES: key < kShardMapEnd.
  Location Find(KeyRef key) const;

  // The shard that has the keys just before `end`. REQUIRES: "" < end <= kShardMapEnd.
  Location FindBefore(KeyRef end) const;

  // Visits, in order, every shard that has keys of `range`, until `visit` returns false. The range
  // visited is the shard's own, not cut to `range`. REQUIRES: range.end <= kShardMapEnd.
  void ForEach(KeyRangeRef range, const std::function<bool(const Location&)>& visit) const;

  size_t size() const { return shards_.size(); }

  // The rows that make all of `range` one shard, and leave every other key where it is. Nothing if
  // `range` is empty. Applied one by one, each leaves a valid map. REQUIRES: as ForEach.
  std::vector<Mutation> Assign(KeyRangeRef range, const Shard& shard) const;

  // The rows that make a shard begin at `key`; nothing if one does. REQUIRES: key < kShardMapEnd.
  std::vector<Mutation> Split(KeyRef key) const;

  // The rows that join neighbours which are equal and meet within `range`, both ends included.
  // REQUIRES: range.begin <= range.end <= kShardMapEnd.
  std::vector<Mutation> Coalesce(KeyRangeRef range) const;

  // The rows of the whole map: for the database's first transaction, and for snapshots.
  std::vector<Mutation> Rows() const;

  // Whether a change of `range` changes rows of the map. For a single key: [key, KeyAfter(key)).
  static bool IsRow(KeyRangeRef range);

  // Applies one mutation; what it does outside of the rows does not matter here. On an error the
  // map is as it was, and the mutation must not be let into the database.
  // Errors: those of DecodeShard; client_invalid_operation (neither a set nor a clear, or the row
  // of the empty key would go, or a row at or after kShardMapEnd).
  absl::Status Apply(const MutationRef& mutation);

  friend bool operator==(const ShardMap& a, const ShardMap& b) { return a.shards_ == b.shards_; }

 private:
  using Shards = std::map<Key, Shard, std::less<>>;

  Location At(Shards::const_iterator shard) const;
  Shards::const_iterator ShardOf(KeyRef key) const;

  Shards shards_;  // By first key. Has "" always.
};

}  // namespace orrery
