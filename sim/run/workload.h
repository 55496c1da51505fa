// Workload: what is run against a system, and what must hold after it. One file per workload.
//
// A workload object belongs to one run and is shared by its clients, which are processes on
// machines of their own that faults leave alone. It sees the system only through their Envs.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/async/task.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "sim/run/operations.h"
#include "sim/run/options.h"

namespace orrery::sim {

// A client's view of the run. The references outlive every call that gets them.
struct ClientContext {
  Env& env;
  int client = 0;  // 0 <= client < clients
  int clients = 1;
  // The scenario's table, with what the seed settled in it (Deployment::drawn): to find the system.
  const Options& topology;
  // Which of its operations a client begins, as the plan says: see OperationStream.
  Operations& operations;
};

class Workload {
 public:
  virtual ~Workload() = default;

  // Takes the options of the scenario's table. invalid_argument for a value that does not make
  // sense; keys that it does not ask for are refused by the runner.
  virtual absl::Status Configure(const Options& options) = 0;

  // Before faults, on client 0.
  virtual Task<absl::Status> Setup(ClientContext context) = 0;

  // During faults, on every client, side by side, until `deadline` of the client's clock. What it
  // does it numbers by an OperationStream, so that a plan can leave it out. It ends
  // soon after the deadline by itself; what it cannot get done by then it may give up, but not
  // forget: what was acknowledged stays acknowledged.
  virtual Task<absl::Status> Start(ClientContext context, Time deadline) = 0;

  // After all faults have stopped and the system has recovered, on client 0: an error is the run's
  // verdict, its message says what should have held and what was seen.
  virtual Task<absl::Status> Check(ClientContext context) = 0;

  // Counts for the report: "commits" -> 5123.
  virtual std::map<std::string, int64_t> Metrics() const = 0;
};

}  // namespace orrery::sim
