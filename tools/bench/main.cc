// bench: measures what the system is to reach, and prints a table or one JSON object.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tools/bench/registration.h"
#include "tools/bench/table.h"

namespace orrery::bench {
namespace {

// Keeps what google benchmark measures instead of printing it.
class Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(const char* progress) : progress_(progress) {}

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<double> seconds, cpu_seconds;
    std::map<std::string, std::vector<double>> cpu_us_of;
    const std::string name = runs.front().run_name.function_name +
                             (runs.front().run_name.args.empty() ? "" : "/") +
                             runs.front().run_name.args;
    for (const Run& run : runs) {
      if (run.error_occurred) {
        fmt::print(stderr, "bench: {}: {}\n", name, run.error_message);
        failed_ = true;
        return;
      }
      if (run.run_type != Run::RT_Iteration) continue;
      const double count = static_cast<double>(run.iterations);
      const bool by_cpu = run.run_name.time_type.empty();
      cpu_seconds.push_back(run.cpu_accumulated_time / count);
      seconds.push_back(by_cpu ? cpu_seconds.back() : run.real_accumulated_time / count);
      for (const auto& [of, counter] : run.counters) cpu_us_of[of].push_back(counter.value);
    }
    if (seconds.empty()) return;  // A report of google benchmark's own aggregates.
    Measurement& measurement = measurements_[name];
    measurement = {Median(seconds), Median(cpu_seconds), {}};
    for (const auto& [of, values] : cpu_us_of) measurement.cpu_us_of[of] = Median(values);
    fmt::print(stderr, "{}{}\n", progress_, name);
  }

  const Measurements& measurements() const { return measurements_; }
  bool failed() const { return failed_; }

 private:
  static double Median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  const char* progress_;
  Measurements measurements_;
  bool failed_ = false;
};

double LoadAverage() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

// A pattern for google benchmark that matches the benchmarks of `rows` alone.
std::string Filter(const std::vector<std::string>& rows) {
  std::string filter;
  for (const Row& row : Rows()) {
    if (!rows.empty() && std::find(rows.begin(), rows.end(), row.name) == rows.end()) continue;
    filter +=
        (filter.empty() ? "^" : "|^") + std::string(row.benchmark) + "(/iterations:.*)?(/.*time)?$";
  }
  return filter;
}

int Run(bool json, const std::vector<std::string>& rows) {
  // Each figure is the median of three.
  std::vector<std::string> flags = {"bench", "--benchmark_repetitions=3",
                                    "--benchmark_min_time=0.4",
                                    "--benchmark_enable_random_interleaving=false"};
  std::vector<char*> arguments;
  for (std::string& flag : flags) arguments.push_back(flag.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  RegisterAsyncBenchmarks();
  RegisterRpcBenchmarks();
  RegisterSimulatorBenchmarks();
  RegisterRealBenchmarks();
  RegisterExampleBenchmarks();
  RegisterStructureBenchmarks();
  RegisterClusterBenchmarks();
  RegisterDatabaseBenchmarks();

  Machine machine{std::thread::hardware_concurrency(), LoadAverage(), 0};
  Collector collector("measured ");
  benchmark::RunSpecifiedBenchmarks(&collector, Filter(rows));
  machine.load_after = LoadAverage();
  const Measurements& measured = collector.measurements();
  fmt::print("{}", json ? Json(measured, machine) : Table(measured, machine));
  return collector.failed() ? 1 : 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Measures what the system is to reach; figures are medians of three.", "bench");
  std::string output = "text";
  std::vector<std::string> only;
  std::vector<std::string> names;
  for (const Row& row : Rows()) names.push_back(row.name);
  app.add_option("-o", output, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--only", only, "a row; may be given several times")->check(CLI::IsMember(names));
  app.footer("Exit codes: 0 measured, 1 a benchmark could not run, 2 bad input.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 2;
  }
  return Run(output == "json", only);
}

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) { return orrery::bench::Main(argc, argv); }
