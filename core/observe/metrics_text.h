// Metrics as text for Prometheus to scrape: exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/), served as
// "text/plain; version=0.0.4".
//
// A counter or gauge is one sample. A histogram is a summary with the quantiles 0.5, 0.9, 0.99 and
// 0.999, _sum and _count, and a gauge NAME_max beside it. All are over the life of the process.
#pragma once

#include <string>

#include "core/observe/metrics.h"

namespace orrery {

// All metrics, sorted by name, with `common` labels (process, machine) before those of each metric.
// REQUIRES: no metric has a label of a name in `common`, or one named "quantile".
std::string MetricsText(const Metrics& metrics, const MetricLabels& common = {});

}  // namespace orrery
