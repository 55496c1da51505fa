// Goal: the map says of every key what the operations said, in any order of them; its rows alone
// rebuild it at every step; and a bad row changes nothing. Method: seeded random operations against
// an array with one slot per key, the rows kept beside it as a plain ordered map.
#include "txn/metadata/shard_map.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/error_codes.h"
#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

// Keys in order; slot i of the model is [Keys()[i], Keys()[i + 1]).
std::vector<Key> Keys() {
  std::vector<Key> keys = {"", std::string(1, '\0'), "a", std::string("a\0", 2), "ab", "b"};
  for (char c = 'c'; c <= 'k'; ++c) keys.emplace_back(1, c);
  for (const char* key : {"\xfe", "\xff", "\xff/a", "\xff/keyServers/", "\xff/keyServers/a",
                          "\xff\x02", "\xff\xfe\xff"}) {
    keys.emplace_back(key);
  }
  keys.emplace_back(kShardMapEnd);
  std::sort(keys.begin(), keys.end());
  return keys;
}

Shard RandomShard(Random& random) {
  Shard shard;
  shard.team = {{TagKind::kStorage, static_cast<uint32_t>(random.Below(3))}};
  if (random.Chance(OneIn(3))) shard.destination = {{TagKind::kStorage, 1'000'000}};
  return shard;
}

class Model {
 public:
  Model() : shards_(keys_.size() - 1), begins_(keys_.size() - 1, false) { begins_[0] = true; }

  void Assign(size_t from, size_t to, const Shard& shard) {
    if (from >= to) return;
    begins_[from] = true;
    for (size_t i = from + 1; i < to; ++i) begins_[i] = false;
    if (to < begins_.size()) begins_[to] = true;
    for (size_t i = from; i < to; ++i) shards_[i] = shard;
  }
  void Split(size_t at) { begins_[at] = true; }
  void Coalesce(size_t from, size_t to) {
    for (size_t i = std::max<size_t>(from, 1); i <= to && i < begins_.size(); ++i) {
      if (begins_[i] && shards_[i - 1] == shards_[i]) begins_[i] = false;
    }
  }

  KeyRange RangeOf(size_t slot) const {
    size_t begin = slot;
    while (!begins_[begin]) --begin;
    size_t end = slot + 1;
    while (end < begins_.size() && !begins_[end]) ++end;
    return {keys_[begin], keys_[end]};
  }

  void Check(const ShardMap& map) const {
    size_t count = 0;
    for (size_t i = 0; i < shards_.size(); ++i) {
      count += begins_[i] ? 1 : 0;
      const ShardMap::Location found = map.Find(keys_[i]);
      ASSERT_EQ(found.shard, shards_[i]) << i;
      ASSERT_EQ(found.range, KeyRangeRef(RangeOf(i)));
      ASSERT_EQ(map.Find(KeyAfter(keys_[i])).range.begin <= keys_[i],
                i + 1 == begins_.size() || keys_[i + 1] != KeyAfter(keys_[i]) || !begins_[i + 1]);
      const ShardMap::Location before = map.FindBefore(keys_[i + 1]);
      ASSERT_EQ(before.range, KeyRangeRef(RangeOf(i)));
    }
    ASSERT_EQ(map.size(), count);
  }

  void CheckRange(const ShardMap& map, size_t from, size_t to) const {
    std::vector<KeyRange> expected;
    for (size_t i = from; i < to; ++i) {
      if (expected.empty() || begins_[i]) expected.push_back(RangeOf(i));
    }
    std::vector<KeyRange> visited;
    map.ForEach({keys_[from], keys_[to]}, [&](const ShardMap::Location& at) {
      visited.push_back({Key(at.range.begin), Key(at.range.end)});
      return visited.size() < 3;
    });
    if (expected.size() > 3) expected.resize(3);
    ASSERT_EQ(visited, expected);
  }

 private:
  std::vector<Key> keys_ = Keys();
  std::vector<Shard> shards_;
  std::vector<bool> begins_;  // Whether a shard begins at this slot.
};

TEST(ShardMap, RandomOperationsAgreeWithAnArray) {
  const std::vector<Key> keys = Keys();
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    ShardMap map;
    Model model;
    std::map<Key, std::string> rows;
    for (const Mutation& row : map.Rows()) rows[row.key] = row.value;
    for (int step = 0; step < 100; ++step) {
      const size_t from = random.Below(keys.size() - 1);
      const size_t to = from + random.Below(keys.size() - from);
      const KeyRangeRef range = {keys[from], keys[to]};
      std::vector<Mutation> changes;
      switch (random.Below(3)) {
        case 0: {
          const Shard shard = RandomShard(random);
          model.Assign(from, to, shard);
          changes = map.Assign(range, shard);
          break;
        }
        case 1:
          model.Split(from);
          changes = map.Split(keys[from]);
          break;
        default:
          model.Coalesce(from, to);
          changes = map.Coalesce(range);
      }
      for (const Mutation& change : changes) {
        ASSERT_TRUE(map.Apply(change).ok());
        if (change.type == MutationType::kSet) {
          rows[change.key] = change.value;
        } else {
          ASSERT_EQ(change.type, MutationType::kClearRange);
          rows.erase(rows.lower_bound(change.key), rows.lower_bound(change.value));
        }
      }
      model.Check(map);
      model.CheckRange(map, from, to);
      ShardMap rebuilt;
      for (const auto& [key, value] : rows) {
        ASSERT_TRUE(rebuilt.Apply({MutationType::kSet, key, value}).ok());
      }
      ASSERT_EQ(rebuilt, map);
      ASSERT_EQ(map.Rows().size(), rows.size());
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ShardMap, ABadRowChangesNothing) {
  ShardMap map;
  const Shard shard = {{{TagKind::kStorage, 7}, {TagKind::kStorage, 300}}, {}};
  for (const Mutation& row : map.Assign({"b", "d"}, shard)) ASSERT_TRUE(map.Apply(row).ok());
  const ShardMap before = map;
  const std::string prefix(kShardMapPrefix);
  const std::string good = EncodeShard(shard);
  const auto code = [&](MutationType type, std::string key, std::string value) {
    const ErrorCode result = CodeOf(map.Apply({type, key, value}));
    EXPECT_EQ(map, before);
    return result;
  };
  using enum MutationType;
  EXPECT_EQ(code(kSet, prefix + "c", ""), ErrorCode::file_corrupt);
  EXPECT_EQ(code(kSet, prefix + "c", good + "x"), ErrorCode::file_corrupt);
  EXPECT_EQ(code(kSet, prefix + "c", "\x02\x02"), ErrorCode::protocol_mismatch);
  EXPECT_EQ(code(kSet, prefix + "\xff\xff", good), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kAdd, prefix + "c", good), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kClearRange, prefix, prefix + "a"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kClearRange, "", "\xff\xff"), ErrorCode::client_invalid_operation);
  // Not rows at all.
  EXPECT_EQ(code(kSet, "\xff/keyServer", "x"), ErrorCode::ok);
  EXPECT_EQ(code(kSet, "\xff/keyServers0", "x"), ErrorCode::ok);
  EXPECT_EQ(code(kClearRange, "", prefix), ErrorCode::ok);
  EXPECT_EQ(code(kClearRange, "\xff/keyServers0", "\xff\xff"), ErrorCode::ok);
  EXPECT_EQ(code(kClearRange, prefix + "z", prefix + "a"), ErrorCode::ok);  // Inverted.
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeShard(std::string_view(good).substr(0, size)).ok());
  }
  EXPECT_EQ(*DecodeShard(good), shard);
  EXPECT_FALSE(DecodeShard("\x01\x01\xff\xff\xff\xff\x0f").ok());  // A team of 4 G.

  // A clear that ends beyond the rows takes those it covers.
  ASSERT_TRUE(map.Apply({kClearRange, prefix + "c", "\xff\xff"}).ok());
  EXPECT_EQ(map.size(), 2u);
  EXPECT_EQ(map.Find("z").shard, shard);
}

}  // namespace
}  // namespace orrery
