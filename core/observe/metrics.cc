// Registration of metrics, and the quantiles of histograms.
#include "core/observe/metrics.h"

#include <algorithm>

#include "core/base/invariant.h"

namespace orrery {
namespace {

bool IsSnakeCase(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

uint64_t Histogram::UpperEnd(uint32_t group, uint32_t slot) {
  if (group == 0) return slot;
  const uint32_t shift = group - 1;
  const uint64_t first = (uint64_t{kSlots} + slot) << shift;
  return first + ((uint64_t{1} << shift) - 1);
}

void Histogram::Merge(const Histogram& other) {
  for (uint32_t group = 0; group < kGroups; ++group) {
    if (other.groups_[group] == nullptr) continue;
    if (groups_[group] == nullptr) groups_[group] = std::make_unique<Group>();
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      (*groups_[group])[slot] += (*other.groups_[group])[slot];
    }
  }
  count_ += other.count_;
  if (__builtin_add_overflow(sum_, other.sum_, &sum_)) sum_ = UINT64_MAX;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::Quantile(Ratio share) const {
  INVARIANT(share.denominator > 0 && share.numerator <= share.denominator, share.numerator,
            share.denominator);
  // The rank of the value wanted: count * share, rounded up, and the first at least.
  const auto scaled = static_cast<unsigned __int128>(count_) * share.numerator;
  const auto rank = std::max<uint64_t>(
      1, static_cast<uint64_t>((scaled + share.denominator - 1) / share.denominator));
  uint64_t seen = 0;
  for (uint32_t group = 0; group < kGroups; ++group) {
    if (groups_[group] == nullptr) continue;
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      seen += (*groups_[group])[slot];
      if (seen >= rank) return std::min(UpperEnd(group, slot), max_);
    }
  }
  return 0;
}

template <class Kind>
Kind& Metrics::Add(std::string_view name, std::string_view unit, std::string_view help,
                   MetricLabels labels) {
  INVARIANT(IsSnakeCase(name), name);
  std::sort(labels.begin(), labels.end());
  for (const MetricLabel& label : labels) INVARIANT(IsSnakeCase(label.name), name, label.name);
  if (const auto alike = metrics_.lower_bound(Key(name, MetricLabels()));
      alike != metrics_.end() && alike->first.first == name) {
    const Metric& other = alike->second;
    INVARIANT(std::holds_alternative<Kind>(other.value) && other.unit == unit, name, unit,
              other.unit);
  }
  const auto [at, added] = metrics_.try_emplace(Key(name, labels));
  Metric& metric = at->second;
  if (added) {
    metric.name = name;
    metric.labels = std::move(labels);
    metric.unit = unit;
    metric.help = help;
    metric.value.emplace<Kind>();
  }
  return std::get<Kind>(metric.value);
}

Counter& Metrics::AddCounter(std::string_view name, std::string_view unit, std::string_view help,
                             MetricLabels labels) {
  return Add<Counter>(name, unit, help, std::move(labels));
}

Gauge& Metrics::AddGauge(std::string_view name, std::string_view unit, std::string_view help,
                         MetricLabels labels) {
  return Add<Gauge>(name, unit, help, std::move(labels));
}

Histogram& Metrics::AddHistogram(std::string_view name, std::string_view unit,
                                 std::string_view help, MetricLabels labels) {
  return Add<Histogram>(name, unit, help, std::move(labels));
}

std::vector<const Metric*> Metrics::List() const {
  std::vector<const Metric*> list;
  list.reserve(metrics_.size());
  for (const auto& [key, metric] : metrics_) list.push_back(&metric);
  return list;
}

const Metric* Metrics::Find(std::string_view name, MetricLabels labels) const {
  std::sort(labels.begin(), labels.end());
  const auto at = metrics_.find(Key(name, std::move(labels)));
  return at == metrics_.end() ? nullptr : &at->second;
}

}  // namespace orrery
