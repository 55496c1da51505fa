// Formatting of metrics for Prometheus.
#include "core/observe/metrics_text.h"

#include <string_view>

namespace orrery {
namespace {

constexpr std::pair<std::string_view, Ratio> kQuantiles[] = {
    {"0.5", {1, 2}}, {"0.9", {9, 10}}, {"0.99", {99, 100}}, {"0.999", {999, 1000}}};

// `text` with backslash and line feed escaped, and the double quote too where it is a label value.
std::string Escape(std::string_view text, bool is_label) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && is_label)) out += '\\';
    out += c;
  }
  return out;
}

// {a="1",b="2"}, or nothing when there are none.
std::string LabelText(const MetricLabels& common, const MetricLabels& own,
                      std::string_view quantile = {}) {
  std::string out;
  const auto append = [&](std::string_view name, std::string_view value) {
    out += out.empty() ? '{' : ',';
    out += name;
    out += "=\"" + Escape(value, true) + "\"";
  };
  for (const MetricLabel& label : common) append(label.name, label.value);
  for (const MetricLabel& label : own) append(label.name, label.value);
  if (!quantile.empty()) append("quantile", quantile);
  if (!out.empty()) out += '}';
  return out;
}

void AppendHead(std::string& out, const std::string& name, const Metric& metric,
                std::string_view type) {
  out += "# HELP " + name + " " + Escape(metric.help, false);
  if (!metric.unit.empty()) out += " (" + Escape(metric.unit, false) + ")";
  out += "\n# TYPE " + name + " ";
  out += type;
  out += '\n';
}

void AppendSample(std::string& out, const std::string& name, const std::string& labels,
                  const std::string& value) {
  out += name + labels + " " + value + "\n";
}

// All metrics of one name, which have one kind: [begin, end).
using Family = std::vector<const Metric*>::const_iterator;

void AppendHistograms(std::string& out, Family begin, Family end, const MetricLabels& common) {
  const std::string& name = (*begin)->name;
  AppendHead(out, name, **begin, "summary");
  for (Family at = begin; at != end; ++at) {
    const auto& histogram = std::get<Histogram>((*at)->value);
    for (const auto& [text, share] : kQuantiles) {
      AppendSample(out, name, LabelText(common, (*at)->labels, text),
                   std::to_string(histogram.Quantile(share)));
    }
    const std::string labels = LabelText(common, (*at)->labels);
    AppendSample(out, name + "_sum", labels, std::to_string(histogram.sum()));
    AppendSample(out, name + "_count", labels, std::to_string(histogram.count()));
  }
  AppendHead(out, name + "_max", **begin, "gauge");
  for (Family at = begin; at != end; ++at) {
    AppendSample(out, name + "_max", LabelText(common, (*at)->labels),
                 std::to_string(std::get<Histogram>((*at)->value).max()));
  }
}

template <class Kind>
void AppendNumbers(std::string& out, Family begin, Family end, const MetricLabels& common,
                   std::string_view type) {
  AppendHead(out, (*begin)->name, **begin, type);
  for (Family at = begin; at != end; ++at) {
    AppendSample(out, (*at)->name, LabelText(common, (*at)->labels),
                 std::to_string(std::get<Kind>((*at)->value).value()));
  }
}

}  // namespace

std::string MetricsText(const Metrics& metrics, const MetricLabels& common) {
  const std::vector<const Metric*> list = metrics.List();
  std::string out;
  for (Family begin = list.begin(); begin != list.end();) {
    Family end = begin;
    while (end != list.end() && (*end)->name == (*begin)->name) ++end;
    if (std::holds_alternative<Counter>((*begin)->value)) {
      AppendNumbers<Counter>(out, begin, end, common, "counter");
    } else if (std::holds_alternative<Gauge>((*begin)->value)) {
      AppendNumbers<Gauge>(out, begin, end, common, "gauge");
    } else {
      AppendHistograms(out, begin, end, common);
    }
    begin = end;
  }
  return out;
}

}  // namespace orrery
