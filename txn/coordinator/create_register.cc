// CreateRegister: describe all, do the next step at those that need it, describe all again; then
// read and write the first value.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/base/error_codes.h"
#include "core/observe/probe.h"
#include "txn/coordinator/coordinator_backoff.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_methods.h"
#include "txn/coordinator/register_messages.h"

namespace orrery {

namespace {

using Described = absl::StatusOr<FormingAnswer>;

class Creation {
 public:
  Creation(Env& env, RpcClient& rpc, const ClusterFile& cluster, std::string value, Time deadline)
      : env_(env),
        rpc_(rpc),
        cluster_(cluster),
        value_(std::move(value)),
        deadline_(deadline),
        knobs_(env.knobs().Get<CoordinatorKnobs>()) {}

  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(co_await FormAll());
    co_return co_await WriteFirst();
  }

 private:
  Duration TimeLeft() const { return deadline_ - env_.clock().Now(); }

  Task<Described> Ask(size_t coordinator, FormRegisterRequest::Step step, RegisterId id) {
    Message<FormRegisterRequest> request;
    request.header.set_step(step);
    *request.header.mutable_id() = ToMessage(id);
    absl::StatusOr<Message<FormRegisterReply>> reply =
        co_await rpc_.Call(cluster_.coordinators[coordinator], kFormRegister, std::move(request),
                           std::min(knobs_.coordinator_call_timeout, TimeLeft()));
    CO_RETURN_IF_ERROR(reply.status());
    const uint32_t state = reply->header.state();
    if (state > static_cast<uint32_t>(RegisterState::kReady)) {
      co_return Error(ErrorCode::corrupt_frame, "a coordinator's state that does not exist");
    }
    co_return FormingAnswer{true, static_cast<RegisterState>(state),
                            FromMessage(reply->header.id())};
  }

  // An error that no waiting mends, told with the coordinator that gave it.
  std::optional<absl::Status> Fatal(const std::vector<Described>& described) const {
    for (size_t c = 0; c < described.size(); ++c) {
      const absl::Status& status = described[c].status();
      switch (CodeOf(status)) {
        case ErrorCode::wrong_cluster:
        case ErrorCode::protocol_mismatch:
        case ErrorCode::authentication_failed:
          return Error(CodeOf(status), "coordinator " + ToText(cluster_.coordinators[c]) + ": " +
                                           std::string(status.message()));
        default:
          break;
      }
    }
    return std::nullopt;
  }

  absl::Status OutOfTime(const std::vector<Described>& described) const {
    std::string silent;
    for (size_t c = 0; c < described.size(); ++c) {
      if (described[c].ok()) continue;
      silent += (silent.empty() ? "" : ", ") + ToText(cluster_.coordinators[c]) + " (" +
                std::string(InfoOf(CodeOf(described[c].status())).name) + ")";
    }
    if (silent.empty()) return Error(ErrorCode::timed_out, "all coordinators answered, too slowly");
    return Error(ErrorCode::timed_out, "every coordinator must answer; these did not: " + silent);
  }

  Task<absl::Status> FormAll() {
    Backoff backoff(env_);
    for (;;) {
      std::vector<Task<Described>> asked;
      for (size_t c = 0; c < cluster_.coordinators.size(); ++c) {
        asked.push_back(Ask(c, FormRegisterRequest::DESCRIBE, {}));
      }
      const std::vector<Described> described = co_await WhenAll(std::move(asked));
      if (const std::optional<absl::Status> fatal = Fatal(described)) co_return *fatal;
      std::vector<FormingAnswer> answers;
      answers.reserve(described.size());
      for (const Described& each : described) answers.push_back(each.value_or(FormingAnswer()));
      const FormingDecision decision = NextFormingStep(answers, cluster_.register_id());
      const bool other = decision.id != RegisterId{} && decision.id != cluster_.register_id();
      if (decision.step == FormingStep::kRefuse || other) {
        co_return Error(ErrorCode::file_exists,
                        "a coordinator holds the register of another database");
      }
      if (decision.step == FormingStep::kDone) co_return absl::OkStatus();
      if (TimeLeft() <= Duration(0)) co_return OutOfTime(described);
      if (decision.step == FormingStep::kWait) {
        co_await backoff.Pause();
      } else {
        co_await Do(decision, answers);
      }
    }
  }

  Task<void> Do(FormingDecision decision, const std::vector<FormingAnswer>& answers) {
    const bool form = decision.step == FormingStep::kForm;
    const RegisterState from = form ? RegisterState::kAbsent : RegisterState::kForming;
    std::vector<Task<Described>> steps;
    for (size_t c = 0; c < answers.size(); ++c) {
      if (answers[c].state != from) continue;
      steps.push_back(
          Ask(c, form ? FormRegisterRequest::FORM : FormRegisterRequest::SEAL, decision.id));
    }
    // What came of it, all are asked next.
    const std::vector<Described> ignored = co_await WhenAll(std::move(steps));
  }

  Task<absl::Status> WriteFirst() {
    bool tried = false;
    Backoff backoff(env_);
    for (;;) {
      RegisterClient client(env_, rpc_, cluster_);
      CO_ASSIGN_OR_RETURN(const std::string found,
                          co_await Timeout(env_.clock(), TimeLeft(), client.Read()));
      if (!found.empty() && found != value_) {
        // Somebody who read our value has built on it already.
        if (tried) co_return absl::OkStatus();
        co_return Error(ErrorCode::file_exists, "a database was created here before");
      }
      if (!found.empty()) PROBE(env_, "coordinator.creation_resumed");
      tried = true;
      // Written again even if it is there: only read, it may be at a minority.
      absl::Status written = co_await client.Write(value_, TimeLeft());
      if (written.ok()) co_return written;
      if (TimeLeft() <= Duration(0)) {
        co_return Error(ErrorCode::timed_out, "no majority of coordinators took the first value");
      }
      co_await backoff.Pause();
    }
  }

  Env& env_;
  RpcClient& rpc_;
  const ClusterFile& cluster_;
  const std::string value_;
  const Time deadline_;
  const CoordinatorKnobs& knobs_;
};

}  // namespace

Task<absl::Status> CreateRegister(Env& env, RpcClient& rpc, const ClusterFile& cluster,
                                  std::string value, Duration timeout) {
  Creation creation(env, rpc, cluster, std::move(value), After(env.clock().Now(), timeout));
  co_return co_await creation.Run();
}

}  // namespace orrery
