// LogServer: the shell around LogState: a queue on disk, handlers of requests, and the tasks that
// sync and trim. Private to this room; the way in is log_server.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/observe/memory_budget.h"
#include "core/observe/metrics.h"
#include "core/rpc/role_context.h"
#include "storage/diskqueue/disk_queue.h"
#include "storage/log/log.pb.h"
#include "storage/log/log_entry.h"
#include "storage/log/log_knobs.h"
#include "storage/log/log_state.h"

namespace orrery {

class LogServer {
 public:
  // `state` says what is in `queue`.
  LogServer(Env& env, std::unique_ptr<DiskQueue> queue, LogState state);
  ~LogServer();

  // Serves until the disk fails. Once.
  Task<absl::Status> Run(RoleContext& context);

 private:
  template <class M>
  using Reply = Task<absl::StatusOr<Message<M>>>;

  Reply<PushReply> Push(Message<PushRequest> request, CallInfo info);
  Reply<AdvanceReply> Advance(Message<AdvanceRequest> request, CallInfo info);
  Reply<ConfirmReply> Confirm(Message<ConfirmRequest> request, CallInfo info);
  Reply<LockReply> Lock(Message<LockRequest> request, CallInfo info);
  Reply<PeekReply> Peek(Message<PeekRequest> request, CallInfo info);
  Reply<PopReply> Pop(Message<PopRequest> request, CallInfo info);

  // Waits until `request` is accepted, now or before.
  Task<absl::Status> AcceptPush(const PushRequest& request, Buffer batch);
  absl::Status AcceptNow(const PushRequest& request, const BatchTags& tags, const Buffer& batch);
  Task<absl::Status> AwaitPrevious(Version previous);
  Task<absl::Status> AwaitDurable(Version version);
  Task<absl::Status> AwaitNews(Version after, Version through);
  bool HasNews(Version after, Version through) const;

  // Reads from the queue what of `messages` is not in memory, until something cannot be read.
  Task<absl::Status> ReadSpilled(std::vector<LogMessages>* messages);
  Task<absl::Status> ReadRun(std::vector<LogMessages>* messages, size_t first, size_t end);

  Task<absl::Status> SyncLoop();
  Task<absl::Status> TrimLoop();
  Task<absl::Status> GrowLoop();
  Task<absl::Status> Trim(Location to);
  bool CanTrim() const;
  bool IsToGrow() const;

  void LockNow();
  void OnProgress();
  void ChargeMemory();
  void CountQueue();
  uint64_t RoomBytes() const;
  void Stop(absl::Status status);

  Env& env_;
  const LogKnobs& knobs_;
  const DiskQueueKnobs& queue_knobs_;
  const std::unique_ptr<DiskQueue> queue_;
  LogState state_;
  MemoryBudget::Reservation memory_;
  bool cannot_grow_ = false;  // The last attempt to make the queue longer failed.
  absl::Status stopped_why_;
  std::pair<Version, Version> progress_told_;  // Durable and known committed.
  Counter& pushed_bytes_;
  Counter& spilled_reads_;
  Gauge& queue_bytes_;
  int64_t queue_bytes_counted_ = 0;  // Of this log, in the gauge of all of the process.

  Notify accepted_;  // A version was accepted, or none will be any more.
  Notify durable_;   // state_.durable() grew, or never will.
  Notify readable_;  // A peek may see more.
  Notify trim_;      // CanTrim() may have become true.
  Notify grow_;      // IsToGrow() may have become true.
  Promise<absl::Status> stopped_;
  TaskGroup tasks_;
};

}  // namespace orrery
