// Which workers are known now. Pure: the caller tells the time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "txn/controller/controller.pb.h"

namespace orrery {

class WorkerRegistry {
 public:
  explicit WorkerRegistry(Duration life) : life_(life) {}

  // A poll of this worker began. A newer life of a process replaces the older one.
  void Begin(const WorkerInfo& worker);

  // The poll ended, answered or broken off: from now on its life counts.
  void End(const WorkerInfo& worker, Time now);

  // This life of the process failed; it is not known any more. Another life is left alone.
  void Forget(const std::string& process, uint64_t incarnation);

  // Those with a poll under way, or whose last one ended less than `life` ago, sorted by process.
  // Forgets the others.
  std::vector<WorkerInfo> Known(Time now);

 private:
  struct Entry {
    WorkerInfo worker;
    uint32_t polls = 0;
    Time last_end{};
  };

  const Duration life_;
  std::map<std::string, Entry> workers_;  // By process.
};

}  // namespace orrery
