// Scenario: what is run, as a TOML file says it. A file:
//
//   name = "log under network faults"   # Of the file without its folder and ".toml".
//   description = "what it is for"      # Empty.
//   duration = "60s"                    # Of the faults phase, in simulated time. 60s.
//   setup_within = "60s"                # Bound of all workloads' Setup together.
//   recover_within = "120s"             # The liveness bound: from the end of all faults, or from
//                                       # the last operation that ended, until the next one has
//                                       # or, when all have, the system has recovered.
//   check_within = "120s"               # Bound of all workloads' Check together.
//   clients = 2                         # Processes that run the workloads, on machines of their
//                                       # own that faults leave alone. 1.
//   buggify = true                      # Whether seeds may switch buggification on. true.
//
//   [topology]                          # The system's own options: see its Deploy.
//   machines = 5
//
//   [faults]                            # Without this table nothing breaks.
//   kinds = ["network", "power_loss"]   # Groups or kinds of fault_plan.proto.
//   mean_interval = "2s"                # Between faults, before the seed's own scaling. 5s.
//
//   [knobs]
//   randomise = true                    # Whether the seed draws those not fixed here. true.
//   rpc_silence_max = "3s"              # Fixed for every seed.
//
//   [[workload]]                        # At least one; the same name may come again.
//   name = "register"                   # One of the system's; the other keys are its options.
//   operations_per_second = 100
//
// (After the # what holds without the line.) Unknown keys, wrong types and values that make no
// sense are refused with file, line and column.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/run/options.h"

namespace orrery {
class KnobSet;
}

namespace orrery::sim {

class System;

struct Scenario {
  struct WorkloadTable {
    std::string name;
    Options options;
    std::string place;  // "scenario.toml:30:8", of the name.
  };
  struct FaultTable {
    std::vector<std::string> kinds;
    Duration mean_interval = Seconds(5);
    std::string place;
  };
  struct FixedKnob {
    std::string name;
    std::string value;
    std::string place;
  };

  std::string file;  // As it was given.
  std::string name;
  std::string description;
  Duration duration = Seconds(60);
  Duration setup_within = Seconds(60);
  Duration recover_within = Seconds(120);
  Duration check_within = Seconds(120);
  int clients = 1;
  bool buggify = true;
  Options topology{"topology"};
  FaultTable faults;
  bool randomise_knobs = true;
  std::vector<FixedKnob> knobs;
  std::vector<WorkloadTable> workloads;
};

// Reads the file and refuses whatever `system` cannot run. invalid_argument (or file_not_found,
// platform_error) with one line: "FILE:LINE:COLUMN: what; what to do".
absl::StatusOr<Scenario> LoadScenario(const std::string& file, const System& system);

// The two halves of it. `file` only names the text.
absl::StatusOr<Scenario> ParseScenario(std::string_view text, const std::string& file);
absl::Status ValidateScenario(const Scenario& scenario, const System& system);

// All groups of knobs that a run of `system` has, core's own and the runner's among them.
void AddAllKnobs(const System& system, KnobSet& knobs);

// The whole content of a file, at most 64 MiB. Errors name the file.
absl::StatusOr<std::string> ReadTextFile(const std::string& file);

}  // namespace orrery::sim
