// The shell of the commit proxy: what it keeps, and the tasks around it. Private to the folder.
//
//   commit_proxy.cc     requests: admission, the queue, batches begin, locations of keys
//   commit_pipeline.cc  one batch, from its version to its answers
//
// A batch waits for its turn at two places, by its number: before it goes to the resolvers, and
// before its metadata are applied. Between a look at the metadata and the tagging by them nothing
// is awaited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/observe/memory_budget.h"
#include "core/observe/metrics.h"
#include "core/rpc/role_context.h"
#include "txn/metadata/metadata.h"
#include "txn/proxy/batch_tagger.h"
#include "txn/proxy/commit_proxy.h"
#include "txn/proxy/commit_proxy_knobs.h"
#include "txn/proxy/proxy_methods.h"
#include "txn/proxy/resolver_split.h"
#include "txn/proxy/transaction_codec.h"

namespace orrery {

class CommitProxy {
 public:
  // REQUIRES: the metadata's rows are valid (Metadata::Check). All outlive it.
  CommitProxy(Env& env, RpcClient& rpc, const CommitProxyOptions& options);

  // Ends with the error that ended the generation.
  Task<absl::Status> Run();

  Task<absl::StatusOr<Message<CommitReply>>> Commit(Message<CommitRequest> request, CallInfo);
  Task<absl::StatusOr<Message<LocateReply>>> Locate(Message<LocateRequest> request, CallInfo);

 private:
  // A transaction that waits or is under way. The caller may have gone.
  struct Pending {
    std::string id;
    bool report_conflicts = false;
    bool is_state = false;
    size_t logged_bytes = 0;
    Buffer bytes;  // What `transaction` points into.
    CommitTransactionRef transaction;
    MemoryBudget::Reservation memory;
    Promise<absl::StatusOr<CommitReply>> reply;
  };

  struct Batch {
    uint64_t number = 0;
    Time begin{};
    std::vector<Pending> commits;
    Version previous = kInvalidVersion;
    Version version = kInvalidVersion;
    BatchVerdicts verdicts;
    bool has_snapshot = false;  // Of the metadata.
  };

  // ---- Requests and batches: commit_proxy.cc.
  absl::StatusOr<Pending> Admit(Message<CommitRequest> request);
  absl::Status CheckLogRoom(const Pending& pending, bool system_priority) const;
  bool CanBegin() const;
  Task<absl::Status> BeginBatches();
  Batch TakeBatch();
  Task<absl::Status> WantEmptyBatches();

  // ---- One batch: commit_pipeline.cc.
  Task<absl::Status> RunBatch(Batch batch);
  Task<absl::Status> GetVersion(Batch& batch);
  Task<absl::StatusOr<std::vector<ResolveReply>>> Resolve(Batch& batch);
  absl::StatusOr<LogBatches> TagBatch(Batch& batch, const std::vector<ResolveReply>& replies);
  absl::Status ApplyStateOfOthers(const std::vector<ResolveReply>& replies, Version before);
  Task<absl::Status> AwaitWindow(Version version);
  Task<absl::Status> Push(const Batch& batch, LogBatches batches);
  Task<absl::Status> Report(const Batch& batch);
  void Answer(Batch& batch);
  Task<absl::Status> AdvanceLog(size_t log);
  Task<absl::Status> PopMetadata(Version version);
  void LearnCommitted(Version version);
  template <class Req, class Rep>
  Task<absl::StatusOr<Message<Rep>>> Ask(Endpoint role, Method<Req, Rep> method,
                                         Message<Req> request, Duration attempt_max,
                                         Duration silence_max, bool lose_first = false);
  template <class Req, class Rep>
  Task<absl::StatusOr<Rep>> AskSequencer(Method<Req, Rep> method, Req request);
  Task<absl::Status> Linger(Purpose site);

  Env& env_;
  RpcClient& rpc_;
  const CommitProxyOptions& options_;
  const CommitProxyKnobs& knobs_;
  std::vector<Endpoint> log_endpoints_;
  std::vector<Key> resolver_begins_;

  // As of applied_version_: the last batch of this proxy that was logged.
  Metadata metadata_;
  Version applied_version_;
  size_t tag_bytes_max_ = 0;
  LogTeams teams_;

  uint64_t pushed_since_snapshot_ = 0;  // Bytes of queue.

  Version known_committed_;
  std::vector<Version> told_;       // By log: the known committed version that it was sent.
  std::vector<uint64_t> log_room_;  // By log, as it said last.

  MemoryBudget memory_;
  std::deque<Pending> queue_;
  size_t queue_bytes_ = 0;      // Sum of logged_bytes in queue_.
  size_t under_way_bytes_ = 0;  // The same of batches that are not durable yet.
  bool empty_wanted_ = false;
  Time last_begin_{};

  uint64_t batches_begun_ = 0;
  uint64_t batches_under_way_ = 0;
  uint64_t batches_before_push_ = 0;
  uint64_t requests_answered_ = 0;  // By the sequencer: all up to this number.
  std::vector<uint64_t> answered_early_;
  uint64_t resolved_ = 0;  // Batches up to this number went to the resolvers.
  uint64_t logged_ = 0;    // Batches up to this number were tagged.

  Counter& committed_;
  Counter& refused_;
  Counter& batches_;
  Histogram& batch_size_;
  Histogram& commit_time_;

  Notify changed_;  // A batch may begin.
  Notify turn_;     // resolved_ or logged_ grew.
  Notify advance_;  // Logs may have to be told of known_committed_.
  Promise<absl::Status> ended_;
  TaskGroup tasks_;
};

}  // namespace orrery
