// What a GRV proxy remembers, apart from its calls. Pure: no Env, no coroutine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"

namespace orrery {

// Requests that wait for the next proof, by priority: 0 batch, 1 default, 2 system.
template <class Request>
class ReadVersionQueues {
 public:
  static constexpr uint32_t kPriorities = 3;

  explicit ReadVersionQueues(size_t waiting_max) : waiting_max_(waiting_max) {}

  // False when `waiting_max` wait at this priority already. Values above 2 are system.
  bool Add(uint32_t priority, Request request) {
    std::deque<Request>& queue = queues_[priority < kPriorities ? priority : kPriorities - 1];
    if (queue.size() >= waiting_max_) return false;
    queue.push_back(std::move(request));
    return true;
  }

  // The next `count` requests: all of a higher priority before the first of a lower one.
  std::vector<Request> Take(size_t count) {
    std::vector<Request> taken;
    for (size_t i = kPriorities; i-- > 0;) {
      for (; !queues_[i].empty() && taken.size() < count; queues_[i].pop_front()) {
        taken.push_back(std::move(queues_[i].front()));
      }
    }
    return taken;
  }

  bool empty() const {
    for (const auto& queue : queues_) {
      if (!queue.empty()) return false;
    }
    return true;
  }

 private:
  const size_t waiting_max_;
  std::array<std::deque<Request>, kPriorities> queues_;
};

// Proof after proof that no later generation had begun: logs in at least k zones, each asked after
// the proof began, answered that they run. An answer to a question that was asked earlier proves
// nothing, however late it comes.
class LivenessProof {
 public:
  // The zone of each log.
  LivenessProof(const std::vector<std::string>& zones, size_t zones_needed)
      : confirmed_(zones.size()), zones_needed_(zones_needed) {
    absl::btree_map<std::string, size_t> numbers;
    for (const std::string& zone : zones) {
      zone_of_log_.push_back(numbers.try_emplace(zone, numbers.size()).first->second);
    }
    zone_confirmed_.resize(numbers.size());
  }

  // A new proof; what the one before it was told does not count.
  void Begin() {
    ++number_;
    zones_ = 0;
  }

  // Of the proof that began last; 0 before the first. Who asks a log remembers it.
  uint64_t number() const { return number_; }

  // Log `log`, asked during proof `asked`, answered that it runs.
  void Confirm(size_t log, uint64_t asked) {
    if (asked != number_) return;
    confirmed_[log] = asked;
    uint64_t& zone = zone_confirmed_[zone_of_log_[log]];
    if (zone != asked) ++zones_;
    zone = asked;
  }

  bool complete() const { return number_ > 0 && zones_ >= zones_needed_; }

  // Whether the answer of this log could still matter.
  bool Wants(size_t log) const { return number_ > 0 && !complete() && confirmed_[log] != number_; }

 private:
  std::vector<size_t> zone_of_log_;
  std::vector<uint64_t> confirmed_;       // Of each log: the last proof it confirmed.
  std::vector<uint64_t> zone_confirmed_;  // Of each zone, by any log of it.
  const size_t zones_needed_;
  uint64_t number_ = 0;
  size_t zones_ = 0;
};

}  // namespace orrery
