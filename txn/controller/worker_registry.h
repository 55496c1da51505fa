// Which workers are known now. Pure: the caller tells the time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "txn/controller/controller.pb.h"

namespace orrery {

class WorkerRegistry {
 public:
  // `life`: how long a worker is known after its last poll. `rest`: how long one that failed is not
  // trusted, although it asks.
  WorkerRegistry(Duration life, Duration rest) : life_(life), rest_(rest) {}

  // A poll of this worker began: its number. A newer life of a process replaces the older one.
  uint64_t Begin(const WorkerInfo& worker);

  // That poll ended, answered or broken off: from now on the worker's life counts.
  void End(const std::string& process, uint64_t poll, Time now);

  // This life of the process failed; it is not known any more until it asks again, and rests.
  // Another life is left alone.
  void Failed(const std::string& process, uint64_t incarnation, Time now);

  // False once the worker was forgotten or replaced: the poll is of no use any more.
  bool Counts(const std::string& process, uint64_t poll) const;

  // Those with a poll under way, or whose last one ended less than `life` ago, sorted by process.
  // Forgets the others.
  std::vector<WorkerInfo> Known(Time now);

  // Those of them that do not rest. A worker may be heard and yet not be reached, so that it would
  // fail each recovery anew.
  std::vector<WorkerInfo> Trusted(Time now);

 private:
  struct Entry {
    WorkerInfo worker;
    std::set<uint64_t> polls;  // Under way.
    Time last_end{};
  };

  // A life of a process that failed.
  struct Rest {
    uint64_t incarnation = 0;
    Time until{};
  };

  const Duration life_;
  const Duration rest_;
  uint64_t last_poll_ = 0;
  std::map<std::string, Entry> workers_;  // By process.
  std::map<std::string, Rest> resting_;   // By process.
};

}  // namespace orrery
