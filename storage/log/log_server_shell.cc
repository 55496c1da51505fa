// Handlers: push, lock, confirm, pop; the tasks that sync and trim. Peeking is in log_peek.cc.
#include "storage/log/log_server_shell.h"

#include <algorithm>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/log/log_methods.h"

namespace orrery {

LogServer::LogServer(Env& env, std::unique_ptr<DiskQueue> queue, LogState state)
    : env_(env),
      knobs_(env.knobs().Get<LogKnobs>()),
      queue_knobs_(env.knobs().Get<DiskQueueKnobs>()),
      queue_(std::move(queue)),
      state_(std::move(state)),
      pushed_bytes_(env.metrics().AddCounter("log_pushed", "bytes", "batches accepted by logs")),
      spilled_reads_(env.metrics().AddCounter("log_spilled_reads", "versions",
                                              "versions read back from the queue for peeks")),
      queue_bytes_(env.metrics().AddGauge("log_queue", "bytes",
                                          "what logs keep in their queues for consumers")),
      tasks_(env.executor(), [this](std::string_view, absl::Status status) { Stop(status); }) {}

LogServer::~LogServer() { queue_bytes_.Add(-queue_bytes_counted_); }

Task<absl::Status> LogServer::Run(RoleContext& context) {
  Future<absl::Status> stopped = stopped_.future();
  RpcServer& server = context.server;
  const uint64_t token = context.token;
  const HandlersUntilEnd handlers(server, token);
  server.Handle<kPush, &LogServer::Push>(this, token);
  server.Handle<kAdvanceKnownCommitted, &LogServer::Advance>(this, token);
  server.Handle<kConfirmRunning, &LogServer::Confirm>(this, token);
  server.Handle<kLockLog, &LogServer::Lock>(this, token);
  server.Handle<kPeek, &LogServer::Peek>(this, token);
  server.Handle<kPop, &LogServer::Pop>(this, token);
  tasks_.Spawn("log sync", SyncLoop());
  tasks_.Spawn("log trim", TrimLoop());
  tasks_.Spawn("log grow", GrowLoop());
  CountQueue();
  ChargeMemory();
  context.ready.Set(absl::OkStatus());
  co_return co_await std::move(stopped);
}

void LogServer::Stop(absl::Status status) {
  if (!stopped_why_.ok()) return;
  stopped_why_ = std::move(status);
  if (auto e = env_.trace().Warn("LogStopped")) e.Add("why", stopped_why_);
  accepted_.NotifyAll();
  durable_.NotifyAll();
  readable_.NotifyAll();
  stopped_.Set(stopped_why_);
}

LogServer::Reply<PushReply> LogServer::Push(Message<PushRequest> request, CallInfo) {
  state_.LearnKnownCommitted(request.header.known_committed());
  OnProgress();
  CO_RETURN_IF_ERROR(co_await AcceptPush(request.header, std::move(request.attachment)));
  CO_RETURN_IF_ERROR(co_await AwaitDurable(request.header.version()));
  Message<PushReply> reply;
  reply.header.set_room_bytes(RoomBytes());
  co_return reply;
}

Task<absl::Status> LogServer::AcceptPush(const PushRequest& request, Buffer batch) {
  CO_ASSIGN_OR_RETURN(const BatchTags tags, TagsOfBatch(batch.view()));
  for (;;) {
    CO_RETURN_IF_ERROR(stopped_why_);
    switch (state_.Judge(request.previous_version(), request.version())) {
      case LogState::Verdict::kDuplicate:
        PROBE(env_, "log.push_again");
        co_return absl::OkStatus();
      case LogState::Verdict::kLocked:
        co_return Error(ErrorCode::generation_ended);
      case LogState::Verdict::kOffChain:
        if (auto e = env_.trace().Warn("LogPushOffChain")) {
          e.Add("previous", request.previous_version()).Add("accepted", state_.accepted());
        }
        co_return Error(ErrorCode::generation_ended);
      case LogState::Verdict::kWait: {
        PROBE(env_, "log.push_waits_for_previous");
        const absl::Status come = co_await Timeout(env_.clock(), knobs_.log_chain_wait_max,
                                                   AwaitPrevious(request.previous_version()));
        if (!come.ok()) {
          PROBE(env_, "log.hole_in_chain");
          co_return Error(ErrorCode::generation_ended);
        }
        continue;
      }
      case LogState::Verdict::kAccept:
        break;
    }
    const absl::Status accepted = AcceptNow(request, tags, batch);
    if (accepted.ok()) co_return accepted;
    if (CodeOf(accepted) == ErrorCode::overloaded) {
      CO_RETURN_IF_ERROR(co_await AwaitDurable(state_.accepted()));
      continue;
    }
    if (CodeOf(accepted) != ErrorCode::disk_full) co_return accepted;
    const absl::Status room = co_await queue_->MakeRoom(kLogEntryHeaderBytes + batch.size());
    if (CodeOf(room) == ErrorCode::disk_full) {
      // Its version is assigned: without it nothing can follow. What is here can still be read.
      PROBE(env_, "log.disk_full");
      if (auto e = env_.trace().Warn("LogFull")) e.Add("version", request.version());
      LockNow();
      co_return Error(ErrorCode::generation_ended);
    }
    CO_RETURN_IF_ERROR(room);
  }
}

absl::Status LogServer::AcceptNow(const PushRequest& request, const BatchTags& tags,
                                  const Buffer& batch) {
  const Buffer entry = EncodeLogEntry(LogVersionEntry{.version = request.version(),
                                                      .previous = request.previous_version(),
                                                      .known_committed = state_.known_committed(),
                                                      .batch = batch.view()});
  ASSIGN_OR_RETURN(const Location location, queue_->Push(entry.view()));
  state_.Accept(tags.tags, {.version = request.version(),
                            .location = location,
                            .bytes = static_cast<uint32_t>(batch.size()),
                            .one_tag_set = tags.one_tag_set,
                            .in_memory = true,
                            .batch = entry.Slice(kLogEntryHeaderBytes, batch.size())});
  pushed_bytes_.Add(batch.size());
  ChargeMemory();
  accepted_.NotifyAll();
  return absl::OkStatus();
}

Task<absl::Status> LogServer::AwaitPrevious(Version previous) {
  while (state_.accepted() < previous && !state_.locked() && stopped_why_.ok()) {
    co_await accepted_.Wait();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LogServer::AwaitDurable(Version version) {
  while (state_.durable() < version && stopped_why_.ok()) co_await durable_.Wait();
  co_return state_.durable() >= version ? absl::OkStatus() : stopped_why_;
}

LogServer::Reply<AdvanceReply> LogServer::Advance(Message<AdvanceRequest> request, CallInfo) {
  state_.LearnKnownCommitted(request.header.known_committed());
  OnProgress();
  co_return Message<AdvanceReply>();
}

LogServer::Reply<ConfirmReply> LogServer::Confirm(Message<ConfirmRequest>, CallInfo) {
  if (state_.locked()) co_return Error(ErrorCode::generation_ended);
  co_return Message<ConfirmReply>();
}

void LogServer::LockNow() {
  state_.Lock();
  accepted_.NotifyAll();
  readable_.NotifyAll();
}

LogServer::Reply<LockReply> LogServer::Lock(Message<LockRequest> request, CallInfo) {
  if (!state_.locked()) {
    if (auto e = env_.trace().Info("LogLocked")) {
      e.Add("by_generation", request.header.generation()).Add("accepted", state_.accepted());
    }
    if (state_.durable() < state_.accepted()) PROBE(env_, "log.locked_during_sync");
    LockNow();
  }
  CO_RETURN_IF_ERROR(co_await AwaitDurable(state_.accepted()));
  Message<LockReply> reply;
  reply.header.set_end(state_.durable());
  reply.header.set_known_committed(state_.known_committed());
  co_return reply;
}

LogServer::Reply<PopReply> LogServer::Pop(Message<PopRequest> request, CallInfo) {
  const TagMessage& tag = request.header.tag();
  state_.Pop({static_cast<TagKind>(tag.kind()), tag.id()}, request.header.version());
  ChargeMemory();
  if (CanTrim()) trim_.NotifyAll();
  co_return Message<PopReply>();
}

Task<absl::Status> LogServer::SyncLoop() {
  for (;;) {
    while (state_.durable() == state_.accepted()) co_await accepted_.Wait();
    if (Buggify(env_, "log.sync.late", OneIn(50))) {
      co_await Sleep(env_.clock(), Milliseconds(200));
    }
    const Version version = state_.accepted();
    CO_RETURN_IF_ERROR(co_await queue_->Commit());
    state_.OnDurable(version);
    CountQueue();
    if (IsToGrow()) grow_.NotifyAll();
    durable_.NotifyAll();
    OnProgress();
    if (CanTrim()) trim_.NotifyAll();
  }
}

bool LogServer::CanTrim() const {
  const Location needed = state_.needed_from();
  return needed > queue_->begin() &&
         needed - queue_->begin() >= static_cast<uint64_t>(knobs_.log_trim_bytes_min);
}

Task<absl::Status> LogServer::TrimLoop() {
  for (;;) {
    while (!CanTrim()) co_await trim_.Wait();
    const absl::Status trimmed = co_await Trim(state_.needed_from());
    if (trimmed.ok()) continue;
    if (CodeOf(trimmed) != ErrorCode::disk_full) co_return trimmed;
    PROBE(env_, "log.no_room_to_trim");
    co_await trim_.Wait();
  }
}

bool LogServer::IsToGrow() const {
  // After a failure it tries again whatever room there is by then: as long as it counts as unable
  // to grow, proxies may find too little and push nothing that would ask for more.
  return (cannot_grow_ ||
          queue_->RoomBytes() < static_cast<uint64_t>(knobs_.log_grow_ahead_bytes)) &&
         queue_->file_bytes() < static_cast<uint64_t>(queue_knobs_.disk_queue_bytes_max) &&
         !state_.locked();
}

// Before a push needs it: so that proxies hear of a full disk in time.
Task<absl::Status> LogServer::GrowLoop() {
  for (;;) {
    while (!IsToGrow()) co_await grow_.Wait();
    const absl::Status grown =
        co_await queue_->MakeRoom(2 * static_cast<uint64_t>(knobs_.log_grow_ahead_bytes));
    if (grown.ok() && cannot_grow_) PROBE(env_, "log.grows_again");
    cannot_grow_ = !grown.ok();
    if (grown.ok()) continue;
    if (CodeOf(grown) != ErrorCode::disk_full) co_return grown;
    PROBE(env_, "log.cannot_grow");
    co_await Sleep(env_.clock(), knobs_.log_grow_retry_delay);
  }
}

// The pops are durable before what they popped may go.
Task<absl::Status> LogServer::Trim(Location to) {
  const std::string pops = EncodeLogEntry(state_.pops());
  for (;;) {
    const absl::Status pushed = queue_->Push(pops).status();
    if (pushed.ok()) break;
    if (CodeOf(pushed) == ErrorCode::overloaded) {
      CO_RETURN_IF_ERROR(co_await queue_->Commit());
    } else if (CodeOf(pushed) == ErrorCode::disk_full) {
      CO_RETURN_IF_ERROR(co_await queue_->MakeRoom(pops.size()));
    } else {
      co_return pushed;
    }
  }
  CO_RETURN_IF_ERROR(co_await queue_->Commit());
  const absl::Status popped = queue_->Pop(to);
  CountQueue();
  co_return popped;
}

void LogServer::CountQueue() {
  const auto now = static_cast<int64_t>(queue_->live_bytes());
  queue_bytes_.Add(now - std::exchange(queue_bytes_counted_, now));
}

void LogServer::OnProgress() {
  const std::pair<Version, Version> now(state_.durable(), state_.known_committed());
  if (std::exchange(progress_told_, now) != now) readable_.NotifyAll();
}

void LogServer::ChargeMemory() {
  uint64_t keep = static_cast<uint64_t>(knobs_.log_memory_bytes_max);
  if (Buggify(env_, "log.spill.everything", OneIn(20))) keep = 0;
  for (;;) {
    state_.Spill(keep);
    const uint64_t wanted = state_.memory_bytes() + state_.index_bytes();
    if (memory_.bytes() == 0) {
      std::optional<MemoryBudget::Reservation> first = env_.memory().TryReserve(wanted);
      if (first.has_value()) {
        memory_ = *std::move(first);
        return;
      }
    } else if (wanted <= memory_.bytes()) {
      return memory_.Shrink(memory_.bytes() - wanted);
    } else if (memory_.TryGrow(wanted - memory_.bytes())) {
      return;
    }
    if (keep == 0) return;
    PROBE(env_, "log.memory_short");
    keep = 0;
  }
}

uint64_t LogServer::RoomBytes() const {
  uint64_t room = queue_->RoomBytes();
  const auto file_max = static_cast<uint64_t>(queue_knobs_.disk_queue_bytes_max);
  // Pages count twice: the queue keeps room for a copy of the group under way.
  if (!cannot_grow_ && file_max > queue_->file_bytes()) {
    room += (file_max - queue_->file_bytes()) / 2;
  }
  const auto reserve = static_cast<uint64_t>(knobs_.log_reserve_bytes);
  return room > reserve ? room - reserve : 0;
}

}  // namespace orrery
