// Rows, ratios and their two forms of output.
#include "tools/bench/table.h"

#include <fmt/format.h>

#include <string_view>

namespace orrery::bench {
namespace {

constexpr Row kRows[] = {
    {"task", "async/task_create_await_destroy", "Task create + await + destroy", Unit::kNanoseconds,
     15},
    {"timers", "sim/timer_events/10000", "simulator timer events, 10,000 live", Unit::kPerSecond,
     3e6},
    {"sim_rpc", "sim/rpc/64", "simulated RPC, 64 in flight", Unit::kPerSecond, 200e3},
    {"sim_rpc_single", "sim/rpc/1", "simulated RPC, 1 in flight", Unit::kPerSecond, 0},
    {"rpc_in_memory", "rpc/in_memory/64", "RPC without a network, 64 in flight", Unit::kPerSecond,
     0},
    {"real_rpc", "real/rpc/64", "RPC on loopback, 64 in flight", Unit::kPerSecond, 150e3},
    {"real_rpc_single", "real/rpc/1", "RPC on loopback, 1 in flight", Unit::kPerSecond, 0},
    {"real_rpc_tls", "real/rpc_tls/64", "RPC on loopback, TLS, 64 in flight", Unit::kPerSecond, 0},
    {"real_rpc_tls_single", "real/rpc_tls/1", "RPC on loopback, TLS, 1 in flight", Unit::kPerSecond,
     0},
    {"messages", "real/messages/64", "messages on loopback, 64 in flight", Unit::kPerSecond, 0},
    {"messages_single", "real/messages/1", "messages on loopback, 1 in flight", Unit::kPerSecond,
     0},
    {"messages_tls", "real/messages_tls/64", "messages on loopback, TLS, 64 in flight",
     Unit::kPerSecond, 0},
    {"example", "example/simulated_second", "example, 5 machines, faults on",
     Unit::kSimulatedPerReal, 200},
    {"conflict_set", "structure/conflict_set/50", "conflict set, reads lag 50 batches",
     Unit::kPerSecond, 1e6},
    {"conflict_set_full", "structure/conflict_set/1000", "conflict set, reads lag the window",
     Unit::kPerSecond, 0},
    {"window_apply", "structure/window_apply", "version window, mutations applied",
     Unit::kPerSecond, 0},
    {"window_get", "structure/window_get", "version window, reads", Unit::kPerSecond, 0},
    {"idle_cluster", "cluster/idle", "events of an idle cluster, 5 machines",
     Unit::kPerSimulatedSecond, 1000},
    {"ring_100", "cluster/ring", "ring, 100 transactions/s, 5 machines", Unit::kSimulatedPerReal,
     100},
    {"reference", "cluster/reference", "reference run, faults on", Unit::kSimulatedPerReal, 15},
    {"db_commits_1", "database/commits/1", "116 B row read + written, 1 client", Unit::kPerSecond,
     2e3},
    {"db_commits_1_tls", "database/commits_tls/1", "the same, TLS", Unit::kPerSecond, 2e3},
    {"db_commits_100", "database/commits/100", "116 B row read + written, 100 clients",
     Unit::kPerSecond, 20e3},
    {"db_commits_100_tls", "database/commits_tls/100", "the same, TLS", Unit::kPerSecond, 20e3},
    {"db_reads_100", "database/reads/100", "116 B rows read, 10 a tx, 100 clients",
     Unit::kPerSecond, 150e3},
    {"db_reads_100_tls", "database/reads_tls/100", "the same, TLS", Unit::kPerSecond, 150e3},
    {"db_ranges", "database/ranges/10", "116 B rows, 1,000 a tx, 10 clients", Unit::kPerSecond,
     4e6},
    {"db_ranges_tls", "database/ranges_tls/10", "the same, TLS", Unit::kPerSecond, 4e6},
    {"start", "example/start", "simulated run to first event", Unit::kMilliseconds, 20},
    {"world_start", "sim/world_start", "world of 5 machines to first event", Unit::kMilliseconds,
     0},
};

constexpr Ratio kRatios[] = {
    {"simulated RPC, 64 in flight : 1", "sim_rpc", "sim_rpc_single"},
    {"RPC without a network : simulated", "rpc_in_memory", "sim_rpc"},
    {"RPC on loopback, 64 in flight : 1", "real_rpc", "real_rpc_single"},
    {"RPC on loopback, TLS : plain, 64 in flight", "real_rpc_tls", "real_rpc"},
    {"RPC on loopback, TLS : plain, 1 in flight", "real_rpc_tls_single", "real_rpc_single"},
    {"RPC : messages without it, 64 in flight", "real_rpc", "messages"},
};

double Figure(const Row& row, const Measurement& measurement) {
  switch (row.unit) {
    case Unit::kNanoseconds:
      return measurement.seconds * 1e9;
    case Unit::kMilliseconds:
      return measurement.seconds * 1e3;
    case Unit::kPerSecond:
    case Unit::kSimulatedPerReal:
    case Unit::kPerSimulatedSecond:
      return 1 / measurement.seconds;
  }
  return 0;
}

const char* UnitName(Unit unit) {
  switch (unit) {
    case Unit::kNanoseconds:
      return "ns";
    case Unit::kMilliseconds:
      return "ms";
    case Unit::kPerSecond:
      return "/s";
    case Unit::kSimulatedPerReal:
      return ": 1";
    case Unit::kPerSimulatedSecond:
      return "/s";
  }
  return "";
}

bool MoreIsBetter(const Row& row) {
  return row.unit == Unit::kPerSecond || row.unit == Unit::kSimulatedPerReal;
}

// Measured in other OS processes, whose processor time is not seen here.
bool IsChild(const Row& row) {
  const std::string_view name = row.benchmark;
  return name.starts_with("example/") || name.starts_with("cluster/") ||
         name.starts_with("database/");
}

// "5.1 us" of an operation; "client 3.2 us, server 12.9 us" when the benchmark says more.
std::string ShowCpu(const Row& row, const Measurement& measurement) {
  if (!IsChild(row)) return fmt::format("{:.3f} us", measurement.cpu_seconds * 1e6);
  std::string shown;
  for (const auto& [of, us] : measurement.cpu_us_of) {
    shown += fmt::format("{}{} {:.2f} us", shown.empty() ? "" : ", ", of, us);
  }
  return shown;
}

const char* Verdict(const Row& row, double figure) {
  if (row.target == 0) return "";
  return (MoreIsBetter(row) ? figure >= row.target : figure <= row.target) ? "ok" : "missed";
}

std::string Show(Unit unit, double figure) {
  if (figure >= 1e6) return fmt::format("{:.2f} M{}", figure / 1e6, UnitName(unit));
  if (figure >= 1e3) return fmt::format("{:.1f} k{}", figure / 1e3, UnitName(unit));
  return fmt::format("{:.2f} {}", figure, UnitName(unit));
}

std::string ShowTarget(const Row& row) {
  if (row.target == 0) return "";
  return (MoreIsBetter(row) ? ">= " : "<= ") + Show(row.unit, row.target);
}

// Calls `visit(row, figure, measurement)` for each row that was measured.
template <class Visit>
void ForMeasured(const Measurements& measurements, Visit visit) {
  for (const Row& row : kRows) {
    const auto found = measurements.find(row.benchmark);
    if (found != measurements.end()) visit(row, Figure(row, found->second), found->second);
  }
}

// Calls `visit(ratio, value)` for each ratio whose both rows were measured.
template <class Visit>
void ForRatios(const Measurements& measurements, Visit visit) {
  std::map<std::string, double> figures;
  ForMeasured(measurements, [&](const Row& row, double figure, const Measurement&) {
    figures[row.name] = figure;
  });
  for (const Ratio& ratio : kRatios) {
    if (!figures.contains(ratio.row) || !figures.contains(ratio.by)) continue;
    visit(ratio, figures[ratio.row] / figures[ratio.by]);
  }
}

}  // namespace

std::span<const Row> Rows() { return kRows; }

std::string Table(const Measurements& measurements, const Machine& machine) {
  std::string out = fmt::format("{} cores; load average {:.2f} before, {:.2f} after\n\n",
                                machine.cores, machine.load_before, machine.load_after);
  const auto line = [&out](std::string_view name, std::string_view what, std::string_view measured,
                           std::string_view target, std::string_view verdict,
                           std::string_view cpu) {
    out += fmt::format("{:20} {:40} {:>12} {:>13}  {:7} {:>36}\n", name, what, measured, target,
                       verdict, cpu);
  };
  line("row", "what", "measured", "target", "verdict", "CPU per op");
  ForMeasured(measurements, [&](const Row& row, double figure, const Measurement& measurement) {
    line(row.name, row.what, Show(row.unit, figure), ShowTarget(row), Verdict(row, figure),
         ShowCpu(row, measurement));
  });
  out += '\n';
  ForRatios(measurements, [&out](const Ratio& ratio, double value) {
    out += fmt::format("{:61} {:>12.2f}\n", ratio.what, value);
  });
  return out;
}

std::string Json(const Measurements& measurements, const Machine& machine) {
  std::string rows;
  ForMeasured(measurements, [&](const Row& row, double figure, const Measurement& measurement) {
    if (!rows.empty()) rows += ",";
    rows += fmt::format(R"({{"name":"{}","what":"{}","measured":{},"unit":"{}")", row.name,
                        row.what, figure, UnitName(row.unit));
    for (const auto& [of, us] : measurement.cpu_us_of) {
      rows += fmt::format(R"(,"cpu_us_{}":{})", of, us);
    }
    if (!IsChild(row)) {
      rows += fmt::format(R"(,"cpu_us_per_operation":{})", measurement.cpu_seconds * 1e6);
    }
    if (row.target != 0) {
      rows += fmt::format(R"(,"target":{},"verdict":"{}")", row.target, Verdict(row, figure));
    }
    rows += "}";
  });
  std::string ratios;
  ForRatios(measurements, [&ratios](const Ratio& ratio, double value) {
    if (!ratios.empty()) ratios += ",";
    ratios += fmt::format(R"({{"row":"{}","by":"{}","ratio":{}}})", ratio.row, ratio.by, value);
  });
  return fmt::format(
      R"({{"cores":{},"load_average_before":{},"load_average_after":{},"rows":[{}],"ratios":[{}]}})"
      "\n",
      machine.cores, machine.load_before, machine.load_after, rows, ratios);
}

}  // namespace orrery::bench
