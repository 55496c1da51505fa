// A map by process; a poll belongs to one life of it.
#include "txn/controller/worker_registry.h"

namespace orrery {

uint64_t WorkerRegistry::Begin(const WorkerInfo& worker) {
  Entry& entry = workers_[worker.process()];
  if (entry.worker.endpoint().incarnation() != worker.endpoint().incarnation()) entry.polls.clear();
  entry.worker = worker;
  entry.polls.insert(++last_poll_);
  return last_poll_;
}

void WorkerRegistry::End(const std::string& process, uint64_t poll, Time now) {
  const auto at = workers_.find(process);
  if (at != workers_.end() && at->second.polls.erase(poll) > 0) at->second.last_end = now;
}

bool WorkerRegistry::Counts(const std::string& process, uint64_t poll) const {
  const auto at = workers_.find(process);
  return at != workers_.end() && at->second.polls.contains(poll);
}

void WorkerRegistry::Failed(const std::string& process, uint64_t incarnation, Time now) {
  const auto at = workers_.find(process);
  if (at == workers_.end() || at->second.worker.endpoint().incarnation() != incarnation) return;
  workers_.erase(at);
  resting_[process] = {incarnation, After(now, rest_)};
}

std::vector<WorkerInfo> WorkerRegistry::Known(Time now) {
  std::vector<WorkerInfo> known;
  for (auto at = workers_.begin(); at != workers_.end();) {
    if (at->second.polls.empty() && After(at->second.last_end, life_) <= now) {
      at = workers_.erase(at);
    } else {
      known.push_back(at->second.worker);
      ++at;
    }
  }
  return known;
}

std::vector<WorkerInfo> WorkerRegistry::Trusted(Time now) {
  std::erase_if(resting_, [now](const auto& each) { return each.second.until <= now; });
  std::vector<WorkerInfo> trusted = Known(now);
  std::erase_if(trusted, [this](const WorkerInfo& worker) {
    const auto at = resting_.find(worker.process());
    return at != resting_.end() && at->second.incarnation == worker.endpoint().incarnation();
  });
  return trusted;
}

}  // namespace orrery
