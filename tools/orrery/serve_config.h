// The file of `orrery serve --config`: the processes that one machine runs.
//
//   cluster = "orrery.cluster"     # Relative paths are relative to this file.
//   machine = "rack1-host7"        # Default: the name of each process.
//   zone = "rack1"                 # What fails together. Default: the machine.
//
//   [knobs]
//   storage_window_bytes_max = 1000000
//
//   [[process]]                    # Each is a loop on a thread of its own.
//   name = "p1"                    # Unique in the cluster, the same after a restart.
//   listen = "10.0.0.7:4500"
//   data = "data/p1"
//   class = "storage"              # any, storage, log, stateless or coordinator. Default: any.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"

namespace orrery::tools {

struct ServeProcess {
  std::string name;
  std::string listen;
  std::string announce;  // Empty: as `listen`.
  std::string data;
  std::string process_class = "any";
  std::string machine;  // Empty: as `name`.
  std::string zone;     // Empty: as the machine.
};

struct ServeConfig {
  std::string cluster;
  std::vector<std::string> knobs;  // "NAME=VALUE"
  std::vector<ServeProcess> processes;
};

// invalid_argument, one line: "FILE:LINE:COLUMN: what; what is expected".
absl::StatusOr<ServeConfig> LoadServeConfig(const std::string& path);

// invalid_argument for a class that does not exist.
absl::Status CheckProcessClass(const std::string& process_class);

}  // namespace orrery::tools
