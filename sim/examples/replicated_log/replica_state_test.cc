// ReplicaState against what Raft promises, in a world of queues: messages are lost, repeated and
// reordered, replicas crash and forget what was not durable, in orders drawn from seeds. After
// every step: one leader in a term at most; committed entries never change and are the same
// everywhere; a confirmed read sees what was committed before it began. The planted bugs must be
// caught by the same checks. Records and the store of keys have small tests of their own.
#include "sim/examples/replicated_log/replica_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/random.h"
#include "sim/examples/replicated_log/key_value_store.h"

namespace orrery::sim::replicated_log {
namespace {

using Role = ReplicaState::Role;

struct Append {
  AppendRequest request;
  std::string records;
};
struct Answer {
  uint64_t asked_in_term;
  std::variant<VoteReply, AppendReply> reply;
};

struct Envelope {
  uint32_t from;
  uint32_t to;
  uint64_t needs;  // Stamp of the sender that must be durable before it leaves.
  std::variant<VoteRequest, Append, Answer> content;
};

class Cluster {
 public:
  Cluster(uint64_t seed, uint32_t replicas, PlantedBug bug)
      : random_(seed), replicas_(replicas), bug_(bug), nodes_(replicas) {
    for (uint32_t i = 0; i < replicas; ++i) Restart(i + 1);
  }

  // One drawn step. What is wrong afterwards, or nothing.
  std::string Step() {
    const uint32_t at = static_cast<uint32_t>(random_.Below(replicas_)) + 1;
    const uint64_t draw = random_.Below(1000);
    if (draw < 5) {
      Elect(at);
    } else if (draw < 10) {
      Restart(at);
    } else if (draw < 13) {
      deaf_ = random_.Chance(OneIn(2)) ? at : 0;
    } else if (draw < 100 && node(at).role() == Role::kLeader) {
      node(at).Propose("c" + std::to_string(++commands_));
    } else if (draw < 200 && node(at).role() == Role::kLeader) {
      nodes_[at - 1].reads.push_back({node(at).BeginRead(), committed_.size()});
    } else if (draw < 400) {
      Write(at);
    } else if (draw < 600) {
      Replicate(at);
    } else {
      Deliver();
    }
    return wrong_.empty() ? Check() : wrong_;
  }

  size_t committed() const { return committed_.size(); }
  size_t reads() const { return reads_; }

 private:
  struct Read {
    ReplicaState::ReadTicket ticket;
    size_t committed;  // Entries that were committed when it began.
  };
  struct Node {
    std::unique_ptr<ReplicaState> state;
    DurableState disk;
    uint64_t durable = 0;
    std::vector<Read> reads;
    std::vector<Envelope> held;  // Waiting for the disk.
  };

  ReplicaState& node(uint32_t replica) { return *nodes_[replica - 1].state; }

  void Restart(uint32_t replica) {
    Node& each = nodes_[replica - 1];
    each.state = std::make_unique<ReplicaState>(
        ReplicaState::Options{.self = replica, .replicas = replicas_, .bug = bug_}, each.disk);
    each.durable = 0;
    each.reads.clear();
    each.held.clear();
  }

  void Send(Envelope envelope) { nodes_[envelope.from - 1].held.push_back(std::move(envelope)); }

  void Elect(uint32_t from) {
    const VoteRequest request = node(from).StartElection();
    VoteReply own;
    own.set_term(request.term());
    own.set_granted(true);
    for (uint32_t to = 1; to <= replicas_; ++to) {
      Envelope envelope{from, to, node(from).needed_stamp(), request};
      if (to == from) envelope.content = Answer{request.term(), own};
      Send(std::move(envelope));
    }
  }

  void Replicate(uint32_t from) {
    for (uint32_t to = 1; to <= replicas_; ++to) {
      if (to == from || !node(from).NeedsAppend(to)) continue;
      Append append;
      append.request = node(from).MakeAppend(to, 1 + random_.Below(100), append.records);
      Send({from, to, 0, std::move(append)});
    }
  }

  void Write(uint32_t replica) {
    Node& each = nodes_[replica - 1];
    const uint64_t stamp = each.state->last_stamp();
    if (!FollowRecords(each.state->TakeRecords(), each.disk).ok()) wrong_ = "bad records";
    each.durable = stamp;
    each.state->OnDurable(stamp);
  }

  void Deliver() {
    for (Node& each : nodes_) {
      std::erase_if(each.held, [&](Envelope& envelope) {
        if (envelope.needs > each.durable) return false;
        network_.push_back(std::move(envelope));
        return true;
      });
    }
    while (network_.size() > 40) network_.erase(network_.begin());
    if (network_.empty()) return;
    const size_t chosen = random_.Below(network_.size());
    const Envelope envelope = network_[chosen];
    if (!random_.Chance(OneIn(10))) network_.erase(network_.begin() + static_cast<long>(chosen));
    if (!random_.Chance(OneIn(10)) && envelope.to != deaf_) Receive(envelope);
  }

  void Receive(const Envelope& envelope) {
    ReplicaState& to = node(envelope.to);
    Envelope back{envelope.to, envelope.from, 0, Answer{}};
    if (const auto* vote = std::get_if<VoteRequest>(&envelope.content)) {
      back.content = Answer{vote->term(), to.OnVote(*vote)};
    } else if (const auto* append = std::get_if<Append>(&envelope.content)) {
      auto entries = ParseEntries(append->records, append->request.before_index() + 1);
      ASSERT_TRUE(entries.ok());
      absl::StatusOr<AppendReply> reply = to.OnAppend(append->request, *std::move(entries));
      if (!reply.ok()) {
        wrong_ = std::string(reply.status().message());
        return;
      }
      back.content = Answer{append->request.term(), *reply};
    } else {
      const Answer& answer = std::get<Answer>(envelope.content);
      if (const auto* vote_reply = std::get_if<VoteReply>(&answer.reply)) {
        to.OnVoteReply(envelope.from, answer.asked_in_term, *vote_reply);
      } else {
        to.OnAppendReply(envelope.from, answer.asked_in_term, std::get<AppendReply>(answer.reply));
      }
      return;
    }
    back.needs = to.needed_stamp();
    Send(std::move(back));
  }

  std::string Check() {
    for (uint32_t replica = 1; replica <= replicas_; ++replica) {
      ReplicaState& state = node(replica);
      if (state.role() == Role::kLeader) {
        const auto [leader, first] = leaders_.emplace(state.term(), replica);
        if (leader->second != replica) return "two leaders in one term";
      }
      for (uint64_t i = 1; i <= state.commit_index(); ++i) {
        const LogEntry& entry = state.entry(i);
        if (i > committed_.size()) {
          committed_.push_back(entry);
        } else if (entry.term != committed_[i - 1].term ||
                   entry.command != committed_[i - 1].command) {
          return "a committed entry differs";
        }
      }
      auto& reads = nodes_[replica - 1].reads;
      for (const Read& read : reads) {
        if (!state.ReadConfirmed(read.ticket)) continue;
        ++reads_;
        if (read.ticket.index < read.committed) return "a read misses a committed entry";
      }
      std::erase_if(reads, [&](const Read& read) { return state.ReadConfirmed(read.ticket); });
    }
    return {};
  }

  Random random_;
  const uint32_t replicas_;
  const PlantedBug bug_;
  std::vector<Node> nodes_;
  std::vector<Envelope> network_;
  uint32_t deaf_ = 0;  // The replica that nothing reaches for a while; 0: none.
  std::map<uint64_t, uint32_t> leaders_;
  std::vector<LogEntry> committed_;
  std::string wrong_;
  uint64_t commands_ = 0;
  size_t reads_ = 0;
};

// What is wrong in one of `seeds` runs.
std::optional<std::string> FindWrong(uint32_t replicas, PlantedBug bug, uint64_t seeds,
                                     size_t* committed, size_t* reads) {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    Cluster cluster(seed, replicas, bug);
    for (int step = 0; step < 10'000; ++step) {
      std::string wrong = cluster.Step();
      if (!wrong.empty()) return "seed " + std::to_string(seed) + ": " + wrong;
    }
    *committed += cluster.committed();
    *reads += cluster.reads();
  }
  return std::nullopt;
}

class ReplicaStateTest : public testing::TestWithParam<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Replicas, ReplicaStateTest, testing::Values(1, 2, 3, 5));

TEST_P(ReplicaStateTest, KeepsItsPromisesInAnyOrderOfEvents) {
  size_t committed = 0;
  size_t reads = 0;
  const auto wrong = FindWrong(GetParam(), PlantedBug::kNone, 300, &committed, &reads);
  EXPECT_FALSE(wrong.has_value()) << *wrong;
  // Something must have happened for that to say anything.
  EXPECT_GT(committed, 300 * 5u);
  EXPECT_GT(reads, 300 * 2u);
}

TEST(ReplicaStateBugs, AreFound) {
  for (const PlantedBug bug : {PlantedBug::kAcknowledgeBeforeSync, PlantedBug::kVoteForAnyLog,
                               PlantedBug::kReadUnconfirmed}) {
    size_t committed = 0;
    size_t reads = 0;
    EXPECT_TRUE(FindWrong(3, bug, 300, &committed, &reads).has_value()) << static_cast<int>(bug);
  }
}

TEST(LogRecord, EntriesReplaceWhatFollowed) {
  std::string records;
  AppendVoteRecord(1, 2, records);
  AppendEntryRecord(1, {.term = 1, .command = "a"}, records);
  AppendEntryRecord(2, {.term = 1, .command = "b"}, records);
  AppendVoteRecord(3, 0, records);
  AppendEntryRecord(1, {.term = 3, .command = "c"}, records);
  DurableState state;
  ASSERT_TRUE(FollowRecords(records, state).ok());
  EXPECT_EQ(state.term, 3u);
  EXPECT_EQ(state.voted_for, 0u);
  ASSERT_EQ(state.entries.size(), 1u);
  EXPECT_EQ(state.entries[0].command, "c");
}

TEST(LogRecord, RefusesEveryCutAndEveryGap) {
  std::string records;
  AppendEntryRecord(5, {.term = 1, .command = "abc"}, records);
  for (size_t size = 1; size < records.size(); ++size) {
    EXPECT_FALSE(ParseEntries(std::string_view(records).substr(0, size), 5).ok()) << size;
  }
  EXPECT_TRUE(ParseEntries(records, 5).ok());
  EXPECT_FALSE(ParseEntries(records, 4).ok());
  DurableState state;
  EXPECT_FALSE(FollowRecords(records, state).ok());
}

std::string PutCommand(uint64_t sequence, uint64_t oldest, const std::string& value) {
  PutRequest put;
  put.set_client(7);
  put.set_sequence(sequence);
  put.set_oldest_sequence(oldest);
  PutRequest::Entry& entry = *put.add_entries();
  entry.set_key("k");
  entry.set_value(value);
  return put.SerializeAsString();
}

TEST(KeyValueStore, AppliesEachPutOnceAndNoneThatWasGivenUp) {
  KeyValueStore store;
  ASSERT_TRUE(store.Apply(PutCommand(1, 1, "first")).ok());
  ASSERT_TRUE(store.Apply(PutCommand(3, 1, "third")).ok());
  ASSERT_TRUE(store.Apply(PutCommand(1, 1, "first")).ok());  // Again.
  EXPECT_EQ(*store.Get("k"), "third");
  ASSERT_TRUE(store.Apply(PutCommand(4, 4, "fourth")).ok());
  ASSERT_TRUE(store.Apply(PutCommand(2, 1, "second")).ok());  // Given up by the fourth.
  EXPECT_EQ(*store.Get("k"), "fourth");
  EXPECT_EQ(store.keys(), 1u);
  EXPECT_EQ(store.Get("j"), nullptr);
  EXPECT_FALSE(store.Apply("\xff").ok());
}

}  // namespace
}  // namespace orrery::sim::replicated_log
