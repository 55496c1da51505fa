// PlanParts: a plan as a list of parts of one kind, numbered from 0, and the plan with some of them
// left out. Pure: plans in, plans out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/minimise/delta.h"

namespace orrery::sim {

struct PlanParts {
  size_t count = 0;
  // The plan without the parts that are not in `kept`.
  std::function<FaultPlan(const Subset& kept)> keep;
};

PlanParts FaultsOf(const FaultPlan& plan);
// The machines and processes that the lists of fault `index` name: of a power loss, a partition, a
// swizzle. None for other kinds.
PlanParts TargetsOf(const FaultPlan& plan, int index);
// The faults whose times are not whole milliseconds. What is left out is rounded.
PlanParts OddTimesOf(const FaultPlan& plan);

// Of the operations that the plan lists. A workload, or a client of one, that is left out is listed
// with none.
PlanParts WorkloadsOf(const FaultPlan& plan);
PlanParts ClientsOf(const FaultPlan& plan);
// All by themselves, roughly in the order in which they begin.
PlanParts OperationsOf(const FaultPlan& plan);

PlanParts WindowsOf(const FaultPlan& plan);
// The same with every window cut in two halves.
FaultPlan WithHalvedWindows(const FaultPlan& plan);
// Windows of one process that meet are one.
FaultPlan WithMergedWindows(const FaultPlan& plan);

PlanParts KnobsOf(const FaultPlan& plan);

// Lists, for each entry "workload/client" -> n, the operations before n that the plan has begin.
FaultPlan WithListedOperations(const FaultPlan& plan, const std::map<std::string, uint64_t>& asked);

// The plan with a shorter faults phase, without the faults that would begin after it.
FaultPlan WithDuration(const FaultPlan& plan, Duration duration);

// Takes out whatever names a machine or a process that is not in `names`, or a client from
// `clients` on: the rest of a fault that names others too stays.
FaultPlan WithoutMissing(const FaultPlan& plan, const std::set<std::string>& names, int clients);

// How large a plan is. Events are what a person has to understand one by one.
struct PlanSize {
  uint64_t faults = 0;
  uint64_t operations = 0;
  uint64_t windows = 0;  // In which the order is drawn.
  uint64_t knobs = 0;
  uint64_t machines = 0;  // With the clients'.
  Duration simulated{};   // Until it fails.

  uint64_t events() const { return faults + operations + windows; }
};

// Faults, operations (those listed), windows and knobs of the plan.
PlanSize SizeOf(const FaultPlan& plan);

}  // namespace orrery::sim
