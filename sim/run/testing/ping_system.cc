// Deployment, workload and recovery of the system under test.
#include "sim/run/testing/ping_system.h"

#include "core/async/future.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/observe/probe.h"
#include "sim/run/evidence.h"
#include "sim/run/testing/ping_server.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr Duration kPatience = Seconds(1);
constexpr Duration kRetry = Milliseconds(200);

NetworkAddress ServerAddress(int64_t server) {
  return NetworkAddress::V4(0x0a000001 + static_cast<uint32_t>(server), kPingPort);
}

// One byte there and back.
Task<absl::Status> Ping(Env* env, NetworkAddress address, std::string_view byte = kPing) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Connection> peer, co_await env->network().Connect(address));
  peer->Write(Buffer::Copy(byte));
  CO_ASSIGN_OR_RETURN(const Buffer answer, co_await peer->Read());
  co_return answer.empty() ? Error(ErrorCode::end_of_stream) : absl::OkStatus();
}

class PingWorkload final : public Workload {
 public:
  absl::Status Configure(const Options& options) override {
    ASSIGN_OR_RETURN(interval_, options.Span("interval", Milliseconds(50)));
    ASSIGN_OR_RETURN(answers_min_, options.Integer("answers_min", 1, 0, INT64_MAX));
    ASSIGN_OR_RETURN(fail_in_, options.Text("fail_in", ""));
    return absl::OkStatus();
  }

  Task<absl::Status> Setup(ClientContext context) override {
    CO_ASSIGN_OR_RETURN(servers_, context.topology.Integer("servers", 3, 1, 100));
    CO_ASSIGN_OR_RETURN(lucky_, context.topology.Integer("lucky", 0, 0, 1000));
    co_return fail_in_ == "setup" ? Error(ErrorCode::io_error, "asked to fail") : absl::OkStatus();
  }

  Task<absl::Status> Start(ClientContext context, Time deadline) override {
    Env& env = context.env;
    OperationStream operations(context, "ping");
    TaskGroup pings(env.executor(), [](std::string_view, absl::Status) {
      // Without an answer: it is not counted.
    });
    while (env.clock().Now() < deadline) {
      auto [ordinal, random] = operations.Next();
      co_await Sleep(env.clock(), interval_);
      const NetworkAddress server =
          ServerAddress(static_cast<int64_t>(random.Below(static_cast<uint64_t>(servers_))));
      if (!operations.Begins(ordinal)) continue;
      ++pings_;
      pings.Spawn("ping", operations.Run(ordinal, PingOnce(&env, server)));
      if (fail_in_ == "start") co_return Error(ErrorCode::io_error, "asked to fail");
    }
    co_await pings.Join();
    // One after the other, each within the bound of liveness, all of them not.
    for (int i = 0; i < (fail_in_ == "slow" ? 5 : 0); ++i) {
      CO_RETURN_IF_ERROR(co_await operations.Run(operations.Next().ordinal, Wait(&env)));
    }
    if (fail_in_ == "endless") {
      Promise<absl::Status> never;
      co_return co_await never.future();
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> Check(ClientContext context) override {
    if (fail_in_ == "check") co_return Error(ErrorCode::io_error, "asked to fail");
    if (answers_ >= answers_min_ || context.operations.narrowed()) co_return absl::OkStatus();
    co_return WithEvidence(
        Error(ErrorCode::check_failed, "at least " + std::to_string(answers_min_) +
                                           " answers should have come, and " +
                                           std::to_string(answers_) + " came"),
        {.nodes = {{.label = "ping of client 1", .workload = "ping", .client = 1, .ordinal = 0},
                   {.label = "no answer"}},
         .edges = {{.from = 0, .to = 1, .label = "waited for"}}});
  }

  std::map<std::string, int64_t> Metrics() const override {
    return {{"pings", pings_}, {"answers", answers_}, {"lucky", lucky_}};
  }

 private:
  static Task<absl::Status> Wait(Env* env) {
    co_await Sleep(env->clock(), Seconds(15));
    co_return absl::OkStatus();
  }

  Task<absl::Status> PingOnce(Env* env, NetworkAddress server) {
    absl::Status status = co_await Timeout(env->clock(), kPatience, Ping(env, server));
    if (status.ok()) ++answers_;
    co_return status;
  }

  Duration interval_{};
  int64_t answers_min_ = 1;
  std::string fail_in_;
  int64_t servers_ = 1;
  int64_t lucky_ = 0;
  int64_t pings_ = 0;
  int64_t answers_ = 0;
};

// At most one machine may be harmed; nothing is stored, so bytes do not matter.
class OneAtATime final : public SurvivalPolicy {
 public:
  bool Survives(const World&, const std::vector<const Machine*>& machines, Harm) override {
    return machines.size() <= 1;
  }
};

}  // namespace

void PingSystem::AddKnobs(KnobSet& knobs) const { knobs.Add<PingKnobs>(); }

absl::StatusOr<Deployment> PingSystem::Deploy(const Options& topology, Random& random) const {
  ASSIGN_OR_RETURN(const int64_t servers, topology.Integer("servers", 3, 1, 100));
  ASSIGN_OR_RETURN(const std::string name, topology.Text("plant", "none"));
  const std::optional<Plant> plant = PlantFromName(name);
  if (!plant.has_value()) return topology.Refuse("plant", "there is no such defect");
  Deployment deployment;
  ASSIGN_OR_RETURN(const int64_t lucky,
                   topology.Integer("lucky", random.Between(1, 1000), 0, 1000));
  if (!topology.Has("lucky")) deployment.drawn.emplace_back("lucky", lucky);
  for (int64_t i = 0; i < servers; ++i) {
    const std::string number = std::to_string(i);
    deployment.machines.push_back(
        {.machine = {.name = "m" + number, .zone = "z" + number, .data_center = {}, .region = {}},
         .processes = {{.name = "ping-" + number, .main = [i, plant = *plant](Env& env) {
                          return ServePings(&env, ServerAddress(i), plant);
                        }}}});
  }
  return deployment;
}

Task<absl::Status> PingSystem::Create(ClientContext context) const {
  CO_ASSIGN_OR_RETURN(const int64_t lucky, context.topology.Integer("lucky", 0, 0, 1000));
  if (lucky == 0) co_return Error(ErrorCode::io_error, "out of luck");
  PROBE(context.env, "ping.created");
  co_return absl::OkStatus();
}

std::unique_ptr<SurvivalPolicy> PingSystem::MakeSurvivalPolicy(World&) const {
  return std::make_unique<OneAtATime>();
}

std::unique_ptr<Workload> PingSystem::MakeWorkload(std::string_view name) const {
  return name == "ping" ? std::make_unique<PingWorkload>() : nullptr;
}

std::vector<std::string> PingSystem::WorkloadNames() const { return {"ping"}; }

Task<absl::Status> PingSystem::AwaitRecovered(ClientContext context) const {
  CO_ASSIGN_OR_RETURN(const int64_t servers, context.topology.Integer("servers", 3, 1, 100));
  for (int64_t i = 0; i < servers; ++i) {
    while (true) {
      const absl::Status status = co_await Timeout(context.env.clock(), kPatience,
                                                   Ping(&context.env, ServerAddress(i), "r"));
      if (status.ok()) break;
      co_await Sleep(context.env.clock(), kRetry);
    }
  }
  co_return absl::OkStatus();
}

}  // namespace orrery::sim
