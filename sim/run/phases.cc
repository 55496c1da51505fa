// The phases in order, each with its bound. The runner lives outside of every loop: it steps the
// timeline and looks at what became of its calls between events.
#include "sim/run/phases.h"

#include "core/async/future.h"
#include "core/observe/story_events.h"
#include "sim/run/real_time.h"
#include "sim/run/run_observer.h"

namespace orrery::sim {
namespace {

// Processes come up in any order.
constexpr Duration kBootDelayMax = Milliseconds(200);

// However many operations there are, they end within this many times the bound of liveness.
constexpr int kOperationsTimes = 10;

constexpr const char* kHealed = " of the end of all faults";

// Wakes the timeline at a moment, so that it stops there.
class Alarm : public TimerNode {
 public:
  Alarm(Loop& loop, Time due) : loop_(loop) {
    run = [](ReadyNode* node) { static_cast<Alarm*>(node)->rung_ = true; };
    loop_.ArmAt(*this, due);
  }
  ~Alarm() {
    if (armed()) loop_.Disarm(*this);
  }
  bool rung() const { return rung_; }

 private:
  Loop& loop_;
  bool rung_ = false;
};

// What a client's process runs by itself: nothing, for ever.
Task<absl::Status> Idle(Env&) {
  Promise<absl::Status> never;
  co_return co_await never.future();
}

std::string InSeconds(Duration d) {
  std::string text = std::to_string(ToMilliseconds(d) / 1000);
  if (const int64_t rest = ToMilliseconds(d) % 1000; rest != 0) {
    text += "." + std::to_string(1000 + rest).substr(1);
  }
  return text + " s";
}

}  // namespace

std::string ClientName(int client) { return "client-" + std::to_string(client); }

void AddClients(World& world, int clients) {
  for (int i = 0; i < clients; ++i) {
    Machine& machine = world.AddMachine({.name = ClientName(i),
                                         .zone = ClientName(i),
                                         .data_center = {},
                                         .region = {},
                                         .sheltered = true});
    world.AddProcess(machine, {.name = ClientName(i), .main = &Idle, .supervised = false});
  }
}

Phases::Phases(const RunRequest& request, const Scenario& scenario, const Options& topology,
               Operations& operations, World& world, Injector& injector,
               std::vector<std::unique_ptr<Workload>>& workloads, RunMonitor& monitor)
    : request_(request),
      scenario_(scenario),
      topology_(topology),
      operations_(operations),
      world_(world),
      injector_(injector),
      workloads_(workloads),
      monitor_(monitor) {}

void Phases::Run() {
  StartProcesses();
  if (Setup() && Faults() && Liveness() && Check()) Enter("end");
}

void Phases::Enter(const char* phase) {
  phase_ = phase;
  if (auto e = world_.trace().Info(story_events::kPhaseBegan)) e.Add("phase", phase);
}

void Phases::StartProcesses() {
  Random delays = world_.Stream("boot");
  for (const auto& process : world_.processes()) {
    if (process->machine().spec().sheltered) {
      process->Start();
    } else {
      process->StartAfter(delays.Between(Duration::zero(), kBootDelayMax));
    }
  }
}

Task<absl::Status> Phases::Finish(Call* call, Task<absl::Status> task) {
  const absl::Status status = co_await std::move(task);
  call->done = true;
  --call->phases.open_calls_;
  if (!status.ok()) {
    // A check says what should have held; another error needs its name.
    const std::string why = CodeOf(status) == ErrorCode::check_failed
                                ? std::string(status.message())
                                : Describe(status);
    World& world = call->phases.world_;
    if (std::optional<Evidence> evidence = EvidenceOf(status)) {
      call->phases.evidence_[world.failures().size()] = *std::move(evidence);
    }
    world.Fail(call->kind, call->what + ": " + why);
  }
  co_return absl::OkStatus();
}

ClientContext Phases::ContextOf(int client) {
  return {.env = world_.FindProcess(ClientName(client))->env(),
          .client = client,
          .clients = scenario_.clients,
          .topology = topology_,
          .operations = operations_};
}

void Phases::Begin(int client, const char* kind, std::string what, Task<absl::Status> task) {
  what += " on client " + std::to_string(client);
  Call& call = calls_.emplace_back(Call{.phases = *this, .kind = kind, .what = std::move(what)});
  ++open_calls_;
  world_.FindProcess(ClientName(client))->tasks().Spawn("workload", Finish(&call, std::move(task)));
}

void Phases::Step() {
  if (world_.timeline().events() >= request_.events_max) {
    stopped_ = true;
    return;
  }
  if (world_.timeline().NextDue() > request_.until) {
    world_.timeline().AdvanceTo(request_.until);
    stopped_ = true;
    return;
  }
  world_.Step();
  if (first_event_ == Duration::zero()) first_event_ = MonotonicNow();
  monitor_.Stepped(world_.timeline());
  if (operations_.ended() != operations_ended_) {
    operations_ended_ = operations_.ended();
    went_on_ = world_.Now();
  }
  stopped_ = request_.observer != nullptr && request_.observer->Stop() && !world_.failed();
}

bool Phases::StepUntil(Time bound, bool calls) {
  Alarm alarm(world_.loop(), bound);
  while (!ended()) {
    if (calls && open_calls_ == 0) return true;
    if (alarm.rung()) return false;
    Step();
  }
  return false;
}

bool Phases::Await(Time bound, const char* kind, const std::string& of) {
  if (StepUntil(bound, /*calls=*/true)) {
    calls_.clear();
    return true;
  }
  if (ended()) return false;
  return FailOpen(kind, of);
}

bool Phases::FailOpen(const char* kind, const std::string& of) {
  std::string open;
  for (const Call& call : calls_) {
    if (!call.done) open += (open.empty() ? "" : ", ") + call.what;
  }
  world_.Fail(kind, open + " did not end within " + of);
  return false;
}

bool Phases::InTurn(MakeTask make, const char* what, const char* kind, const char* late, Time bound,
                    Duration within) {
  for (size_t i = 0; i < workloads_.size(); ++i) {
    Begin(0, kind, scenario_.workloads[i].name + ": " + what,
          ((*workloads_[i]).*make)(ContextOf(0)));
    if (!Await(bound, late, InSeconds(within))) return false;
  }
  return true;
}

bool Phases::Setup() {
  Enter("setup");
  const Duration within = scenario_.setup_within;
  const Time bound = world_.Now() + within;
  Begin(0, "setup", "Create", request_.system.Create(ContextOf(0)));
  if (!Await(bound, "setup", InSeconds(within))) return false;
  return InTurn(&Workload::Setup, "Setup", "setup", "setup", bound, within);
}

bool Phases::Faults() {
  Enter("faults");
  faults_begun_ = world_.Now();
  injector_.Start();
  for (int client = 0; client < scenario_.clients; ++client) {
    for (size_t i = 0; i < workloads_.size(); ++i) {
      const ClientContext context = ContextOf(client);
      Begin(client, "check", scenario_.workloads[i].name + ": Start",
            workloads_[i]->Start(context, context.env.clock().Now() + scenario_.duration));
    }
  }
  StepUntil(world_.Now() + scenario_.duration, /*calls=*/false);
  if (ended()) return false;
  injector_.StopAndHeal();
  return true;
}

bool Phases::Liveness() {
  Enter("liveness");
  healed_ = went_on_ = world_.Now();
  if (!AwaitOperations()) return false;
  Begin(0, "liveness", "AwaitRecovered", request_.system.AwaitRecovered(ContextOf(0)));
  return Await(went_on_ + scenario_.recover_within, "liveness", SinceItWentOn());
}

// The system is alive as long as operations end. How long all of them take depends on more: clients
// far away that contend for few keys have to take turns, at a few round trips each.
bool Phases::AwaitOperations() {
  const Time last = healed_ + kOperationsTimes * scenario_.recover_within;
  while (!StepUntil(std::min(went_on_ + scenario_.recover_within, last), /*calls=*/true)) {
    if (ended()) return false;
    const Time now = world_.Now();
    if (now >= last || now >= went_on_ + scenario_.recover_within) {
      return FailOpen("liveness",
                      now < last ? SinceItWentOn() : InSeconds(last - healed_) + kHealed);
    }
  }
  calls_.clear();
  return true;
}

std::string Phases::SinceItWentOn() const {
  return InSeconds(scenario_.recover_within) +
         (went_on_ == healed_ ? kHealed : " of the last operation that ended");
}

bool Phases::Check() {
  Enter("check");
  const Duration within = scenario_.check_within;
  return InTurn(&Workload::Check, "Check", "check", "liveness", world_.Now() + within, within);
}

}  // namespace orrery::sim
