// The driver's generations: recover, recruit, push, consume.
#include "storage/log/testing/log_cluster.h"

#include "storage/log/mutation_codec.h"

namespace orrery::log_testing {
namespace {

constexpr uint32_t kReplication = 2;
constexpr Version kJump = 1000;
constexpr Duration kCallTimeout = Seconds(3);

Version MinimumOf(const std::map<Tag, Version>& positions) {
  Version least = kVersionMax;
  for (const auto& [tag, position] : positions) least = std::min(least, position);
  return least;
}

}  // namespace

void Ledger::Check(Tag tag, Version after, const LogCursor::Messages& got) {
  auto next = got.versions.begin();
  for (auto at = versions.upper_bound(after); at != versions.end() && at->first <= got.through;
       ++at) {
    const auto keys = at->second.keys.find(tag);
    if (keys == at->second.keys.end()) continue;
    const std::string where =
        "tag " + std::to_string(tag.id) + " version " + std::to_string(at->first);
    Expect(next != got.versions.end() && next->version == at->first, where + " is missing");
    if (!wrong.empty()) return;
    std::vector<std::string> found;
    auto reader = MutationBatchReader::Open(next->batch);
    while (reader.ok() && reader->remaining() > 0 && reader->Next().ok()) {
      found.emplace_back(reader->mutation().key);
    }
    Expect(found == keys->second, where + " differs");
    ++received;
    ++next;
  }
  Expect(next == got.versions.end(), "a consumer got a version that was not written");
  Expect(got.through <= end, "a consumer was told of what was not known committed");
}

Task<absl::Status> Driver::Run(std::vector<Tag> tags) {
  tags_ = std::move(tags);
  for (const Tag tag : tags_) {
    positions_[tag] = 0;
    tasks_.Spawn("consume", Consume(tag));
  }
  for (;;) {
    const bool last = calm_;
    while (!(co_await Recover()).ok()) co_await Sleep(env_.clock(), Milliseconds(100));
    CO_RETURN_IF_ERROR(co_await WritePart());
    while (last && !generation_failed_ && in_flight_ > 0) co_await landed_.Wait();
    if (last && !generation_failed_ && (co_await Advance()).ok()) break;
  }
  while (ledger_.wrong.empty() && MinimumOf(positions_) < ledger_.acknowledged) {
    co_await Sleep(env_.clock(), Milliseconds(50));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Driver::Recover() {
  Locked locked{0, 0};
  if (system_.sets_size() > 0) {
    CO_ASSIGN_OR_RETURN(locked, co_await LockOld());
    ledger_.Expect(locked.end >= ledger_.acknowledged, "an acknowledged version is lost");
    ledger_.Expect(locked.end >= locked.known_committed, "a log ends below known committed");
  }
  CO_RETURN_IF_ERROR(co_await Recruit(locked));
  const auto discarded = ledger_.versions.upper_bound(locked.end);
  ledger_.discarded += static_cast<uint64_t>(std::distance(discarded, ledger_.versions.end()));
  ledger_.versions.erase(discarded, ledger_.versions.end());
  ledger_.end = locked.end;
  ledger_.acknowledged = locked.end;
  last_ = locked.end;
  ++ledger_.recoveries;
  view_.Update(system_);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<Driver::Locked>> Driver::LockOld() {
  const LogSet old = system_.sets(system_.sets_size() - 1);
  Locked locked{0, 0};
  std::vector<Task<absl::StatusOr<Version>>> calls;
  for (const LogMember& log : old.logs()) calls.push_back(LockOne(log, &locked.known_committed));
  std::vector<Version> ends;
  for (const auto& end : co_await WhenAll(std::move(calls))) {
    ends.push_back(end.ok() ? *end : kInvalidVersion);
  }
  std::ranges::sort(ends);
  // Fewer than k logs (each in its own zone) are silent or end below it.
  locked.end = ends[kReplication - 1];
  if (locked.end == kInvalidVersion) co_return Error(ErrorCode::timed_out);
  co_return locked;
}

Task<absl::StatusOr<Version>> Driver::LockOne(LogMember log, Version* known_committed) {
  CO_ASSIGN_OR_RETURN(const Message<LockReply> reply,
                      co_await rpc_.Call(FromMessage(log.endpoint()), kLockLog,
                                         Message<LockRequest>(), kCallTimeout));
  *known_committed = std::max(*known_committed, reply.header.known_committed());
  co_return reply.header.end();
}

Task<absl::Status> Driver::Recruit(Locked locked) {
  LogSet set;
  set.set_generation(system_.generation() + 1);
  set.set_replication(kReplication);
  set.set_begin(locked.known_committed);
  set.set_end(-1);
  set.set_first_version(locked.end + kJump);
  LogSystem next = system_;
  next.set_generation(set.generation());
  LogSet from;
  if (next.sets_size() > 0) {
    next.mutable_sets(next.sets_size() - 1)->set_end(locked.end);
    from = next.sets(next.sets_size() - 1);
  }
  for (const Host& host : hosts_) {
    LogMember& log = *set.add_logs();
    log.set_log_id(random_.Next());
    log.set_zone(host.zone);
    *log.mutable_endpoint() = ToMessage(Endpoint(host.address, kAnyIncarnation, log.log_id()));
  }
  std::vector<std::shared_ptr<Order>> orders;
  for (size_t i = 0; i < hosts_.size(); ++i) {
    auto order = std::make_shared<Order>();
    NewLogOptions& options = order->options;
    options.log_id = set.logs(static_cast<int>(i)).log_id();
    options.directory = DirectoryOf(options.log_id);
    options.generation = set.generation();
    options.recovery_version = locked.end;
    if (from.logs_size() > 0) {
      for (const Tag tag : tags_) {
        const std::vector<size_t> team = LogTeamOf(tag, set);
        if (std::ranges::find(team, i) != team.end()) options.copy_tags.push_back(tag);
      }
      options.copy_after = locked.known_committed;
      options.copy_from = from;
    }
    hosts_[i].orders.push_back(order);
    orders.push_back(std::move(order));
  }
  const Time give_up = After(env_.clock().Now(), Seconds(10));
  for (const auto& order : orders) {
    while (!order->ready.has_value()) {
      if (env_.clock().Now() > give_up) co_return Error(ErrorCode::timed_out);
      co_await Sleep(env_.clock(), Milliseconds(5));
    }
    CO_RETURN_IF_ERROR(*order->ready);
  }
  *next.add_sets() = std::move(set);
  // A set is read until every consumer has come to where the next one begins.
  while (next.sets_size() > 1 && next.sets(1).begin() <= MinimumOf(positions_)) {
    next.mutable_sets()->DeleteSubrange(0, 1);
  }
  system_ = std::move(next);
  co_return absl::OkStatus();
}

Buffer Driver::MakeBatch(Version version) {
  MutationBatchWriter writer;
  Ledger::Written& written = ledger_.versions[version];
  std::set<Tag> tags;
  const bool one_set = random_.Chance(OneIn(2));
  for (uint64_t n = random_.Below(5); n > 0; --n) {
    if (!one_set || tags.empty()) {
      tags.clear();
      for (const Tag tag : tags_) {
        if (random_.Chance(OneIn(2))) tags.insert(tag);
      }
    }
    const std::string key = std::to_string(version) + "/" + std::to_string(n) + "/" +
                            std::to_string(ledger_.recoveries);
    for (const Tag tag : tags) written.keys[tag].push_back(key);
    const std::vector<Tag> list(tags.begin(), tags.end());
    const std::string value(random_.Below(random_.Chance(OneIn(20)) ? 20'000 : 300), 'v');
    writer.Add(list, {MutationType::kSet, key, value});
  }
  return Buffer::Copy(std::move(writer).Finish());
}

// Pushes until the generation fails or has had enough, then waits for what is under way.
Task<absl::Status> Driver::WritePart() {
  generation_failed_ = false;
  Version previous = last_;
  Version version = last_ + kJump;
  for (uint64_t left = 1 + random_.Below(60); left > 0 && !generation_failed_; --left) {
    last_ = version;
    ++in_flight_;
    tasks_.Spawn("push", PushOne(system_.generation(), previous, version, MakeBatch(version)));
    previous = version;
    version += random_.Between(1, 20);
    const uint64_t depth = random_.Below(6);
    while (in_flight_ > depth && !generation_failed_) co_await landed_.Wait();
    if (random_.Chance(OneIn(4))) {
      co_await Sleep(env_.clock(), random_.Between(Duration(0), Milliseconds(50)));
    }
  }
  // Recovery may begin while pushes are under way: each is then acknowledged and kept, or not.
  while (in_flight_ > 0 && random_.Chance({9, 10}) && !generation_failed_) co_await landed_.Wait();
  co_return absl::OkStatus();
}

Task<absl::Status> Driver::PushOne(uint64_t generation, Version previous, Version version,
                                   Buffer batch) {
  PushRequest request;
  request.set_previous_version(previous);
  request.set_version(version);
  request.set_known_committed(ledger_.acknowledged);
  const LogSet set = system_.sets(system_.sets_size() - 1);
  std::vector<Task<absl::Status>> pushes;
  for (const LogMember& log : set.logs()) pushes.push_back(PushTo(log, request, batch));
  bool everywhere = true;
  for (const absl::Status& pushed : co_await WhenAll(std::move(pushes))) {
    everywhere = everywhere && pushed.ok();
  }
  if (everywhere) {
    ledger_.Expect(ledger_.versions.contains(version), "an acknowledged version was discarded");
    ledger_.acknowledged = std::max(ledger_.acknowledged, version);
    ledger_.end = std::max(ledger_.end, version);
  } else if (generation == system_.generation()) {
    generation_failed_ = true;
  }
  --in_flight_;
  landed_.NotifyAll();
  co_return absl::OkStatus();
}

// Now and then late, so that versions overtake each other, and twice.
Task<absl::Status> Driver::PushTo(LogMember log, PushRequest request, Buffer batch) {
  if (random_.Chance(OneIn(4))) {
    co_await Sleep(env_.clock(), random_.Between(Duration(0), Milliseconds(20)));
  }
  const Endpoint to = FromMessage(log.endpoint());
  if (random_.Chance(OneIn(10))) {
    ++ledger_.duplicates;
    const auto first = co_await rpc_.Call(to, kPush, Message<PushRequest>{request, batch},
                                          random_.Between(Milliseconds(1), Milliseconds(20)));
    if (first.ok()) co_return absl::OkStatus();
  }
  const auto reply =
      co_await rpc_.Call(to, kPush, Message<PushRequest>{request, batch}, kCallTimeout);
  co_return reply.status();
}

Task<absl::Status> Driver::Consume(Tag tag) {
  LogCursor cursor(env_, rpc_, view_, tag, 0);
  for (;;) {
    const auto bytes_max = static_cast<uint32_t>(random_.Between(1, 20'000));
    const Version after = cursor.position();
    CO_ASSIGN_OR_RETURN(const LogCursor::Messages messages, co_await cursor.Next(bytes_max));
    ledger_.Check(tag, after, messages);
    positions_[tag] = messages.through;
    if (random_.Chance(OneIn(5))) co_await cursor.Pop(messages.through, 1);
    if (random_.Chance(OneIn(30))) {
      co_await Sleep(env_.clock(), random_.Between(Duration(0), Seconds(3)));
    }
  }
}

// After the last push nothing tells the logs what is known committed, so it is told by itself.
Task<absl::Status> Driver::Advance() {
  AdvanceRequest request;
  request.set_known_committed(ledger_.acknowledged);
  const LogSet set = system_.sets(system_.sets_size() - 1);
  for (const LogMember& log : set.logs()) {
    const auto reply = co_await rpc_.Call(FromMessage(log.endpoint()), kAdvanceKnownCommitted,
                                          Message<AdvanceRequest>{request}, kCallTimeout);
    CO_RETURN_IF_ERROR(reply.status());
  }
  co_return absl::OkStatus();
}

}  // namespace orrery::log_testing
