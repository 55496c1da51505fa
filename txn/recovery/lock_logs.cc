// One task per log asks; the waiting task decides.
#include "txn/recovery/lock_logs.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/log_methods.h"
#include "txn/recovery/recovery_knobs.h"

namespace orrery {

namespace {

class LogLocker {
 public:
  LogLocker(Env& env, RpcClient& rpc, LogSet set, uint64_t generation, RecoveryHost& host)
      : env_(env),
        rpc_(rpc),
        knobs_(env.knobs().Get<RecoveryKnobs>()),
        set_(std::move(set)),
        generation_(generation),
        host_(host),
        answers_(static_cast<size_t>(set_.logs_size())),
        asked_(answers_.size(), false),
        tasks_(env.executor(), [](std::string_view, absl::Status) {}) {}  // Lock never fails.

  Task<absl::StatusOr<RecoveryDecision>> Run() {
    for (size_t i = 0; i < answers_.size(); ++i) tasks_.Spawn("lock", Lock(i));
    Time decided_at = kNever;
    const Time give_up = After(env_.clock().Now(), knobs_.recovery_wait_max);
    for (;;) {
      RecoveryDecision decision = Decide();
      if (decision.outcome == RecoveryOutcome::kRefuse) {
        co_return Error(ErrorCode::check_failed, decision.reason);
      }
      const bool all = std::all_of(asked_.begin(), asked_.end(), [](bool asked) { return asked; });
      Duration wait = Seconds(1);  // Distrust passes without a notification.
      if (decision.outcome == RecoveryOutcome::kDecided) {
        const Time now = env_.clock().Now();
        if (decided_at == kNever) decided_at = now;
        wait = decided_at + knobs_.recovery_lock_grace - now;
        if (all || wait <= Duration(0)) co_return decision;
      } else if (all) {
        PROBE(env_, "recovery.waited_for_logs");
        std::string reason = ReasonToWait(decision);
        host_.Report("waiting for logs", reason);
        if (env_.clock().Now() >= give_up) {
          PROBE(env_, "recovery.gave_up_waiting_for_logs");
          co_return Error(ErrorCode::generation_ended, std::move(reason));
        }
      }
      // Out of time or not: look again.
      (void)co_await Timeout(env_.clock(), wait, Changed());
    }
  }

 private:
  Task<absl::Status> Changed() {
    co_await changed_.Wait();
    co_return absl::OkStatus();
  }

  const LogMember& log(size_t i) const { return set_.logs(static_cast<int>(i)); }

  RecoveryDecision Decide() const {
    std::map<std::string_view, uint32_t> zones;
    std::vector<OldLog> logs(answers_.size());
    for (size_t i = 0; i < logs.size(); ++i) {
      logs[i].zone = zones.emplace(log(i).zone(), zones.size()).first->second;
      if (!host_.IsDistrusted(log(i).log_id())) logs[i].answer = answers_[i];
    }
    return DecideRecoveryVersion(logs, set_.replication());
  }

  std::string ReasonToWait(const RecoveryDecision& decision) const {
    std::string names;
    for (const size_t i : decision.silent) {
      const Endpoint at = FromMessage(log(i).endpoint());
      names += (names.empty() ? "" : ", ") +
               (at.host.empty() ? at.address.ToString()
                                : at.host + ":" + std::to_string(at.address.port())) +
               " (zone " + log(i).zone() + ")";
    }
    return "waiting for the logs of generation " + std::to_string(set_.generation()) + " at " +
           names + ": without them acknowledged data could be lost";
  }

  Task<absl::Status> Lock(size_t i) {
    for (;;) {
      Message<LockRequest> request;
      request.header.set_generation(generation_);
      absl::StatusOr<Message<LockReply>> reply =
          co_await rpc_.Call(FromMessage(log(i).endpoint()), kLockLog, std::move(request),
                             knobs_.recovery_lock_timeout);
      asked_[i] = true;
      if (reply.ok()) {
        answers_[i] = {reply->header.end(), reply->header.known_committed()};
        if (auto e = env_.trace().Info("LogLocked")) {
          e.Add("log_id", log(i).log_id()).Add("end", reply->header.end());
          e.Add("known_committed", reply->header.known_committed());
        }
        changed_.NotifyAll();
        co_return absl::OkStatus();
      }
      if (auto e = env_.trace().Info("LogSilent")) {
        e.Add("log_id", log(i).log_id()).Add("why", reply.status());
      }
      changed_.NotifyAll();
      const Duration most = knobs_.recovery_lock_retry_delay;
      co_await Sleep(env_.clock(), env_.random("recovery.retry").Between(most / 2, most));
    }
  }

  Env& env_;
  RpcClient& rpc_;
  const RecoveryKnobs& knobs_;
  const LogSet set_;
  const uint64_t generation_;
  RecoveryHost& host_;
  std::vector<std::optional<LockedLogAnswer>> answers_;
  std::vector<bool> asked_;  // Answered, or failed, at least once.
  Notify changed_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::StatusOr<RecoveryDecision>> LockLogs(Env& env, RpcClient& rpc, LogSet set,
                                                uint64_t generation, RecoveryHost& host) {
  LogLocker locker(env, rpc, std::move(set), generation, host);
  co_return co_await locker.Run();
}

}  // namespace orrery
