// What the sweeps share: the scenario, and running a seed of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sim/examples/replicated_log/system.h"
#include "sim/run/runner.h"
#include "sim/run/scenario.h"

namespace orrery::sim::replicated_log {

class SweepTest : public testing::Test {
 protected:
  SweepTest() {
    absl::StatusOr<Scenario> loaded =
        LoadScenario("sim/examples/replicated_log/scenario.toml", system_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    scenario_ = *std::move(loaded);
  }

  RunResult Run(uint64_t seed, std::vector<std::string> knobs = {}) {
    return RunScenario(system_, scenario_, seed, std::move(knobs));
  }

  static std::string Summary(const RunResult& result) {
    std::string summary = "seed " + std::to_string(result.seed);
    for (const RunFailure& each : result.failures) summary += "\n" + each.kind + ": " + each.text;
    return summary + "\n" + result.diagnosis;
  }

  ReplicatedLogSystem system_;
  Scenario scenario_;
};

}  // namespace orrery::sim::replicated_log
