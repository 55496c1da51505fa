// RegisterWorkload: is every key of the log a linearizable register?
//
// Each client owns some keys and writes ever larger numbers to them, one write of a key after the
// other; all clients read all keys. The ledger below is kept outside of the system, in the order in
// which things really happened. For each key, at every read:
//
// - not older: at least the greatest number acknowledged, or seen by a read that ended, before the
//   read began;
// - not from nowhere: at most the greatest number issued before the read ended.
//
// With one writer whose writes of a key do not overlap, a history is linearizable if and only if
// this holds for all reads (a write whose time was over may still count until a later one is
// acknowledged). After the faults the same must hold for a last read of every key, the number of
// keys must fit, and all replicas must have applied the same commands.
//
// Options in the scenario:
//
//   operations_per_second = 100   of all clients together
//   reads_percent = 50
//   keys_per_client = 20
//   burst = 1                     operations that a client begins at the same moment
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/async/task_group.h"
#include "sim/examples/replicated_log/log_client.h"
#include "sim/run/workload.h"

namespace orrery::sim::replicated_log {

class RegisterWorkload final : public Workload {
 public:
  absl::Status Configure(const Options& options) override;
  Task<absl::Status> Setup(ClientContext context) override;
  Task<absl::Status> Start(ClientContext context, Time deadline) override;
  Task<absl::Status> Check(ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override;

 private:
  struct Register {
    std::string key;
    uint64_t issued = 0;
    uint64_t acknowledged = 0;
    uint64_t seen = 0;  // The greatest that a read gave.
    bool writing = false;
    bool ever_acknowledged() const { return acknowledged > 0 || seen > 0; }
  };

  Task<absl::Status> Write(LogClient& client, Register& target, Duration timeout);
  Task<absl::Status> Read(LogClient& client, Register& target, Duration timeout);
  Task<absl::Status> CompareReplicas(LogClient& client);

  int64_t operations_per_second_ = 100;
  int64_t reads_percent_ = 50;
  int64_t keys_per_client_ = 20;
  int64_t burst_ = 1;

  std::vector<Register> registers_;  // Of client 0, then of client 1, ...
  std::map<std::string, int64_t> metrics_;
};

}  // namespace orrery::sim::replicated_log
