// Scenarios of the ping system for tests, as text and parsed.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "sim/run/scenario.h"
#include "sim/run/testing/ping_system.h"

namespace orrery::sim {

// Short, without faults unless `more` has them; `plant` and `workload` as ping_system.h says.
inline std::string PingToml(const std::string& plant = "none", const std::string& workload = "",
                            const std::string& more = "") {
  return "name = \"ping\"\n"
         "duration = \"10s\"\n"
         "recover_within = \"20s\"\n"
         "clients = 2\n" +
         more + "\n[topology]\nservers = 3\nplant = \"" + plant +
         "\"\n[[workload]]\nname = \"ping\"\n" + workload + "\n";
}

inline Scenario PingScenario(const std::string& toml) {
  absl::StatusOr<Scenario> scenario = ParseScenario(toml, "ping.toml");
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  const absl::Status valid = ValidateScenario(*scenario, PingSystem());
  EXPECT_TRUE(valid.ok()) << valid.message();
  return *std::move(scenario);
}

// A file of the test's own directory with `text` in it.
inline std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  FILE* const file = std::fopen(path.c_str(), "wb");
  EXPECT_NE(file, nullptr) << path;
  std::fwrite(text.data(), 1, text.size(), file);
  EXPECT_EQ(std::fclose(file), 0);
  return path;
}

}  // namespace orrery::sim
