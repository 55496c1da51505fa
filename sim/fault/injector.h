// Injector: carries out a fault plan on a world, and heals what it did.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/async/task_group.h"
#include "core/base/status.h"

namespace orrery::sim {

class FaultPlan;
class SurvivalPolicy;
class World;

class Injector {
 public:
  // REQUIRES: everything outlives this. invalid_argument when the plan names a machine or process
  // that the world does not have: check with Validate first.
  Injector(World& world, const FaultPlan& plan, SurvivalPolicy& policy);
  ~Injector();

  // Whether the plan fits the world.
  static absl::Status Validate(const World& world, const FaultPlan& plan);

  // Begins the faults phase now, as tasks of the world's own loop. A fault that the survival policy
  // does not allow when its moment comes is skipped and counted.
  void Start();

  // Ends the faults phase: no new faults, those that last end now, machines without power and
  // processes that are down are started. Nothing that runs is restarted; damage done stays.
  void StopAndHeal();

  // Faults that took place, by kind (the name in fault_plan.proto), and those skipped.
  const std::map<std::string, uint64_t>& applied() const;
  const std::map<std::string, uint64_t>& skipped() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::sim
