// Recording, and the plans made of it.
#include "workloads/kill_points.h"

#include <map>
#include <optional>
#include <utility>

#include "core/base/hash.h"
#include "core/base/invariant.h"
#include "sim/run/real_time.h"
#include "sim/run/run_observer.h"
#include "sim/world/timeline.h"

namespace orrery::workloads {
namespace {

constexpr int kMachines = 5;
constexpr int64_t kDownMaxMs = 2000;

constexpr const char* kScenario = R"(
name = "kill_points"
duration = "6s"
recover_within = "60s"
clients = 2

[topology]
machines = 5
zones = 3
processes_per_machine = 2
coordinators = 3
redundancy = "triple"
logs = 3
commit_proxies = 2
grv_proxies = 1
resolvers = 2

[faults]
kinds = ["process"]

[[workload]]
name = "ring"
transactions_per_second = 60

[[workload]]
name = "ledger"
transactions_per_second = 40

[[workload]]
name = "exactly_once"
transactions_per_second = 40

[[workload]]
name = "consistency_check"
)";

// A fault that changes nothing, so that the record shows when the faults' phase began.
constexpr const char* kMarker =
    "faults { at_ns: 0 for_ns: 1 shift_wall_clock { machine: \"machine-1\" micros: 1 } }\n";

struct Event {
  Time time;
  uint64_t process;
};

class EventRecorder final : public sim::RunObserver {
 public:
  TraceLevel least_level() const override { return TraceLevel::kError; }
  void Record(uint64_t, Time time, sim::Happening happening, uint64_t entity, uint64_t, uint64_t,
              uint64_t) override {
    if (happening == sim::Happening::kFault && !began.has_value()) began = time;
    if (happening == sim::Happening::kEvent && began.has_value()) events.push_back({time, entity});
  }

  std::optional<Time> began;
  std::vector<Event> events;
};

class NoMonitor final : public sim::RunMonitor {
 public:
  void Stepped(const sim::Timeline&) override {}
  void Known(const sim::RunResult&) override {}
};

}  // namespace

KillPoints::KillPoints(uint64_t seed) : seed_(seed) {
  absl::StatusOr<sim::Scenario> scenario = sim::ParseScenario(kScenario, "kill_points.toml");
  INVARIANT(scenario.ok(), Describe(scenario.status()));
  scenario_ = *std::move(scenario);
  const absl::Status valid = sim::ValidateScenario(scenario_, system_);
  INVARIANT(valid.ok(), Describe(valid));
  EventRecorder recorder;
  NoMonitor monitor;
  sim::RunRequest request{.system = system_, .scenario = scenario_, .seed = seed_};
  request.plan = Plan("");
  request.observer = &recorder;
  const sim::RunResult run = sim::RunHere(request, monitor, sim::MonotonicNow());
  INVARIANT(run.passed() && recorder.began.has_value());
  std::map<uint64_t, std::string> names;
  for (int machine = 1; machine <= kMachines; ++machine) {
    for (int process = 1; process <= 2; ++process) {
      const std::string name = "server-" + std::to_string(machine) + "-" + std::to_string(process);
      names[HashWords(HashBytes(name), 1)] = name;  // Of its first life, as sim/world/process.cc.
    }
  }
  const Time end = *recorder.began + scenario_.duration;
  for (const Event& event : recorder.events) {
    const auto name = names.find(event.process);
    if (name == names.end() || event.time >= end) continue;
    points_.push_back({ToNanoseconds(event.time) - ToNanoseconds(*recorder.began), name->second});
  }
}

std::string KillPoints::Plan(const std::string& faults) const {
  return "version: 1\nseed: " + std::to_string(seed_) + "\nscenario: \"kill_points\"\n" + kMarker +
         faults;
}

sim::RunResult KillPoints::Run(const std::string& plan) const {
  sim::RunRequest request{.system = system_, .scenario = scenario_, .seed = seed_};
  request.plan = plan;
  return sim::RunIsolated(request);
}

sim::RunResult KillPoints::KillOne(size_t point, Random& random) const {
  const int64_t down_ns = random.Between(int64_t{1}, kDownMaxMs * 1'000'000);
  return Run(Plan("faults { at_ns: " + std::to_string(points_[point].at_ns) +
                  " for_ns: " + std::to_string(down_ns) + " kill_process { process: \"" +
                  points_[point].process + "\" } }\n"));
}

sim::RunResult KillPoints::KillAll(size_t point, Random& random) const {
  std::string faults;
  for (int machine = 1; machine <= kMachines; ++machine) {
    const int64_t down_ns = random.Between(int64_t{1}, kDownMaxMs * 1'000'000);
    faults += "faults { at_ns: " + std::to_string(points_[point].at_ns) +
              " for_ns: " + std::to_string(down_ns) + " power_loss { machines: \"machine-" +
              std::to_string(machine) + "\" } }\n";
  }
  return Run(Plan(faults));
}

}  // namespace orrery::workloads
