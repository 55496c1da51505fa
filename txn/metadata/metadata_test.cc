// Goal: the metadata says what its rows say, at every step; its rows alone rebuild it; and what
// Check lets in can always be applied, whatever came before. Method: seeded random sets and clears
// against a plain ordered map of rows, and a table of what is refused.
#include "txn/metadata/metadata.h"

#include <map>

#include "core/base/encoding.h"
#include "core/base/error_codes.h"
#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

using Rows = std::map<std::string, std::string>;

Tag Storage(uint32_t id) { return {TagKind::kStorage, id}; }

Mutation ShardRow(KeyRef begin, Shard shard) {
  return {MutationType::kSet, std::string(kShardMapPrefix).append(begin), EncodeShard(shard)};
}

Mutation ServerRow(uint32_t tag_id) {
  StorageServerRow row;
  row.set_storage_id(tag_id + 100);
  row.set_tag_id(tag_id);
  row.set_zone("zone");
  return ServerListRow(row);
}

Mutation RandomSet(Random& random) {
  switch (random.Below(4)) {
    case 0:
      return ShardRow(std::string(random.Below(2), static_cast<char>('a' + random.Below(5))),
                      {{Storage(static_cast<uint32_t>(random.Below(3)))}, {}});
    case 1:
      return ServerRow(static_cast<uint32_t>(random.Below(5) << random.Below(20)));
    case 2:
      return Configuration{.replication = static_cast<uint32_t>(1 + random.Below(3)),
                           .logs = static_cast<uint32_t>(1 + random.Below(100))}
          .Rows()[random.Below(2)];
    default:
      return {MutationType::kSet, "\xff/other/" + std::to_string(random.Below(5)), "x"};
  }
}

Mutation RandomClear(const Rows& rows, Random& random) {
  const auto key = [&]() -> std::string {
    if (random.Chance(OneIn(5))) return RandomSet(random).key;
    auto at = rows.begin();
    std::advance(at, random.Below(rows.size()));
    return random.Chance(OneIn(2)) ? at->first : KeyAfter(at->first);
  };
  Mutation clear{MutationType::kClearRange, key(), key()};
  if (clear.key > clear.value) std::swap(clear.key, clear.value);
  return clear;
}

Rows RowsOf(const Metadata& metadata) {
  Rows rows;
  for (const Mutation& row : metadata.Rows()) {
    EXPECT_TRUE(Metadata::Check(row).ok());
    EXPECT_TRUE(Metadata::Touches(row));
    EXPECT_TRUE(rows.emplace(row.key, row.value).second);
  }
  return rows;
}

void ApplyTo(Rows& rows, const Mutation& mutation) {
  if (mutation.type == MutationType::kSet) {
    rows[mutation.key] = mutation.value;
    return;
  }
  rows.erase(rows.lower_bound(mutation.key), rows.lower_bound(mutation.value));
  for (const Mutation& row : Configuration().Rows()) rows.emplace(row.key, row.value);
}

TEST(Metadata, FollowsItsRows) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    Metadata metadata;
    metadata.Apply(ShardRow("", {{Storage(1)}, {}}));
    Rows rows = RowsOf(metadata);
    int refused = 0;
    for (int step = 0; step < 100; ++step) {
      const Mutation mutation =
          random.Chance(OneIn(4)) ? RandomClear(rows, random) : RandomSet(random);
      if (!Metadata::Check(mutation).ok()) {
        EXPECT_EQ(mutation.type, MutationType::kClearRange);
        EXPECT_TRUE((KeyRangeRef{mutation.key, mutation.value}.Contains(kShardMapPrefix)));
        ++refused;
        continue;
      }
      metadata.Apply(mutation);
      ApplyTo(rows, mutation);
      ASSERT_EQ(RowsOf(metadata), rows) << seed << " " << step;
      Metadata copy;
      for (const auto& [key, value] : rows) copy.Apply({MutationType::kSet, key, value});
      ASSERT_EQ(RowsOf(copy), rows);
      for (const auto& [tag_id, server] : metadata.servers()) {
        ASSERT_EQ(metadata.FindServer(tag_id)->storage_id(), tag_id + 100);
      }
    }
    EXPECT_LT(refused, 50);
  }
  EXPECT_EQ(Metadata().FindServer(1), nullptr);
}

TEST(Metadata, WhatIsRefused) {
  const auto code = [](MutationType type, std::string key, std::string value) {
    return CodeOf(Metadata::Check(Mutation{type, std::move(key), std::move(value)}));
  };
  const std::string shard = EncodeShard({{Storage(1)}, {}});
  const std::string map(kShardMapPrefix);
  using enum MutationType;
  EXPECT_EQ(code(kSet, map + "k", shard), ErrorCode::ok);
  EXPECT_EQ(code(kSet, map + "k", EncodeShard({})), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kSet, map + "\xff\xff", shard), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kSet, map + "k", shard + "x"), ErrorCode::file_corrupt);
  EXPECT_EQ(code(kAdd, map + "k", shard), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kClearRange, map, map + "k"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kClearRange, "", "\xff\xff"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kClearRange, map + std::string(1, '\0'), map + "k"), ErrorCode::ok);
  EXPECT_EQ(code(kSet, "\xff/conf/logs", "0"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kSet, "\xff/conf/no_such", "1"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kSet, ServerRow(1).key, ServerRow(2).value), ErrorCode::file_corrupt);
  EXPECT_EQ(code(kSet, ServerRow(1).key + "x", ServerRow(1).value), ErrorCode::file_corrupt);
  EXPECT_EQ(code(kXor, "\xff/other", "1"), ErrorCode::client_invalid_operation);
  // Not metadata.
  EXPECT_EQ(code(kXor, "user", "1"), ErrorCode::ok);
  EXPECT_EQ(code(kXor, "\xff\x02/other", "1"), ErrorCode::ok);
}

TEST(Metadata, WhatTouchesIt) {
  using enum MutationType;
  const auto touches = [](MutationType type, std::string key, std::string value) {
    return Metadata::Touches(Mutation{type, std::move(key), std::move(value)});
  };
  EXPECT_TRUE(touches(kSet, "\xff", ""));
  EXPECT_TRUE(touches(kSet, "\xff\x01\xff", ""));
  EXPECT_FALSE(touches(kSet, "\xfe\xff", ""));
  EXPECT_FALSE(touches(kSet, "\xff\x02", ""));
  EXPECT_FALSE(touches(kSet, "\xff\x02\xff", ""));
  EXPECT_TRUE(touches(kSet, "\xff\x03", ""));
  EXPECT_TRUE(touches(kSet, "\xff/conf/logs", ""));
  EXPECT_FALSE(touches(kSet, "\xff\xff", ""));
  EXPECT_FALSE(touches(kClearRange, "a", "\xff"));
  EXPECT_TRUE(touches(kClearRange, "a", std::string("\xff\0", 2)));
  EXPECT_FALSE(touches(kClearRange, "\xff\x02", "\xff\x03"));
  EXPECT_TRUE(touches(kClearRange, "\xff\x02", std::string("\xff\x03\0", 3)));
  EXPECT_FALSE(touches(kClearRange, "\xff\x01", "\xff\x01"));
  // A stamp begins with a zero byte: where it will lie decides.
  const auto stamped = [&](std::string body, uint32_t position) {
    AppendFixed<uint32_t>(body, position);
    return touches(kSetVersionstampedKey, body, "v");
  };
  EXPECT_FALSE(stamped("\xff" + std::string(12, '?'), 0));
  EXPECT_TRUE(stamped("\xff" + std::string(12, '?'), 1));
  EXPECT_FALSE(stamped("\xff\x02" + std::string(12, '?'), 2));
  EXPECT_TRUE(stamped("\xff\x01" + std::string(12, '?'), 2));
}

}  // namespace
}  // namespace orrery
