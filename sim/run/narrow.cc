// What a plan may say about a scenario, and putting it there.
#include "sim/run/narrow.h"

#include <charconv>
#include <utility>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/operations.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr uint32_t kClientsMax = 1000;
constexpr int64_t kDurationMaxNs = int64_t{366} * 86'400 * 1'000'000'000;

absl::Status Refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

// Of the type of `before`, where there is one.
absl::StatusOr<Options::Value> ToValue(const TopologyValue& given, const Options::Value* before) {
  const std::string& text = given.value();
  if (before != nullptr && std::holds_alternative<std::vector<std::string>>(*before)) {
    return Refused("topology " + given.name() + ": a list cannot be given by a plan");
  }
  if (before != nullptr && std::holds_alternative<std::string>(*before)) return text;
  if (text == "true" || text == "false") return text == "true";
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && rest == end) return number;
  return text;
}

}  // namespace

absl::StatusOr<Scenario> Narrow(const Scenario& scenario, const FaultPlan& plan,
                                const std::string& plan_name) {
  Scenario narrowed = scenario;
  for (const TopologyValue& given : plan.topology()) {
    if (given.name().empty()) return Refused("a topology value has no name");
    absl::StatusOr<Options::Value> value = ToValue(given, scenario.topology.ValueOf(given.name()));
    if (!value.ok()) return value.status();
    narrowed.topology.Put(given.name(), *std::move(value), plan_name);
  }
  if (plan.clients() > kClientsMax) {
    return Refused("clients: " + std::to_string(plan.clients()) + " is more than " +
                   std::to_string(kClientsMax));
  }
  if (plan.clients() != 0) narrowed.clients = static_cast<int>(plan.clients());
  if (plan.duration_ns() < 0 || plan.duration_ns() > kDurationMaxNs) {
    return Refused("duration_ns: must be longer than nothing and at most a year");
  }
  if (plan.duration_ns() != 0) narrowed.duration = Nanoseconds(plan.duration_ns());
  return narrowed;
}

absl::StatusOr<Deployment> DeployNarrowed(const System& system, const Scenario& scenario,
                                          uint64_t seed) {
  Random deploy(HashWords(seed, HashName("deploy")));
  return system.Deploy(scenario.topology, deploy);
}

std::optional<Schedule> ScheduleOf(const FaultPlan& plan) {
  if (!plan.has_schedule()) return std::nullopt;
  std::vector<ScheduleWindow> windows;
  for (const PlannedWindow& window : plan.schedule().drawn()) {
    windows.push_back({window.process(), TimeFromNanoseconds(window.from_ns()),
                       TimeFromNanoseconds(window.to_ns())});
  }
  return Schedule(std::move(windows));
}

absl::Status ValidateNarrowing(const FaultPlan& plan, const World& world, int clients) {
  RETURN_IF_ERROR(Operations::Of(plan, plan.seed()).status());
  for (const PlannedOperations& entry : plan.operations()) {
    if (entry.client() >= static_cast<uint32_t>(clients)) {
      return Refused("operations of " + entry.workload() + "/" + std::to_string(entry.client()) +
                     ": there are " + std::to_string(clients) + " clients, numbered from 0");
    }
  }
  for (const PlannedWindow& window : plan.schedule().drawn()) {
    if (!window.process().empty() && world.FindProcess(window.process()) == nullptr) {
      return Refused("schedule: there is no process \"" + window.process() + "\"");
    }
    if (window.from_ns() < 0 || window.to_ns() <= window.from_ns()) {
      return Refused("schedule: a window of \"" + window.process() + "\" ends before it begins");
    }
  }
  return absl::OkStatus();
}

}  // namespace orrery::sim
