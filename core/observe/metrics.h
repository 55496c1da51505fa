// Metrics: numbers that a process keeps about itself, read by operators and by tests.
//
//   Counter& frames = env.metrics().AddCounter("rpc_frames_sent", "frames", "frames written");
//   Histogram& wait = env.metrics().AddHistogram("rpc_wait_ns", "ns", "time from call to reply",
//                                                {{"method", "Resolve"}});
//   frames.Add(); wait.Record(clock.Now() - begin);
//
// A component adds its metrics once, when it is built, and keeps the references: they live as long
// as the Metrics, and counting through them is an inlined addition. Adding the same name and labels
// again gives the same metric, so two instances of one component count together.
//
// Names are snake_case with the unit last where it is not plain from the name. Label values come
// from a small set that the program knows (methods, lanes), never from user input: every distinct
// one is kept for ever.
//
// Threads: one loop's.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"

namespace orrery {

// How often something happened. Never goes down; wraps at 2^64.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_ += n; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

// How much there is of something now.
class Gauge {
 public:
  void Set(int64_t value) { value_ = value; }
  void Add(int64_t change) { value_ += change; }
  int64_t value() const { return value_; }

 private:
  int64_t value_ = 0;
};

// A distribution of values from 0 to 2^64 - 1, in log-linear buckets as in HdrHistogram: each power
// of two is split into 128, so that a quantile is never below the true one and less than 1/128
// (0.8 %) above it; values below 256 are exact. Memory is 1 KiB for each power of two that was
// recorded, at most 57 KiB and a little.
class Histogram {
 public:
  void Record(uint64_t value) {
    const uint32_t group = GroupOf(value);
    if (groups_[group] == nullptr) [[unlikely]] {
      groups_[group] = std::make_unique<Group>();
    }
    ++(*groups_[group])[SlotOf(value, group)];
    ++count_;
    if (__builtin_add_overflow(sum_, value, &sum_)) sum_ = UINT64_MAX;
    if (value > max_) max_ = value;
  }
  // In nanoseconds; a negative duration counts as zero.
  void Record(Duration d) {
    Record(d.count() < 0 ? uint64_t{0} : static_cast<uint64_t>(d.count()));
  }

  // As if everything recorded in `other` had been recorded here.
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }  // UINT64_MAX when it does not fit.
  uint64_t max() const { return max_; }  // Exact. 0 when nothing was recorded.

  // The least bucket's upper end such that at least `share` of the values are not above it, and
  // max() at most; 0 when nothing was recorded. REQUIRES: share is at most 1.
  uint64_t Quantile(Ratio share) const;
  uint64_t p50() const { return Quantile({1, 2}); }
  uint64_t p90() const { return Quantile({9, 10}); }
  uint64_t p99() const { return Quantile({99, 100}); }
  uint64_t p999() const { return Quantile({999, 1000}); }

 private:
  static constexpr uint32_t kSlotBits = 7;
  static constexpr uint32_t kSlots = 1u << kSlotBits;
  // Group 0 holds values below 128; group g the values of kSlotBits + g bits, in steps of 2^(g-1).
  static constexpr uint32_t kGroups = 64 - kSlotBits + 1;
  using Group = std::array<uint64_t, kSlots>;

  static uint32_t GroupOf(uint64_t value) {
    return static_cast<uint32_t>(std::bit_width(value | (kSlots - 1))) - kSlotBits;
  }
  static uint32_t SlotOf(uint64_t value, uint32_t group) {
    return static_cast<uint32_t>(value >> (group == 0 ? 0 : group - 1)) & (kSlots - 1);
  }
  static uint64_t UpperEnd(uint32_t group, uint32_t slot);

  std::array<std::unique_ptr<Group>, kGroups> groups_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

struct MetricLabel {
  std::string name;  // snake_case.
  std::string value;
  friend auto operator<=>(const MetricLabel&, const MetricLabel&) = default;
};
using MetricLabels = std::vector<MetricLabel>;

struct Metric {
  std::string name;
  MetricLabels labels;
  std::string unit;  // "frames", "bytes", "ns"; empty for a plain number.
  std::string help;
  std::variant<Counter, Gauge, Histogram> value;
};

class Metrics {
 public:
  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // REQUIRES for all: names are snake_case, and all metrics of one name have the same kind and
  // unit.
  Counter& AddCounter(std::string_view name, std::string_view unit, std::string_view help,
                      MetricLabels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view unit, std::string_view help,
                  MetricLabels labels = {});
  Histogram& AddHistogram(std::string_view name, std::string_view unit, std::string_view help,
                          MetricLabels labels = {});

  // Every metric, sorted by name and then by labels. Valid as long as this.
  std::vector<const Metric*> List() const;

  // The metric of this name and these labels, or nullptr: for tests and reports.
  const Metric* Find(std::string_view name, MetricLabels labels = {}) const;

 private:
  using Key = std::pair<std::string, MetricLabels>;

  template <class Kind>
  Kind& Add(std::string_view name, std::string_view unit, std::string_view help,
            MetricLabels labels);

  std::map<Key, Metric> metrics_;
};

}  // namespace orrery
