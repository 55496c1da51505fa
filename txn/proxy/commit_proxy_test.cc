// Goal: whatever two commit proxies take in at once, every log gets every version, each tag's
// stream has exactly what the committed transactions say, in their order and by the shard map of
// that version, and nobody is answered before all of it is durable and reported.
// Method: commit_cluster.h. Afterwards the streams are compared with those that a model with one
// slot for each key makes of the answers.
#include "txn/proxy/commit_proxy.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/encoding.h"
#include "storage/log/atomic_operations.h"
#include "storage/log/log_team.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "txn/proxy/commit_ids.h"
#include "txn/proxy/testing/commit_cluster.h"

namespace orrery {
namespace {

using namespace commit_testing;  // NOLINT: the test is about nothing else.

// ---- The model: who serves which slot, and so what each tag's stream is.

using Stream = std::vector<std::string>;  // One line for each change of one slot.

class Model {
 public:
  Model() : shards_(Slots().size()) {
    for (const Mutation& row : Cluster::FirstMetadata()) Apply(row);
  }

  // All that was committed at one version, in order.
  void Version1(Version version, const std::vector<const Sent*>& committed) {
    for (const Sent* each : committed) {
      for (const Mutation& mutation : each->mutations) {
        if (Metadata::Touches(mutation)) ApplyAndTell(version, mutation);
      }
    }
    std::vector<std::pair<std::string, uint16_t>> ids;
    for (const Sent* each : committed) {
      const auto order = static_cast<uint16_t>((*each->reply)->order());
      if (!each->id.empty()) ids.emplace_back(each->id, order);
      for (const Mutation& mutation : each->mutations) {
        if (IsVersionstamped(mutation.type)) {
          Write(version, *SubstituteVersionstamp(mutation, version, order));
        } else {
          Write(version, mutation);
        }
      }
    }
    for (const Mutation& row : CommittedRows(version, ids)) Write(version, row);
  }

  std::map<Tag, Stream> streams;

 private:
  static std::set<Tag> Servers(const Shard& shard) {
    std::set<Tag> servers(shard.team.begin(), shard.team.end());
    servers.insert(shard.destination.begin(), shard.destination.end());
    return servers;
  }
  const Shard& ShardOf(size_t slot) const {
    while (!shards_[slot].has_value()) --slot;
    return *shards_[slot];
  }

  void Apply(const Mutation& mutation) {
    if (!mutation.key.starts_with(kShardMapPrefix)) return;
    const auto suffix = [](std::string_view row) { return row.substr(kShardMapPrefix.size()); };
    const size_t slot = SlotOf(suffix(mutation.key));
    if (mutation.type == MutationType::kSet) {
      shards_[slot] = *DecodeShard(mutation.value);
      return;
    }
    for (size_t i = slot; i < SlotOf(suffix(mutation.value)); ++i) shards_[i].reset();
  }

  void ApplyAndTell(Version version, const Mutation& mutation) {
    const Model before = *this;
    Apply(mutation);
    for (size_t slot = 0; slot < shards_.size(); ++slot) {
      const std::set<Tag> old_servers = Servers(before.ShardOf(slot));
      const std::set<Tag> servers = Servers(ShardOf(slot));
      for (const Tag tag : old_servers) {
        if (!servers.contains(tag)) Tell(tag, version, "unassign " + Slots()[slot]);
      }
      for (const Tag tag : servers) {
        if (!old_servers.contains(tag)) Tell(tag, version, "assign " + Slots()[slot]);
      }
    }
  }

  void Write(Version version, const Mutation& mutation) {
    if (mutation.type == MutationType::kClearRange && mutation.key >= mutation.value) return;
    const bool rows = mutation.key.starts_with('\xff');
    if (mutation.type == MutationType::kClearRange && !rows) {
      for (size_t slot = SlotOf(mutation.key); slot < SlotOf(mutation.value); ++slot) {
        for (const Tag tag : Servers(ShardOf(slot))) Tell(tag, version, "clear " + Slots()[slot]);
      }
      return;
    }
    std::set<Tag> tags = Servers(ShardOf(SlotOf(mutation.key)));
    if (Metadata::Touches(mutation)) tags.insert(kMetadataTag);
    for (const Tag tag : tags) {
      Tell(tag, version,
           std::to_string(static_cast<int>(mutation.type)) + " " + mutation.key + "=" +
               mutation.value);
    }
  }

  void Tell(Tag tag, Version version, const std::string& what) {
    streams[tag].push_back(std::to_string(version) + ": " + what);
  }

  std::vector<std::optional<Shard>> shards_;  // By slot: the shard that begins there.
};

// The rest of the batch is `metadata`, for the metadata tag alone.
void ExpectSnapshot(MutationBatchReader& reader, const Metadata& metadata) {
  const std::vector<Mutation> rows = metadata.Rows();
  ASSERT_EQ(reader.remaining(), rows.size());
  for (const Mutation& row : rows) {
    ASSERT_TRUE(reader.Next().ok());
    EXPECT_EQ(reader.mutation(), MutationRef(row));
    EXPECT_TRUE(std::ranges::equal(reader.tags(), std::vector<Tag>{kMetadataTag}));
  }
}

// The streams of one log, in the model's form. Snapshots of the metadata are left out, after they
// were compared with what came before.
std::map<Tag, Stream> StreamsOf(const FakeLog& log, uint64_t& snapshots) {
  std::map<Tag, Stream> streams;
  Metadata metadata;
  for (const Mutation& row : Cluster::FirstMetadata()) metadata.Apply(row);
  std::set<Version> whole = {kFirst + 1};  // Where the metadata can be read from.
  for (const auto& [version, batch] : log.batches) {
    absl::StatusOr<MutationBatchReader> reader = MutationBatchReader::Open(batch);
    EXPECT_TRUE(reader.ok());
    while (reader.ok() && reader->remaining() > 0) {
      EXPECT_TRUE(reader->Next().ok());
      const MutationRef& mutation = reader->mutation();
      if (Metadata::BeginsSnapshot(mutation)) {
        ++snapshots;
        whole.insert(version);
        ExpectSnapshot(*reader, metadata);
        break;
      }
      if (std::ranges::find(reader->tags(), kMetadataTag) != reader->tags().end()) {
        metadata.Apply(mutation);
      }
      std::string verb;
      KeyRangeRef range;
      for (const auto& [prefix, name] :
           {std::pair(kAssignPrefix, "assign "), {kUnassignPrefix, "unassign "}}) {
        if (!mutation.key.starts_with(prefix)) continue;
        verb = name;
        range = {mutation.key.substr(prefix.size()), mutation.value};
      }
      if (mutation.type == MutationType::kClearRange && !mutation.key.starts_with('\xff')) {
        verb = "clear ";
        range = {mutation.key, mutation.value};
      }
      for (const Tag tag : reader->tags()) {
        const std::string at = std::to_string(version) + ": ";
        if (verb.empty()) {
          streams[tag].push_back(at + std::to_string(static_cast<int>(mutation.type)) + " " +
                                 std::string(mutation.key) + "=" + std::string(mutation.value));
        }
        for (const std::string& slot : Slots()) {
          if (!verb.empty() && range.Contains(slot)) streams[tag].push_back(at + verb + slot);
        }
      }
    }
  }
  EXPECT_TRUE(whole.contains(log.metadata_popped + 1)) << log.metadata_popped;
  return streams;
}

// ---- Random transactions.

KeyRange RandomRange(Random& random) {
  const size_t begin = random.Below(Slots().size() - 1);
  const size_t end = begin + 1 + random.Below(Slots().size() - 1 - begin);
  return {Slots()[begin], Slots()[end]};
}

Mutation RandomMutation(Random& random) {
  const std::string key = Slots()[1 + random.Below(Slots().size() - 1)];
  const std::string value = std::to_string(random.Below(1'000'000));
  if (random.Chance(OneIn(6))) {
    const KeyRange range = RandomRange(random);
    return {MutationType::kClearRange, range.begin, range.end};
  }
  if (random.Chance(OneIn(6))) return {MutationType::kAdd, key, value};
  if (random.Chance(OneIn(6))) {
    std::string operand = value + std::string(10, '?');
    AppendFixed<uint32_t>(operand, static_cast<uint32_t>(value.size()));
    return {MutationType::kSetVersionstampedValue, key, operand};
  }
  return {MutationType::kSet, key, value};
}

Mutation RandomRow(Random& random) {
  if (random.Chance(OneIn(4))) {
    const KeyRange range = RandomRange(random);
    const std::string prefix(kShardMapPrefix);
    return {MutationType::kClearRange, prefix + std::max(range.begin, std::string("a")),
            prefix + std::max(range.end, std::string("a"))};
  }
  const auto server = [&random] {
    return Tag{TagKind::kStorage, static_cast<uint32_t>(random.Below(4))};
  };
  Shard shard{{server()}, {}};
  if (random.Chance(OneIn(3))) shard.destination.push_back(server());
  return ShardRow(random.Below(Slots().size()), shard);
}

Sent RandomTransaction(Random& random, Version known) {
  Sent transaction;
  if (random.Chance(OneIn(2))) {
    transaction.id = std::string(8, 'i');
    AppendFixed(transaction.id, random.Next());
  }
  if (random.Chance(OneIn(2))) {
    transaction.read_version = known;
    transaction.reads.push_back(RandomRange(random));
  }
  const uint64_t count = random.Below(4);
  for (uint64_t i = 0; i < count; ++i) transaction.mutations.push_back(RandomMutation(random));
  if (random.Chance(OneIn(8))) transaction.mutations.push_back(RandomRow(random));
  for (const Mutation& mutation : transaction.mutations) {
    if (mutation.key.starts_with('\xff')) continue;
    const bool clear = mutation.type == MutationType::kClearRange;
    transaction.writes.push_back({mutation.key, clear ? mutation.value : KeyAfter(mutation.key)});
  }
  return transaction;
}

using Place = std::pair<Version, uint32_t>;

bool Meets(const std::vector<KeyRange>& reads, const std::vector<KeyRange>& writes) {
  for (const KeyRangeRef read : reads) {
    for (const KeyRangeRef write : writes) {
      if (read.Intersects(write)) return true;
    }
  }
  return false;
}

// Nobody committed who had read what was written between.
void CheckConflicts(const std::map<Place, const Sent*>& committed) {
  for (const auto& [place, reader] : committed) {
    for (const auto& [at, writer] : committed) {
      if (at >= place) break;
      if (at.first <= reader->read_version) continue;
      EXPECT_FALSE(Meets(reader->reads, writer->writes)) << at.first << " " << place.first;
    }
  }
}

struct Totals {
  uint64_t committed = 0;
  uint64_t refused = 0;
  uint64_t largest_batch = 0;
  uint64_t repeats = 0;
  uint64_t snapshots = 0;
  uint64_t pops = 0;  // Seeds in which a snapshot let metadata go.
};

void RunSeed(uint64_t seed, Totals& totals) {
  Random draw(seed);
  Cluster cluster({.seed = seed,
                   .logs = 1 + draw.Below(4),
                   .replication = static_cast<uint32_t>(1 + draw.Below(3)),
                   .resolvers = 1 + draw.Below(3),
                   .proxies = 1 + draw.Below(3),
                   .knobs = {}});
  for (int i = 0; i < 150; ++i) {
    cluster.Send(RandomTransaction(cluster.random, cluster.sequencer.committed));
    if (draw.Chance(OneIn(3))) cluster.RunFor(draw.Between(Duration(0), Milliseconds(60)));
  }
  cluster.RunFor(Seconds(120));
  ASSERT_TRUE(cluster.ended.empty()) << seed << " " << Describe(cluster.ended.front());

  std::map<Place, const Sent*> committed;
  for (const auto& each : cluster.sent) {
    ASSERT_TRUE(each->reply.has_value()) << seed;
    // Refused, or not committed: the streams have nothing of it.
    const ErrorCode code = orrery::CodeOf(each->reply->status());
    ASSERT_TRUE(code == ErrorCode::ok || code == ErrorCode::overloaded) << seed;
    totals.refused += each->committed() ? 0 : 1;
    if (!each->committed()) continue;
    const Place place{(*each->reply)->version(), (*each->reply)->order()};
    ASSERT_TRUE(committed.emplace(place, each.get()).second) << seed;
    totals.largest_batch = std::max<uint64_t>(totals.largest_batch, place.second + 1);
  }
  CheckConflicts(committed);
  totals.committed += committed.size();
  totals.repeats += cluster.sequencer.repeats;
  for (const auto& log : cluster.logs) totals.repeats += log->repeats;

  Model model;
  for (auto at = committed.begin(); at != committed.end();) {
    const Version version = at->first.first;
    std::vector<const Sent*> batch;
    for (; at != committed.end() && at->first.first == version; ++at) batch.push_back(at->second);
    model.Version1(version, batch);
  }
  for (size_t i = 0; i < cluster.logs.size(); ++i) {
    FakeLog& log = *cluster.logs[i];
    std::map<Tag, Stream> streams = StreamsOf(log, totals.snapshots);
    totals.pops += log.metadata_popped > kFirst;
    for (const auto& [tag, stream] : model.streams) {
      const std::vector<size_t> team = LogTeamOf(tag, cluster.log_set);
      const bool keeps = std::ranges::find(team, i) != team.end();
      ASSERT_EQ(streams[tag], keeps ? stream : Stream())
          << "seed " << seed << " log " << i << " tag " << tag.id;
      streams.erase(tag);
    }
    for (const auto& [tag, stream] : streams) ASSERT_TRUE(stream.empty()) << seed;
    // What is committed is soon known, though nothing more comes.
    EXPECT_GE(log.known_committed, (*committed.rbegin()).first.first) << seed;
  }
}

TEST(CommitProxyTest, StreamsAreWhatTheAnswersSay) {
  Totals totals;
  for (uint64_t seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    RunSeed(seed, totals);
  }
  EXPECT_GT(totals.committed, 10'000u);
  EXPECT_GT(totals.refused, 1000u);
  EXPECT_GT(totals.largest_batch, 5u);
  EXPECT_GT(totals.repeats, 100u);
  EXPECT_GT(totals.snapshots, 500u);
  EXPECT_GT(totals.pops, 100u);
  std::cout << "committed " << totals.committed << ", refused " << totals.refused
            << ", largest batch " << totals.largest_batch << ", asked again " << totals.repeats
            << ", snapshots " << totals.snapshots << ", logs that popped " << totals.pops << "\n";
}

Sent SetOne(std::string key, std::string value) {
  Sent transaction;
  transaction.writes.push_back({key, KeyAfter(key)});
  transaction.mutations.push_back({MutationType::kSet, std::move(key), std::move(value)});
  return transaction;
}

ErrorCode CodeOf(const Sent& sent) {
  return !sent.reply.has_value() ? ErrorCode::timed_out : orrery::CodeOf(sent.reply->status());
}

TEST(CommitProxyTest, WhatIsNotToBeLetIn) {
  Cluster cluster({.seed = 3, .knobs = {"commit_proxy_batches_max=8"}});
  const auto code = [&cluster](MutationType type, std::string key, std::string value) {
    Sent transaction;
    transaction.mutations.push_back({type, std::move(key), std::move(value)});
    Sent& sent = cluster.Send(std::move(transaction));
    cluster.RunFor(Seconds(1));
    return CodeOf(sent);
  };
  using enum MutationType;
  const std::string row(kShardMapPrefix);
  EXPECT_EQ(code(kSet, "k", "v"), ErrorCode::ok);
  EXPECT_EQ(code(kSet, row + "k", "junk"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kClearRange, row, row + "k"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kAdd, "\xff/conf/logs", "1"), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(kSet, "\xff\xff/assign/", "z"), ErrorCode::key_outside_legal_range);
  EXPECT_EQ(code(kSet, "k", std::string(kValueBytesMax + 1, 'v')), ErrorCode::value_too_large);
  EXPECT_EQ(code(kSetVersionstampedKey, "k", "v"), ErrorCode::client_invalid_operation);
  Sent bad_id = SetOne("k", "v");
  bad_id.id = "short";
  Sent& sent = cluster.Send(std::move(bad_id));
  cluster.RunFor(Seconds(1));
  EXPECT_EQ(CodeOf(sent), ErrorCode::client_invalid_operation);
  EXPECT_TRUE(cluster.ended.empty());
}

TEST(CommitProxyTest, LogsShortOfSpaceTakeClearsAndSystemPriority) {
  Cluster cluster({.seed = 4, .proxies = 1, .knobs = {"commit_proxy_idle_interval=1s"}});
  Sent clear;
  clear.mutations.push_back({MutationType::kClearRange, "a", "b"});
  const auto outcome = [&cluster](Sent transaction, bool system) {
    Sent& sent = cluster.Send(std::move(transaction), system);
    cluster.RunFor(Seconds(3));
    return CodeOf(sent);
  };
  EXPECT_EQ(outcome(SetOne("a", "1"), false), ErrorCode::ok);
  cluster.logs[1]->room_bytes = 100 << 20;
  cluster.RunFor(Seconds(4));
  EXPECT_EQ(outcome(SetOne("a", "2"), false), ErrorCode::log_space_low);
  EXPECT_EQ(outcome(SetOne("a", "3"), true), ErrorCode::ok);
  EXPECT_EQ(outcome(clear, false), ErrorCode::ok);
  cluster.logs[1]->room_bytes = 1 << 20;
  cluster.RunFor(Seconds(4));
  EXPECT_EQ(outcome(SetOne("a", "4"), true), ErrorCode::log_space_low);
  EXPECT_EQ(outcome(clear, false), ErrorCode::log_space_low);
  cluster.logs[1]->room_bytes = uint64_t{1} << 40;
  cluster.RunFor(Seconds(4));
  EXPECT_EQ(outcome(SetOne("a", "5"), false), ErrorCode::ok);
}

TEST(CommitProxyTest, ALockedLogEndsTheProxyAndNobodyIsToldACommit) {
  Cluster cluster({.seed = 5,
                   .logs = 3,
                   .replication = 1,
                   .proxies = 1,
                   .knobs = {"commit_proxy_batches_max=4"}});
  cluster.Send(SetOne("a", "1"));
  cluster.RunFor(Seconds(1));
  cluster.logs[2]->locked = true;
  std::vector<Sent*> late;
  for (int i = 0; i < 20; ++i) late.push_back(&cluster.Send(SetOne("a", "2")));
  cluster.RunFor(Seconds(5));
  ASSERT_EQ(cluster.ended.size(), 1u);
  EXPECT_EQ(orrery::CodeOf(cluster.ended[0]), ErrorCode::generation_ended);
  for (const Sent* each : late) {
    ASSERT_TRUE(each->reply.has_value());
    // Its outcome is unknown, and it is told so.
    EXPECT_TRUE(InfoOf(CodeOf(*each)).maybe_done) << Describe(each->reply->status());
  }
}

TEST(CommitProxyTest, ReportsWhichReadsConflicted) {
  Cluster cluster({.seed = 6, .resolvers = 2, .knobs = {"commit_proxy_batches_max=4"}});
  const Version read_version = cluster.sequencer.committed;
  cluster.Send(SetOne("e", "1"));
  cluster.RunFor(Seconds(1));
  Sent reader = SetOne("f", "1");
  reader.read_version = read_version;
  reader.report_conflicts = true;
  for (const char* key : {"a", "c", "e"}) reader.reads.push_back({key, KeyAfter(key)});
  Sent& sent = cluster.Send(reader);
  cluster.RunFor(Seconds(1));
  ASSERT_TRUE(sent.reply.has_value() && sent.reply->ok());
  EXPECT_EQ((*sent.reply)->outcome(), CommitReply::CONFLICT);
  ASSERT_EQ((*sent.reply)->conflicting_reads_size(), 1);
  EXPECT_EQ((*sent.reply)->conflicting_reads(0), 2u);
}

TEST(CommitProxyTest, LocatesByTheShardMapItHas) {
  Cluster cluster({.seed = 7, .proxies = 1, .knobs = {"commit_proxy_batches_max=4"}});
  Sent rows;
  rows.mutations.push_back(ShardRow(2, {{{TagKind::kStorage, 1}, {TagKind::kStorage, 2}}, {}}));
  rows.mutations.push_back(ShardRow(4, {{{TagKind::kStorage, 3}}, {{TagKind::kStorage, 1}}}));
  cluster.Send(rows);
  cluster.RunFor(Seconds(1));
  const auto begins = [](const LocateReply& reply) {
    std::string all;
    for (const ShardLocation& shard : reply.shards()) {
      all += "[" + shard.begin() + ":" + std::to_string(shard.servers_size()) + "]";
    }
    return all;
  };
  EXPECT_EQ(begins(cluster.Locate("", "\xff\xff", 0, false)), "[:1][b:2][d:1]");
  EXPECT_EQ(begins(cluster.Locate("", "\xff\xff", 2, false)), "[:1][b:2]");
  EXPECT_EQ(begins(cluster.Locate("", "\xff\xff", 2, true)), "[d:1][b:2]");
  EXPECT_EQ(begins(cluster.Locate("c", "c\x01", 0, false)), "[b:2]");
  EXPECT_EQ(begins(cluster.Locate("a", "b", 0, true)), "[:1]");
  EXPECT_EQ(begins(cluster.Locate("b", "a", 0, true)), "");
  const LocateReply found = cluster.Locate("d", "e", 0, false);
  ASSERT_EQ(found.shards_size(), 1);
  EXPECT_EQ(found.shards(0).servers(0).tag_id(), 3u);
  EXPECT_EQ(found.shards(0).servers(0).zone(), "zone-3");
}

// Storage servers give out only what a log knows to be committed: a client that was answered must
// not wait for the next batch to read what it wrote.
TEST(CommitProxyTest, LogsHearSoonOfWhatIsCommitted) {
  Cluster cluster({.seed = 9, .knobs = {"commit_proxy_idle_interval=2s"}});
  int late = 0;
  for (int i = 0; i < 20; ++i) {
    Sent& sent = cluster.Send(SetOne("a", std::to_string(i)));
    while (!sent.reply.has_value()) cluster.RunFor(Milliseconds(1));
    ASSERT_TRUE(sent.committed());
    cluster.RunFor(Milliseconds(20));
    for (const auto& log : cluster.logs) late += log->known_committed < (*sent.reply)->version();
    cluster.RunFor(Milliseconds(20));
  }
  EXPECT_LE(late, 6);
}

TEST(CommitProxyTest, IdleProxiesMoveVersionsAtSmallCost) {
  Cluster cluster({.seed = 8, .knobs = {"commit_proxy_idle_interval=2s"}});
  cluster.RunFor(Seconds(10));
  const uint64_t batches = cluster.logs[0]->batches.size();
  const uint64_t events = cluster.Events(Seconds(100)) / 100;
  const uint64_t more = cluster.logs[0]->batches.size() - batches;
  EXPECT_GE(more, 90u);
  EXPECT_LE(more, 110u);
  EXPECT_LT(events, 300u);
  std::cout << "events per idle second " << events << "\n";
}

}  // namespace
}  // namespace orrery
