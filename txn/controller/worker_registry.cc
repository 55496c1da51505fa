// A map by process; a poll belongs to one life of it.
#include "txn/controller/worker_registry.h"

namespace orrery {

void WorkerRegistry::Begin(const WorkerInfo& worker) {
  Entry& entry = workers_[worker.process()];
  if (entry.worker.endpoint().incarnation() != worker.endpoint().incarnation()) entry.polls = 0;
  entry.worker = worker;
  ++entry.polls;
}

void WorkerRegistry::End(const WorkerInfo& worker, Time now) {
  const auto at = workers_.find(worker.process());
  if (at == workers_.end()) return;
  Entry& entry = at->second;
  if (entry.worker.endpoint().incarnation() != worker.endpoint().incarnation()) return;
  if (entry.polls > 0) --entry.polls;
  entry.last_end = now;
}

void WorkerRegistry::Forget(const std::string& process, uint64_t incarnation) {
  const auto at = workers_.find(process);
  if (at == workers_.end() || at->second.worker.endpoint().incarnation() != incarnation) return;
  workers_.erase(at);
}

std::vector<WorkerInfo> WorkerRegistry::Known(Time now) {
  std::vector<WorkerInfo> known;
  for (auto at = workers_.begin(); at != workers_.end();) {
    if (at->second.polls == 0 && After(at->second.last_end, life_) <= now) {
      at = workers_.erase(at);
    } else {
      known.push_back(at->second.worker);
      ++at;
    }
  }
  return known;
}

}  // namespace orrery
