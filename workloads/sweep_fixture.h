// What the sweeps share: a scenario of scenarios/, and running a seed of it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sim/run/runner.h"
#include "sim/run/scenario.h"
#include "workloads/system/database_system.h"

namespace orrery::workloads {

// The scenarios whose topology the seed draws, all of it or a part.
inline constexpr const char* kScenarios[] = {
    "api_fuzz",         "atomic_ops", "bank",          "coordinators",
    "exactly_once",     "ledger",     "list_append",   "mixed",
    "read_your_writes", "ring",       "versionstamps",
};

class ScenarioTest : public testing::TestWithParam<const char*> {
 protected:
  ScenarioTest() : ScenarioTest(GetParam()) {}
  explicit ScenarioTest(const std::string& name) {
    absl::StatusOr<sim::Scenario> loaded =
        sim::LoadScenario("workloads/scenarios/" + name + ".toml", system_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    scenario_ = *std::move(loaded);
  }

  // Fails the test unless the seed passes.
  sim::RunResult Pass(uint64_t seed) {
    sim::RunResult result = sim::RunScenario(system_, scenario_, seed);
    std::string told = scenario_.name + ", seed " + std::to_string(seed);
    for (const sim::RunFailure& each : result.failures) told += "\n" + each.kind + ": " + each.text;
    EXPECT_TRUE(result.passed()) << told << "\n" << result.diagnosis;
    return result;
  }

  DatabaseSystem system_;
  sim::Scenario scenario_;
};

}  // namespace orrery::workloads
