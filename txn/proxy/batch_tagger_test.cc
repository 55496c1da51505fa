// Goal: each log gets the mutations of the tags it keeps, with those tags and no others; logs that
// get the same share one batch; and no batch is larger than the bound that admission believes.
// Method: a shard map whose shards have different servers, batches read back; random batches
// against the bound. (What a batch says is compared with a model in commit_proxy_test.cc.)
#include "txn/proxy/batch_tagger.h"

#include "core/base/random.h"
#include "gtest/gtest.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"

namespace orrery {
namespace {

Tag Storage(uint32_t id) { return {TagKind::kStorage, id}; }

LogSet Logs(size_t count, uint32_t replication) {
  LogSet set;
  set.set_replication(replication);
  for (size_t i = 0; i < count; ++i) set.add_logs()->set_zone(std::to_string(i));
  return set;
}

Metadata WithShards(const std::vector<std::pair<Key, Shard>>& shards) {
  Metadata metadata;
  for (const auto& [begin, shard] : shards) {
    metadata.Apply(
        Mutation{MutationType::kSet, std::string(kShardMapPrefix) + begin, EncodeShard(shard)});
  }
  return metadata;
}

// "0,1 key=value" for each mutation; the metadata tag is "m".
std::vector<std::string> Lines(const Buffer& batch) {
  std::vector<std::string> lines;
  absl::StatusOr<MutationBatchReader> reader = MutationBatchReader::Open(batch.view());
  EXPECT_TRUE(reader.ok());
  while (reader->remaining() > 0) {
    EXPECT_TRUE(reader->Next().ok());
    std::string line;
    for (const Tag tag : reader->tags()) {
      line += (line.empty() ? "" : ",");
      line += tag.kind == TagKind::kMetadata ? "m" : std::to_string(tag.id);
    }
    lines.push_back(line + " " + std::string(reader->mutation().key) + "=" +
                    std::string(reader->mutation().value));
  }
  return lines;
}

using All = std::vector<std::string>;

TEST(BatchTagger, EachLogGetsWhatItKeeps) {
  Metadata metadata = WithShards(
      {{"", {{Storage(0)}, {}}}, {"k", {{Storage(1), Storage(2)}, {Storage(0), Storage(2)}}}});
  LogTeams teams(Logs(3, 1));  // Tag i lies in log i.
  BatchTagger tagger(metadata, teams);
  const Mutation a{MutationType::kSet, "a", "1"};
  const Mutation z{MutationType::kAdd, "z", "2"};
  const Mutation across{MutationType::kClearRange, "b", "m"};
  const Mutation nothing{MutationType::kClearRange, "b", "b"};
  for (const Mutation* each : {&a, &z, &across, &nothing}) tagger.Add(*each, 10, 0);
  const LogBatches batches = tagger.Encode();
  EXPECT_EQ(Lines(batches.of_log[0]), (All{"0 a=1", "0 z=2", "0 b=k", "0 k=m"}));
  EXPECT_EQ(Lines(batches.of_log[1]), (All{"1 z=2", "1 k=m"}));
  EXPECT_EQ(Lines(batches.of_log[2]), (All{"2 z=2", "2 k=m"}));
}

TEST(BatchTagger, LogsThatGetTheSameShareIt) {
  Metadata metadata = WithShards({{"", {{Storage(0)}, {}}}});
  const Mutation a{MutationType::kSet, "a", "1"};
  for (const uint32_t replication : {3u, 2u}) {
    LogTeams teams(Logs(3, replication));
    BatchTagger tagger(metadata, teams);
    tagger.Add(a, 10, 0);
    const LogBatches batches = tagger.Encode();
    EXPECT_EQ(batches.of_log[0].data(), batches.of_log[1].data());
    EXPECT_EQ(batches.of_log[0].data() == batches.of_log[2].data(), replication == 3);
  }
  LogTeams teams(Logs(3, 2));
  BatchTagger tagger(metadata, teams);
  const LogBatches empty = tagger.Encode();
  EXPECT_EQ(empty.of_log[0].data(), empty.of_log[2].data());
  EXPECT_TRUE(Lines(empty.of_log[0]).empty());
}

TEST(BatchTagger, AChangeOfTheMapIsToldFirstAndHoldsForTheWholeBatch) {
  Metadata metadata = WithShards({{"", {{Storage(0)}, {}}}, {"t", {{Storage(3)}, {}}}});
  LogTeams teams(Logs(1, 1));
  BatchTagger tagger(metadata, teams);
  const Mutation before{MutationType::kSet, "m", "1"};
  const Mutation row{MutationType::kSet, std::string(kShardMapPrefix) + "k",
                     EncodeShard({{Storage(1)}, {Storage(0)}})};
  tagger.ApplyOwn(row);
  tagger.Add(before, 10, 0);
  tagger.Add(row, 10, 1);
  const std::string assign(kAssignPrefix);
  EXPECT_EQ(Lines(tagger.Encode().of_log[0]),
            (All{"1 " + assign + "k=t", "0,1 m=1", "3,m " + row.key + "=" + row.value}));

  BatchTagger next(metadata, teams);
  const Mutation gone{MutationType::kClearRange, row.key, KeyAfter(row.key)};
  next.ApplyOwn(gone);
  next.Add(before, 11, 0);
  const std::string unassign(kUnassignPrefix);
  EXPECT_EQ(Lines(next.Encode().of_log[0]), (All{"1 " + unassign + "k=t", "0 m=1"}));
}

TEST(BatchTagger, VersionstampsArePutIn) {
  Metadata metadata = WithShards({{"", {{Storage(0)}, {}}}});
  LogTeams teams(Logs(1, 1));
  BatchTagger tagger(metadata, teams);
  const Mutation stamped{MutationType::kSetVersionstampedKey,
                         "k" + std::string(10, '?') + std::string("\x01\0\0\0", 4), "v"};
  tagger.Add(stamped, 0x4142434445464748, 0x4950);
  EXPECT_EQ(Lines(tagger.Encode().of_log[0]), (All{"0 kABCDEFGHIP=v"}));
}

TEST(BatchTagger, NoBatchIsLargerThanItsBound) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::vector<std::pair<Key, Shard>> shards = {{"", {{Storage(0)}, {}}}};
    for (uint64_t i = random.Below(4); i > 0; --i) {
      const auto id = static_cast<uint32_t>(random.Next() >> (32 + random.Below(32)));
      shards.push_back(
          {std::string(1 + random.Below(200), static_cast<char>('a' + random.Below(9))),
           {{Storage(id), Storage(id + 1)}, {Storage(id / 2)}}});
    }
    Metadata metadata = WithShards(shards);
    LogTeams teams(Logs(1, 1));
    BatchTagger tagger(metadata, teams);
    std::vector<Mutation> mutations(random.Below(20));
    for (Mutation& each : mutations) {
      each = {MutationType::kSet, std::string(1, static_cast<char>('a' + random.Below(9))),
              std::string(random.Below(1 << random.Below(16)), 'z')};
      if (random.Chance(OneIn(3))) each.type = MutationType::kClearRange;
    }
    const std::vector<MutationRef> refs(mutations.begin(), mutations.end());
    for (const MutationRef& each : refs) tagger.Add(each, 10, 0);
    constexpr size_t kBatchHeader = 8;
    EXPECT_LE(
        tagger.Encode().of_log[0].size(),
        kBatchHeader + LoggedBytesMax(refs, TagBytesMax(metadata.shards()), metadata.shards()));
  }
}

}  // namespace
}  // namespace orrery
