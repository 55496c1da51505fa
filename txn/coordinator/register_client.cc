// RegisterClient: a proposer, and calls to all coordinators at once.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/base/error_codes.h"
#include "core/base/invariant.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "txn/coordinator/coordinator_backoff.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_knobs.h"
#include "txn/coordinator/coordinator_methods.h"
#include "txn/coordinator/register_messages.h"

namespace orrery {

// What the calls of one phase share with the task that waits for it.
struct RegisterClient::Phase {
  size_t answered = 0;
  size_t failed = 0;   // No answer: of this attempt, or for good.
  size_t refused = 0;  // Answered, and does not count towards the majority.
  Notify progress;
};

RegisterClient::RegisterClient(Env& env, RpcClient& rpc, const ClusterFile& cluster)
    : env_(env), rpc_(rpc), cluster_(cluster), proposer_(cluster.coordinators.size(), {}) {}

Task<absl::Status> RegisterClient::AskRead(size_t coordinator, Phase* phase) {
  Message<ReadRegisterRequest> request;
  *request.header.mutable_id() = ToMessage(cluster_.register_id());
  *request.header.mutable_generation() = ToMessage(proposer_.generation());
  const Duration timeout = env_.knobs().Get<CoordinatorKnobs>().coordinator_call_timeout;
  absl::StatusOr<Message<ReadRegisterReply>> reply = co_await rpc_.Call(
      cluster_.coordinators[coordinator], kReadRegister, std::move(request), timeout);
  if (reply.ok()) {
    ++phase->answered;
    phase->refused += reply->header.ready() ? 0 : 1;
    proposer_.OnRead(coordinator, FromMessage(reply->header));
  } else {
    ++phase->failed;
    if (auto e = env_.trace().Debug("ReadRegisterFailed")) {
      e.Add("coordinator", ToText(cluster_.coordinators[coordinator])).Add("why", reply.status());
    }
  }
  phase->progress.NotifyAll();
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> RegisterClient::Read() {
  const size_t coordinators = cluster_.coordinators.size();
  Backoff backoff(env_);
  RegisterGeneration highest = proposer_.highest_seen();
  for (;;) {
    proposer_ = RegisterProposer(
        coordinators, NextGeneration(highest, env_.random("coordinator.generation").Next()));
    Phase phase;
    {
      TaskGroup calls(env_.executor(), [](std::string_view, absl::Status) {});  // None fails.
      for (size_t c = 0; c < coordinators; ++c) calls.Spawn("read register", AskRead(c, &phase));
      while (!proposer_.read_done() && !proposer_.conflict() &&
             phase.answered + phase.failed < coordinators) {
        co_await phase.progress.Wait();
      }
    }
    if (proposer_.read_done()) co_return proposer_.value();
    if (phase.answered == coordinators && phase.refused > coordinators - Majority()) {
      co_return Error(ErrorCode::not_created);
    }
    if (proposer_.conflict()) PROBE(env_, "coordinator.read_overtaken");
    highest = proposer_.highest_seen();
    co_await backoff.Pause();
  }
}

Task<bool> RegisterClient::HoldsValue(size_t coordinator) {
  Message<ReadRegisterRequest> request;
  *request.header.mutable_id() = ToMessage(cluster_.register_id());
  *request.header.mutable_generation() = ToMessage(RegisterGeneration{});
  const Duration timeout = env_.knobs().Get<CoordinatorKnobs>().coordinator_call_timeout;
  const absl::StatusOr<Message<ReadRegisterReply>> reply = co_await rpc_.Call(
      cluster_.coordinators[coordinator], kReadRegister, std::move(request), timeout);
  co_return reply.ok() && reply->header.ready() && !reply->header.value().empty();
}

Task<bool> RegisterClient::IsWritten() {
  std::vector<Task<bool>> questions;
  for (size_t c = 0; c < cluster_.coordinators.size(); ++c) questions.push_back(HoldsValue(c));
  const std::vector<bool> holds = co_await WhenAll(std::move(questions));
  co_return static_cast<size_t>(std::count(holds.begin(), holds.end(), true)) >= Majority();
}

// Tries until this coordinator has answered: a WRITE of one generation may be repeated.
Task<absl::Status> RegisterClient::AskWrite(size_t coordinator, Phase* phase) {
  Message<WriteRegisterRequest> request;
  *request.header.mutable_id() = ToMessage(cluster_.register_id());
  *request.header.mutable_generation() = ToMessage(proposer_.generation());
  request.header.set_value(proposer_.write_value());
  const Duration timeout = env_.knobs().Get<CoordinatorKnobs>().coordinator_call_timeout;
  Backoff backoff(env_);
  for (;;) {
    absl::StatusOr<Message<WriteRegisterReply>> reply =
        co_await rpc_.Call(cluster_.coordinators[coordinator], kWriteRegister, request, timeout);
    if (reply.ok()) {
      phase->refused += reply->header.ready() && reply->header.accepted() ? 0 : 1;
      proposer_.OnWrite(coordinator, FromMessage(reply->header));
      phase->progress.NotifyAll();
      co_return absl::OkStatus();
    }
    if (auto e = env_.trace().Debug("WriteRegisterFailed")) {
      e.Add("coordinator", ToText(cluster_.coordinators[coordinator])).Add("why", reply.status());
    }
    co_await backoff.Pause();
  }
}

Task<absl::Status> RegisterClient::WriteToMajority() {
  const size_t coordinators = cluster_.coordinators.size();
  Phase phase;
  TaskGroup calls(env_.executor(), [](std::string_view, absl::Status) {});  // None fails.
  for (size_t c = 0; c < coordinators; ++c) calls.Spawn("write register", AskWrite(c, &phase));
  while (!proposer_.write_done()) {
    if (phase.refused > coordinators - Majority()) {
      PROBE(env_, "coordinator.write_overtaken");
      co_return Error(ErrorCode::generation_ended, "a write of the register was overtaken");
    }
    co_await phase.progress.Wait();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> RegisterClient::Write(std::string value, Duration timeout) {
  INVARIANT(value.size() <= GenerationRegister::kValueBytesMax, value.size());
  proposer_.StartWrite(std::move(value));
  co_return co_await Timeout(env_.clock(), timeout, WriteToMajority());
}

}  // namespace orrery
