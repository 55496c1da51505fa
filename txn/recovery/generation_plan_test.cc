// Goal: the sets of a record follow each other without a gap over any history of generations; what
// is drained goes, and nothing else; the recovery transaction carries all of the metadata and
// reaches every tag on every log of its team. Method: random histories, and the batches read back.
#include "txn/recovery/generation_plan.h"

#include <set>

#include "core/base/fixed.h"
#include "core/base/random.h"
#include "gtest/gtest.h"
#include "storage/log/log_team.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "txn/sequencer/sequencer.h"

namespace orrery {
namespace {

std::vector<LogMember> Logs(size_t count, size_t zones) {
  std::vector<LogMember> logs(count);
  for (size_t i = 0; i < count; ++i) {
    logs[i].set_log_id(100 + i);
    logs[i].set_zone("z" + std::to_string(i % zones));
  }
  return logs;
}

// Ranges follow each other, the last one is open.
void ExpectSound(const GenerationRecord& record) {
  const auto& sets = record.log_system().sets();
  ASSERT_GT(sets.size(), 0);
  for (int i = 0; i < sets.size(); ++i) {
    const bool current = i + 1 == sets.size();
    if (current) {
      ASSERT_EQ(sets[i].end(), kInvalidVersion);
      ASSERT_EQ(sets[i].generation(), record.generation());
      ASSERT_GT(sets[i].first_version(), sets[i].begin());
    } else {
      ASSERT_LT(sets[i].begin(), sets[i].end());
      ASSERT_EQ(sets[i].end(), sets[i + 1].begin());
    }
  }
  ASSERT_EQ(record.log_system().generation(), record.generation());
}

TEST(GenerationPlanTest, TheFirstGeneration) {
  GenerationRecord created;
  created.set_window(5'000'000);
  created.set_feature_level(1);
  created.add_initial_configuration("redundancy=double");
  const Takeover takeover = FirstTakeover(created);
  const GenerationRecord record = NextRecord(created, takeover, 2, Logs(3, 2));
  ExpectSound(record);
  EXPECT_EQ(record.generation(), 1u);
  EXPECT_EQ(record.log_system().sets(0).begin(), 0);
  EXPECT_EQ(record.log_system().sets(0).first_version(), kGenerationJump);
  EXPECT_EQ(record.log_system().sets(0).replication(), 2u);
  EXPECT_EQ(record.initial_configuration_size(), 0);
  EXPECT_EQ(record.window(), 5'000'000);
  EXPECT_EQ(record.feature_level(), 1u);
}

TEST(GenerationPlanTest, Histories) {
  Random random(11);
  for (int history = 0; history < 300; ++history) {
    GenerationRecord record;
    record.set_minimum_version(random.Between(-1, 1'000'000));
    record = NextRecord(record, FirstTakeover(record), 1, Logs(1, 1));
    for (uint64_t generation = 2; generation < 40; ++generation) {
      const LogSet last = *record.log_system().sets().rbegin();
      const Version committed = random.Chance(OneIn(3))
                                    ? last.begin()
                                    : last.first_version() + random.Between(0, 1'000'000);
      const Version end = std::max(committed, last.first_version()) + random.Between(0, 1'000);
      record = NextRecord(record, {end, committed}, 1, Logs(2, 2));
      ASSERT_NO_FATAL_FAILURE(ExpectSound(record));
      ASSERT_EQ(record.generation(), generation);
      const LogSet& current = *record.log_system().sets().rbegin();
      ASSERT_EQ(current.begin(), committed);
      ASSERT_EQ(current.first_version(), end + kGenerationJump);
      ASSERT_LE(record.jumps_size(), 20);
      ASSERT_EQ(record.jumps().rbegin()->recovery_version(), end);
      if (random.Chance(OneIn(3))) {
        const Version durable = random.Between(-1, end);
        const GenerationRecord left = WithoutDrained(record, durable);
        ASSERT_NO_FATAL_FAILURE(ExpectSound(left));
        for (const LogSet& set : left.log_system().sets()) {
          ASSERT_TRUE(set.end() == kInvalidVersion || set.end() > durable);
        }
        int dropped = 0;
        for (const LogSet& set : record.log_system().sets()) {
          dropped += set.end() != kInvalidVersion && set.end() <= durable ? 1 : 0;
        }
        ASSERT_EQ(left.log_system().sets_size(), record.log_system().sets_size() - dropped);
        record = left;
      }
    }
  }
}

Metadata ThreeServers() {
  std::vector<StorageServerRow> servers(3);
  for (uint32_t i = 0; i < 3; ++i) {
    servers[i].set_storage_id(1000 + i);
    servers[i].set_tag_id(i);
    servers[i].set_zone("z" + std::to_string(i));
  }
  absl::StatusOr<Metadata> metadata =
      FirstMetadata({"redundancy=triple", "logs=4", "resolvers=2"}, servers);
  EXPECT_TRUE(metadata.ok());
  return *metadata;
}

TEST(GenerationPlanTest, FirstMetadata) {
  const Metadata metadata = ThreeServers();
  EXPECT_EQ(metadata.configuration().replication, 3u);
  EXPECT_EQ(metadata.configuration().logs, 4u);
  EXPECT_EQ(metadata.shards().size(), 1u);
  EXPECT_EQ(metadata.shards().Find("k").shard.team.size(), 3u);
  EXPECT_EQ(metadata.shards().Find("").range, (KeyRangeRef{"", kShardMapEnd}));
  EXPECT_EQ(
      StorageTags(metadata),
      (std::vector<Tag>{{TagKind::kStorage, 0}, {TagKind::kStorage, 1}, {TagKind::kStorage, 2}}));
  EXPECT_FALSE(FirstMetadata({"redundancy=quadruple"}, {}).ok());
  EXPECT_FALSE(FirstMetadata({"redundancy"}, {}).ok());
}

// What a consumer of `tag` reads at log `log`.
std::vector<Mutation> ReadTag(const std::string& batch, Tag tag) {
  std::vector<Mutation> read;
  absl::StatusOr<MutationBatchReader> reader = MutationBatchReader::Open(batch);
  EXPECT_TRUE(reader.ok());
  while (reader->remaining() > 0) {
    EXPECT_TRUE(reader->Next().ok());
    for (const Tag each : reader->tags()) {
      const MutationRef& m = reader->mutation();
      if (each == tag) read.push_back({m.type, std::string(m.key), std::string(m.value)});
    }
  }
  return read;
}

void ExpectDelivered(bool first) {
  const Metadata metadata = ThreeServers();
  LogSet set;
  set.set_replication(2);
  for (LogMember& log : Logs(4, 3)) *set.add_logs() = log;
  const std::vector<TaggedMutation> transaction = RecoveryTransaction(metadata, 4711, first);
  const std::vector<std::string> batches = BatchesOf(transaction, set);
  ASSERT_EQ(batches.size(), 4u);
  for (const std::string& batch : batches) {  // Every log has the metadata.
    EXPECT_EQ(ReadTag(batch, kMetadataTag), metadata.Snapshot());
  }
  std::string recovery_version;
  AppendFixed(recovery_version, uint64_t{4711});
  for (const Tag tag : StorageTags(metadata)) {
    const std::vector<size_t> team = LogTeamOf(tag, set);
    for (size_t log = 0; log < batches.size(); ++log) {
      const std::vector<Mutation> read = ReadTag(batches[log], tag);
      if (std::find(team.begin(), team.end(), log) == team.end()) {
        EXPECT_TRUE(read.empty());
        continue;
      }
      ASSERT_EQ(read.size(), first ? 2 + metadata.Rows().size() : 1);
      EXPECT_EQ(read[0].key, kGenerationKey);
      EXPECT_EQ(read[0].value, recovery_version);
      if (!first) continue;
      EXPECT_EQ(read[1].key, kAssignPrefix);
      EXPECT_EQ(read[1].value, kShardMapEnd);
    }
  }
}

TEST(GenerationPlanTest, RecoveryTransactionOfTheFirst) { ExpectDelivered(true); }
TEST(GenerationPlanTest, RecoveryTransactionOfLaterOnes) { ExpectDelivered(false); }

std::string Batch(const std::vector<Mutation>& mutations) {
  MutationBatchWriter writer;
  for (const Mutation& mutation : mutations) writer.Add({{kMetadataTag}}, mutation);
  return std::move(writer).Finish();
}

TEST(GenerationPlanTest, MetadataBeginWithASnapshot) {
  const Mutation other{MutationType::kSet, "\xff/other", "1"};
  const Metadata metadata = ThreeServers();
  const std::string change = Batch({other});
  const std::string snapshot = Batch(metadata.Snapshot());
  std::vector<Mutation> rows = metadata.Rows();
  const auto read = [](std::vector<std::string_view> batches) { return MetadataOf(batches); };
  // What its own transaction changed comes before the snapshot, which has it, or has it no more.
  std::vector<Mutation> behind = {other};
  for (const Mutation& each : metadata.Snapshot()) behind.push_back(each);
  EXPECT_EQ(read({snapshot})->Rows(), rows);
  EXPECT_EQ(read({Batch(behind)})->Rows(), rows);
  EXPECT_EQ(read({snapshot, change, snapshot})->Rows(), rows);
  rows.push_back(other);
  EXPECT_EQ(read({snapshot, change})->Rows(), rows);
  EXPECT_EQ(CodeOf(read({}).status()), ErrorCode::file_corrupt);
  EXPECT_EQ(CodeOf(read({change, snapshot}).status()), ErrorCode::file_corrupt);
  EXPECT_EQ(CodeOf(read({Batch(metadata.Rows())}).status()), ErrorCode::file_corrupt);
  EXPECT_FALSE(read({snapshot, "nonsense"}).ok());
}

TEST(GenerationPlanTest, ResolverBegins) {
  EXPECT_EQ(ResolverBegins(1), (std::vector<Key>{""}));
  EXPECT_EQ(ResolverBegins(2), (std::vector<Key>{"", "\x80"}));
  const std::vector<Key> many = ResolverBegins(100);
  EXPECT_TRUE(std::is_sorted(many.begin(), many.end()));
  EXPECT_EQ(std::set<Key>(many.begin(), many.end()).size(), 100u);
}

}  // namespace
}  // namespace orrery
