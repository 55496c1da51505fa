// All workloads by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/run/workload.h"

namespace orrery::workloads {

std::unique_ptr<sim::Workload> MakeWorkload(std::string_view name);  // nullptr: none of that name.
std::vector<std::string> WorkloadNames();

}  // namespace orrery::workloads
