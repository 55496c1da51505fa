// ReplicaState: what one replica knows and decides. Pure: no Env, no clock, no coroutine; calls go
// in, decisions come out, and the shell around it (replica.h) sends, writes and waits.
//
// The algorithm is Raft without snapshots and membership changes (Ongaro and Ousterhout, "In search
// of an understandable consensus algorithm", 2014; figure 2), reads by confirmed leadership
// (Ongaro's dissertation, 2014, section 6.4). What holds:
//
// - One leader in a term at most: a vote is durable before anyone learns of it.
// - Logs that have the same term at the same index are the same up to there.
// - An entry is committed when it is durable on a majority and is of the leader's own term, and so
//   are then all before it. Committed entries are in the log of every later leader.
// - A read sees every entry that was committed before it began: after it began, a majority said
//   that it knew of no later term.
//
// Durability: each change that must not be forgotten becomes a record (log_record.h) with a stamp,
// in order. The shell writes records and says what is durable; a reply goes out only when
// needed_stamp(), read when the reply was made, is durable.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "sim/examples/replicated_log/log_record.h"
#include "sim/examples/replicated_log/replicated_log.pb.h"

namespace orrery::sim::replicated_log {

// Defects planted for whoever wants to see them found; see replica_knobs.h.
enum class PlantedBug : int64_t {
  kNone = 0,
  kAcknowledgeBeforeSync = 1,
  kVoteForAnyLog = 2,
  kReadUnconfirmed = 3,
};

class ReplicaState {
 public:
  enum class Role : uint8_t { kFollower, kCandidate, kLeader };

  struct Options {
    uint32_t self = 1;      // This replica, from 1.
    uint32_t replicas = 1;  // All of them.
    PlantedBug bug = PlantedBug::kNone;
  };

  // `recovered` is durable.
  ReplicaState(Options options, DurableState recovered);

  // Elections. A new term begins with this replica as its candidate; the request is for all others.
  // Its own vote counts once OnVoteReply(self, ...) says that it is durable.
  VoteRequest StartElection();
  VoteReply OnVote(const VoteRequest& request);
  void OnVoteReply(uint32_t from, uint64_t asked_in_term, const VoteReply& reply);

  // Replication. Whether `to` lacks entries, or a confirmation of a read waits for it.
  bool NeedsAppend(uint32_t to) const;
  // The next request for `to`, and its entries as records, at least one if there are any, up to
  // `bytes_max`. REQUIRES: role() == kLeader.
  AppendRequest MakeAppend(uint32_t to, size_t bytes_max, std::string& records);
  // internal_error when the algorithm's promises were broken: by a defect, here or in a peer.
  absl::StatusOr<AppendReply> OnAppend(const AppendRequest& request, std::vector<LogEntry> entries);
  void OnAppendReply(uint32_t from, uint64_t sent_in_term, const AppendReply& reply);

  // Adds a command to the log and gives its index. It is committed when commit_index() has reached
  // it while term() is still the same. REQUIRES: role() == kLeader.
  uint64_t Propose(std::string command);

  // A linearizable read: allowed once ReadConfirmed, and applied up to `index`. Reads that begin
  // between two requests to the same peer share a round. REQUIRES: role() == kLeader.
  struct ReadTicket {
    uint64_t term;
    uint64_t round;
    uint64_t index;
  };
  ReadTicket BeginRead();
  bool ReadConfirmed(const ReadTicket& ticket) const;

  // Durability. The records that were not taken yet, in order, up to last_stamp().
  std::string TakeRecords();
  bool has_records() const { return !records_.empty(); }
  uint64_t last_stamp() const { return last_stamp_; }
  uint64_t needed_stamp() const;
  void OnDurable(uint64_t stamp);

  Role role() const { return role_; }
  uint64_t term() const { return term_; }
  uint32_t leader() const { return leader_; }  // 0: not known.
  uint64_t commit_index() const { return commit_index_; }
  uint64_t last_index() const { return entries_.size(); }
  const LogEntry& entry(uint64_t index) const { return entries_[index - 1]; }
  // Bytes of all commands and their overhead: the log is kept in memory as a whole.
  uint64_t log_bytes() const { return log_bytes_; }

 private:
  struct Peer {
    uint64_t next_index = 1;
    uint64_t match_index = 0;
    uint64_t confirmed_round = 0;
    bool voted = false;
  };
  struct UndurableEntry {
    uint64_t stamp;
    uint64_t index;
  };

  uint64_t TermAt(uint64_t index) const { return index == 0 ? 0 : entry(index).term; }
  uint32_t majority() const { return options_.replicas / 2 + 1; }
  void RecordVote();
  void EnterTerm(uint64_t term);
  void BecomeLeader();
  void AppendEntry(LogEntry entry);
  void Truncate(uint64_t last_kept);
  absl::Status TakeEntries(uint64_t before_index, std::vector<LogEntry> entries);
  void AdvanceCommit();
  // The greatest value that a majority of replicas has reached, where this one has `own`.
  uint64_t ReachedByMajority(uint64_t Peer::*value, uint64_t own) const;
  Peer& PeerOf(uint32_t replica) { return peers_[replica - 1]; }

  const Options options_;

  // Durable, or on the way to be.
  uint64_t term_;
  uint32_t voted_for_;
  std::vector<LogEntry> entries_;

  std::string records_;
  uint64_t last_stamp_ = 0;
  std::deque<UndurableEntry> undurable_;
  uint64_t durable_index_;  // Entries up to here are durable.
  uint64_t log_bytes_ = 0;

  Role role_ = Role::kFollower;
  uint32_t leader_ = 0;
  uint64_t commit_index_ = 0;

  // Of candidates and leaders.
  std::vector<Peer> peers_;        // This replica's own place is used for its vote only.
  uint64_t term_start_index_ = 0;  // The leader's first entry of its term.
  uint64_t round_ = 0;             // The current round of confirmation,
  bool round_sent_ = false;        // in which a request has gone out.
};

}  // namespace orrery::sim::replicated_log
