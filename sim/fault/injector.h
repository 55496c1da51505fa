// Injector: carries out a fault plan on a world, and heals what it did.
//
// Everything happens on the world's own loop. A fault that lasts ends by itself; StopAndHeal ends
// whatever still lasts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/network/faults.h"

namespace orrery::sim {

class Fault;
class FaultPlan;
class Machine;
class Process;
class SurvivalPolicy;
class World;
enum class Harm;

class Injector {
 public:
  // REQUIRES: Validate(world, plan) is ok; everything outlives this.
  Injector(World& world, const FaultPlan& plan, SurvivalPolicy& policy);
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;
  ~Injector();

  // Whether every machine and process that the plan names is in the world: invalid_argument names
  // the first fault that does not fit.
  static absl::Status Validate(const World& world, const FaultPlan& plan);

  // Begins the faults phase now. A fault that the survival policy does not allow when its moment
  // comes is skipped and counted.
  void Start();

  // Ends the faults phase: no new faults, those that last end now, machines without power and
  // processes that are down are started. Nothing that runs is restarted; damage done stays.
  void StopAndHeal();

  // Faults that took place, by kind (its name in fault_plan.proto), and those skipped.
  const std::map<std::string, uint64_t>& applied() const { return applied_; }
  const std::map<std::string, uint64_t>& skipped() const { return skipped_; }

 private:
  class Moment;  // A thing to do at a time.

  void Begin(const Fault& fault, int index);
  void TraceBegan(const Fault& fault, int index);
  bool Allowed(const Fault& fault);
  bool Survives(const std::vector<Machine*>& machines, Harm harm);
  bool BeginProcessFault(const Fault& fault);
  bool BeginNetworkFault(const Fault& fault);
  bool BeginDiskFault(const Fault& fault);
  bool BeginClockFault(const Fault& fault);
  void BeginNetwork(NetworkFault fault, Duration lasts);
  void BeginSwizzle(const Fault& fault);

  // Does `what` after `delay`, on the world's loop.
  void After(Duration delay, std::function<void()> what);

  Machine& MachineOf(const std::string& name) const;
  Process& ProcessOf(const std::string& name) const;
  std::vector<HostId> Hosts(const std::string& name) const;  // "": every host.

  World& world_;
  const FaultPlan& plan_;
  SurvivalPolicy& policy_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<Moment>> moments_;
  std::map<std::string, uint64_t> applied_;
  std::map<std::string, uint64_t> skipped_;
};

}  // namespace orrery::sim
