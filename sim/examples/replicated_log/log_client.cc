// Finding the leader, and trying again.
#include "sim/examples/replicated_log/log_client.h"

#include <algorithm>

#include "core/async/retry.h"
#include "core/async/sleep.h"
#include "core/base/invariant.h"
#include "sim/examples/replicated_log/replica_knobs.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr Duration kPauseMin = Milliseconds(5);
constexpr Duration kPauseMax = Milliseconds(400);

// Errors that another attempt, perhaps at another replica, may not meet.
bool MayPass(const absl::Status& status) {
  const ErrorCode code = CodeOf(status);
  return IsRetryable(status) && code != ErrorCode::memory_limit;
}

}  // namespace

LogClient::LogClient(Env& env, std::vector<Endpoint> replicas)
    : env_(env),
      replicas_(std::move(replicas)),
      attempt_timeout_(env.knobs().Get<ReplicaKnobs>().replicated_log_attempt_timeout),
      id_(env.random("replicated_log.client").Next()),
      rpc_(env, RpcIdentity()) {
  INVARIANT(!replicas_.empty());
}

template <class Req, class Rep>
Task<absl::StatusOr<Rep>> LogClient::CallLeader(Method<Req, Rep> method, Req request,
                                                Duration timeout) {
  const Time deadline = After(env_.clock().Now(), timeout);
  Duration pause = kPauseMin;
  absl::Status last;  // Why the last attempt did not do it.
  for (;;) {
    const Duration rest = deadline - env_.clock().Now();
    if (rest <= Duration(0)) {
      std::string why = "no replica leads";
      if (!last.ok()) why = "the last replica asked: " + std::string(InfoOf(CodeOf(last)).text);
      co_return Error(ErrorCode::timed_out, why);
    }
    const uint32_t asked = leader_;
    absl::StatusOr<Message<Rep>> reply = co_await rpc_.Call(replicas_[asked - 1], method, {request},
                                                            std::min(rest, attempt_timeout_));
    if (reply.ok() && reply->header.done()) co_return std::move(reply->header);
    if (!reply.ok() && !MayPass(reply.status())) co_return reply.status();
    last = reply.status();
    // Others may have moved the guess meanwhile; then it is as good as any.
    const uint32_t told = reply.ok() ? reply->header.leader() : 0;
    if (leader_ == asked) {
      leader_ = told >= 1 && told <= replicas() && told != asked ? told : asked % replicas() + 1;
    }
    co_await Sleep(env_.clock(), env_.random("replicated_log.pause").Between(Duration(0), pause));
    pause = std::min(pause * 2, kPauseMax);
  }
}

Task<absl::Status> LogClient::Put(Entries entries, Duration timeout) {
  PutRequest request;
  request.set_client(id_);
  request.set_sequence(++last_sequence_);
  for (auto& [key, value] : entries) {
    PutRequest::Entry& entry = *request.add_entries();
    entry.set_key(std::move(key));
    entry.set_value(std::move(value));
  }
  struct Waiting {
    ~Waiting() { all.erase(sequence); }
    std::set<uint64_t>& all;
    const uint64_t sequence;
  };
  waiting_.insert(last_sequence_);
  const Waiting waiting{waiting_, last_sequence_};
  request.set_oldest_sequence(*waiting_.begin());
  absl::StatusOr<PutReply> reply = co_await CallLeader(kPut, std::move(request), timeout);
  co_return reply.status();
}

Task<absl::StatusOr<std::optional<std::string>>> LogClient::Get(std::string key, Duration timeout) {
  GetRequest request;
  request.set_key(std::move(key));
  CO_ASSIGN_OR_RETURN(GetReply reply, co_await CallLeader(kGet, std::move(request), timeout));
  if (!reply.found()) co_return std::nullopt;
  co_return std::move(*reply.mutable_value());
}

Task<absl::StatusOr<uint64_t>> LogClient::Count(Duration timeout) {
  CO_ASSIGN_OR_RETURN(const CountReply reply, co_await CallLeader(kCount, CountRequest(), timeout));
  co_return reply.keys();
}

Task<absl::StatusOr<StatusReply>> LogClient::Status(uint32_t replica, Duration timeout) {
  const Time deadline = After(env_.clock().Now(), timeout);
  CO_ASSIGN_OR_RETURN(Message<StatusReply> reply,
                      co_await Retry(env_.clock(), env_.random("replicated_log.pause"),
                                     {.deadline = deadline}, [&] {
                                       return rpc_.Call(
                                           replicas_[replica - 1], kStatus, {StatusRequest()},
                                           std::max(deadline - env_.clock().Now(), Duration(1)));
                                     }));
  co_return std::move(reply.header);
}

}  // namespace orrery::sim::replicated_log
