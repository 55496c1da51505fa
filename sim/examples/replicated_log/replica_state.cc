// Raft, as the head of replica_state.h promises it.
#include "sim/examples/replicated_log/replica_state.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"

namespace orrery::sim::replicated_log {
namespace {

// What an entry costs in memory and on disk beside its command.
constexpr uint64_t kEntryOverheadBytes = kRecordBytes + sizeof(LogEntry);

}  // namespace

ReplicaState::ReplicaState(Options options, DurableState recovered)
    : options_(options),
      term_(recovered.term),
      voted_for_(recovered.voted_for),
      entries_(std::move(recovered.entries)),
      durable_index_(entries_.size()),
      peers_(options.replicas) {
  INVARIANT(options.self >= 1 && options.self <= options.replicas, options.self, options.replicas);
  for (const LogEntry& each : entries_) log_bytes_ += each.command.size() + kEntryOverheadBytes;
  INVARIANT(TermAt(last_index()) <= term_, TermAt(last_index()), term_);
}

void ReplicaState::RecordVote() {
  AppendVoteRecord(term_, voted_for_, records_);
  ++last_stamp_;
}

// As a follower that has not voted.
void ReplicaState::EnterTerm(uint64_t term) {
  INVARIANT(term > term_, term, term_);
  term_ = term;
  voted_for_ = 0;
  role_ = Role::kFollower;
  leader_ = 0;
  RecordVote();
}

VoteRequest ReplicaState::StartElection() {
  EnterTerm(term_ + 1);
  role_ = Role::kCandidate;
  voted_for_ = options_.self;
  RecordVote();
  for (Peer& peer : peers_) peer.voted = false;
  VoteRequest request;
  request.set_term(term_);
  request.set_candidate(options_.self);
  request.set_last_index(last_index());
  request.set_last_term(TermAt(last_index()));
  return request;
}

VoteReply ReplicaState::OnVote(const VoteRequest& request) {
  if (request.term() > term_) EnterTerm(request.term());
  const uint64_t last_term = TermAt(last_index());
  const bool complete = options_.bug == PlantedBug::kVoteForAnyLog ||
                        request.last_term() > last_term ||
                        (request.last_term() == last_term && request.last_index() >= last_index());
  const bool granted =
      request.term() == term_ && complete && (voted_for_ == 0 || voted_for_ == request.candidate());
  if (granted && voted_for_ == 0) {
    voted_for_ = request.candidate();
    RecordVote();
  }
  VoteReply reply;
  reply.set_term(term_);
  reply.set_granted(granted);
  return reply;
}

void ReplicaState::OnVoteReply(uint32_t from, uint64_t asked_in_term, const VoteReply& reply) {
  if (reply.term() > term_) EnterTerm(reply.term());
  if (role_ != Role::kCandidate || asked_in_term != term_ || !reply.granted()) return;
  PeerOf(from).voted = true;
  const auto votes = std::count_if(peers_.begin(), peers_.end(), [](auto& p) { return p.voted; });
  if (votes >= majority()) BecomeLeader();
}

void ReplicaState::BecomeLeader() {
  role_ = Role::kLeader;
  leader_ = options_.self;
  for (Peer& peer : peers_) {
    peer.next_index = last_index() + 1;
    peer.match_index = 0;
    peer.confirmed_round = 0;
  }
  ++round_;
  round_sent_ = false;
  // Entries of earlier terms are committed through this one only (section 5.4.2 of the paper).
  AppendEntry({.term = term_, .command = {}});
  term_start_index_ = last_index();
  AdvanceCommit();
}

void ReplicaState::AppendEntry(LogEntry entry) {
  log_bytes_ += entry.command.size() + kEntryOverheadBytes;
  AppendEntryRecord(last_index() + 1, entry, records_);
  entries_.push_back(std::move(entry));
  undurable_.push_back({++last_stamp_, last_index()});
  if (options_.bug == PlantedBug::kAcknowledgeBeforeSync) durable_index_ = last_index();
}

void ReplicaState::Truncate(uint64_t last_kept) {
  while (last_index() > last_kept) {
    log_bytes_ -= entries_.back().command.size() + kEntryOverheadBytes;
    entries_.pop_back();
  }
  while (!undurable_.empty() && undurable_.back().index > last_kept) undurable_.pop_back();
  durable_index_ = std::min(durable_index_, last_kept);
}

uint64_t ReplicaState::Propose(std::string command) {
  INVARIANT(role_ == Role::kLeader);
  AppendEntry({.term = term_, .command = std::move(command)});
  AdvanceCommit();
  return last_index();
}

bool ReplicaState::NeedsAppend(uint32_t to) const {
  if (role_ != Role::kLeader) return false;
  const Peer& peer = peers_[to - 1];
  return peer.match_index < last_index() || peer.confirmed_round < round_;
}

AppendRequest ReplicaState::MakeAppend(uint32_t to, size_t bytes_max, std::string& records) {
  INVARIANT(role_ == Role::kLeader);
  const Peer& peer = PeerOf(to);
  AppendRequest request;
  request.set_term(term_);
  request.set_leader(options_.self);
  request.set_before_index(peer.next_index - 1);
  request.set_before_term(TermAt(peer.next_index - 1));
  request.set_commit_index(commit_index_);
  request.set_round(round_);
  request.set_acknowledged_index(peer.match_index);
  round_sent_ = true;
  records.clear();
  for (uint64_t i = peer.next_index; i <= last_index(); ++i) {
    const size_t bytes = kRecordBytes + entry(i).command.size();
    if (!records.empty() && records.size() + bytes > bytes_max) break;
    AppendEntryRecord(i, entry(i), records);
  }
  return request;
}

absl::StatusOr<AppendReply> ReplicaState::OnAppend(const AppendRequest& request,
                                                   std::vector<LogEntry> entries) {
  AppendReply reply;
  reply.set_round(request.round());
  if (request.term() > term_) EnterTerm(request.term());
  reply.set_term(term_);
  if (request.term() < term_) return reply;
  if (role_ == Role::kLeader || (leader_ != 0 && leader_ != request.leader())) {
    return Error(ErrorCode::internal_error, "two leaders in one term");
  }
  if (request.acknowledged_index() > last_index()) {
    return Error(ErrorCode::internal_error, "entries that this replica acknowledged are gone");
  }
  role_ = Role::kFollower;
  leader_ = request.leader();
  const uint64_t before = request.before_index();
  if (before > last_index() || TermAt(before) != request.before_term()) {
    // Entries up to the commit index are the leader's too; a term that differs is skipped whole.
    uint64_t same = std::min(before, last_index());
    if (before <= last_index()) {
      const uint64_t differing = TermAt(before);
      while (same > commit_index_ && TermAt(same) == differing) --same;
    }
    reply.set_match_index(std::max(same, commit_index_));
    return reply;
  }
  const uint64_t match = before + entries.size();
  RETURN_IF_ERROR(TakeEntries(before, std::move(entries)));
  commit_index_ = std::max(commit_index_, std::min(request.commit_index(), match));
  reply.set_accepted(true);
  reply.set_match_index(match);
  return reply;
}

// What is there already stays; from the first entry that differs on, the log is the leader's.
absl::Status ReplicaState::TakeEntries(uint64_t before_index, std::vector<LogEntry> entries) {
  uint64_t index = before_index;
  for (LogEntry& each : entries) {
    ++index;
    if (index <= last_index() && TermAt(index) == each.term) continue;
    if (index <= commit_index_) {
      return Error(ErrorCode::internal_error, "a leader lacks an entry that is committed");
    }
    if (index <= last_index()) Truncate(index - 1);
    AppendEntry(std::move(each));
  }
  return absl::OkStatus();
}

void ReplicaState::OnAppendReply(uint32_t from, uint64_t sent_in_term, const AppendReply& reply) {
  if (reply.term() > term_) EnterTerm(reply.term());
  if (role_ != Role::kLeader || sent_in_term != term_ || reply.term() != term_) return;
  Peer& peer = PeerOf(from);
  peer.confirmed_round = std::max(peer.confirmed_round, reply.round());
  if (reply.accepted()) {
    peer.match_index = std::max(peer.match_index, std::min(reply.match_index(), last_index()));
    peer.next_index = peer.match_index + 1;
    AdvanceCommit();
  } else {
    peer.next_index =
        std::max(peer.match_index + 1, std::min(peer.next_index - 1, reply.match_index() + 1));
  }
}

uint64_t ReplicaState::ReachedByMajority(uint64_t Peer::*value, uint64_t own) const {
  std::vector<uint64_t> reached;
  for (uint32_t replica = 1; replica <= options_.replicas; ++replica) {
    reached.push_back(replica == options_.self ? own : peers_[replica - 1].*value);
  }
  std::nth_element(reached.begin(), reached.begin() + (majority() - 1), reached.end(),
                   std::greater<>());
  return reached[majority() - 1];
}

void ReplicaState::AdvanceCommit() {
  if (role_ != Role::kLeader) return;
  const uint64_t reached = ReachedByMajority(&Peer::match_index, durable_index_);
  if (reached > commit_index_ && TermAt(reached) == term_) commit_index_ = reached;
}

ReplicaState::ReadTicket ReplicaState::BeginRead() {
  INVARIANT(role_ == Role::kLeader);
  if (round_sent_) {
    ++round_;
    round_sent_ = false;
  }
  // Whatever earlier leaders committed is committed here at the latest with this term's first
  // entry.
  return {.term = term_, .round = round_, .index = std::max(commit_index_, term_start_index_)};
}

bool ReplicaState::ReadConfirmed(const ReadTicket& ticket) const {
  if (options_.bug == PlantedBug::kReadUnconfirmed) return true;
  return role_ == Role::kLeader && term_ == ticket.term &&
         ReachedByMajority(&Peer::confirmed_round, UINT64_MAX) >= ticket.round;
}

std::string ReplicaState::TakeRecords() { return std::exchange(records_, {}); }

uint64_t ReplicaState::needed_stamp() const {
  return options_.bug == PlantedBug::kAcknowledgeBeforeSync ? 0 : last_stamp_;
}

void ReplicaState::OnDurable(uint64_t stamp) {
  while (!undurable_.empty() && undurable_.front().stamp <= stamp) {
    durable_index_ = std::max(durable_index_, undurable_.front().index);
    undurable_.pop_front();
  }
  AdvanceCommit();
}

}  // namespace orrery::sim::replicated_log
