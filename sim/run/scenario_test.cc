// Goal: a scenario file means what the head of scenario.h says, and everything else is refused in
// one line with its place.
// Method: one file with every key; then a table of bad files with the exact text of each refusal.
#include "sim/run/scenario.h"

#include <gtest/gtest.h>

#include "core/knobs/knobs.h"
#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

constexpr const char* kEverything = R"(
name = "all"
description = "every key there is"
duration = "30s"
setup_within = "5s"
recover_within = "40s"
check_within = "6s"
clients = 3
buggify = false
[topology]
servers = 5
[faults]
kinds = ["network", "kill_process"]
mean_interval = "2s"
[knobs]
randomise = false
ping_answer_delay = "20us"
run_memory_bytes_max = 1000000000
[[workload]]
name = "ping"
interval = "10ms"
[[workload]]
name = "ping"
)";

TEST(Scenario, ReadsEveryKey) {
  const Scenario s = PingScenario(kEverything);
  EXPECT_EQ(s.name, "all");
  EXPECT_EQ(s.description, "every key there is");
  EXPECT_EQ(s.duration, Seconds(30));
  EXPECT_EQ(s.setup_within, Seconds(5));
  EXPECT_EQ(s.recover_within, Seconds(40));
  EXPECT_EQ(s.check_within, Seconds(6));
  EXPECT_EQ(s.clients, 3);
  EXPECT_FALSE(s.buggify);
  EXPECT_EQ(*s.topology.Integer("servers", 0, 0, 9), 5);
  EXPECT_EQ(s.faults.kinds, (std::vector<std::string>{"network", "kill_process"}));
  EXPECT_EQ(s.faults.mean_interval, Seconds(2));
  EXPECT_FALSE(s.randomise_knobs);
  ASSERT_EQ(s.knobs.size(), 2u);
  EXPECT_EQ(s.knobs[0].name, "ping_answer_delay");
  EXPECT_EQ(s.knobs[1].value, "1000000000");
  ASSERT_EQ(s.workloads.size(), 2u);
  EXPECT_EQ(*s.workloads[0].options.Span("interval", {}), Milliseconds(10));
}

TEST(Scenario, HasStandardsForWhatIsNotThere) {
  const absl::StatusOr<Scenario> s =
      ParseScenario("[[workload]]\nname = \"ping\"\n", "some/folder/quiet.toml");
  ASSERT_TRUE(s.ok()) << s.status().message();
  EXPECT_EQ(s->name, "quiet");
  EXPECT_EQ(s->duration, Seconds(60));
  EXPECT_EQ(s->clients, 1);
  EXPECT_TRUE(s->buggify);
  EXPECT_TRUE(s->randomise_knobs);
  EXPECT_TRUE(s->faults.kinds.empty());
}

// The refusal of `toml`, from whichever half refuses it.
std::string RefusalOf(const std::string& toml) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(toml, "s.toml");
  const absl::Status status =
      scenario.ok() ? ValidateScenario(*scenario, PingSystem()) : scenario.status();
  EXPECT_EQ(CodeOf(status), ErrorCode::invalid_argument) << toml;
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  return std::string(status.message());
}

TEST(Scenario, RefusesWithPlaceAndReason) {
  const std::string workload = "[[workload]]\nname = \"ping\"\n";
  const std::pair<std::string, std::string> kCases[] = {
      {"", "s.toml:1:1: there is no workload; add a table [[workload]]"},
      {"durations = \"60s\"\n" + workload,
       "s.toml:1:13: durations: no such option; those known are buggify, check_within, clients, "
       "description, duration, name, recover_within, setup_within"},
      {"duration = 60\n" + workload,
       "s.toml:1:12: duration: expected a time like \"250ms\" or \"60s\", found 60"},
      {"duration = \"0s\"\n" + workload,
       "s.toml:1:12: duration: must be longer than nothing and at most a year"},
      {"clients = 0\n" + workload,
       "s.toml:1:11: clients: expected a whole number from 1 to 1000, found 0"},
      {"clients = 1.5\n" + workload,
       "s.toml:1:11: clients: expected a text, a whole number, true, false or a list of texts"},
      {"topology = 5\n" + workload, "s.toml:1:12: topology: expected a table; write [topology]"},
      {"[topology]\nservers = \"many\"\n" + workload,
       "s.toml:2:11: [topology] servers: expected a whole number from 1 to 100, found \"many\""},
      {"[topology]\nmachines = 5\n" + workload,
       "s.toml:2:12: [topology] machines: no such option; those known are lucky, plant, servers"},
      {"[topology]\nplant = \"tree\"\n" + workload,
       "s.toml:2:9: [topology] plant: there is no such defect"},
      {"[faults]\nmean_interval = \"1s\"\n" + workload,
       "s.toml:1:1: [faults] kinds: is missing; name groups or kinds, like [\"network\"]"},
      {"[faults]\nkinds = [1]\n" + workload,
       "s.toml:2:9: kinds: a list may hold texts only; put \"\" around"},
      {"[knobs]\nrandomise = \"yes\"\n" + workload,
       "s.toml:2:13: [knobs] randomise: expected true or false"},
      {"[[workload]]\ninterval = \"1s\"\n",
       "s.toml:1:1: [[workload]] has no name; write name = \"...\""},
      {"[[workload]]\nname = \"pong\"\n",
       "s.toml:2:8: there is no workload \"pong\"; those known are ping"},
      {"[workload]\nname = \"ping\"\n",
       "s.toml:1:1: workload: expected tables of that name; write [[workload]]"},
      {"[[workload]]\nname = \"ping\"\nspeed = 1\n",
       "s.toml:3:9: [workload ping] speed: no such option; those known are answers_min, fail_in, "
       "interval"},
  };
  for (const auto& [toml, refusal] : kCases) EXPECT_EQ(RefusalOf(toml), refusal) << toml;
}

TEST(Scenario, RefusesWhatOthersRefuseWithThePlaceInFront) {
  const std::string workload = "[[workload]]\nname = \"ping\"\n";
  EXPECT_TRUE(RefusalOf("name = \n" + workload).starts_with("s.toml:1:8: not TOML: "));
  EXPECT_TRUE(RefusalOf("[faults]\nkinds = [\"flood\"]\n" + workload).starts_with("s.toml:2:9: "));
  EXPECT_TRUE(RefusalOf("[knobs]\nno_such_knob = 1\n" + workload).starts_with("s.toml:2:16: "));
  EXPECT_TRUE(
      RefusalOf("[knobs]\nping_answer_delay = 1\n" + workload).starts_with("s.toml:2:21: "));
}

TEST(Scenario, AFileThatCannotBeReadIsNamed) {
  const absl::StatusOr<Scenario> missing = LoadScenario("/no/such.toml", PingSystem());
  EXPECT_EQ(missing.status().message(),
            "/no/such.toml: cannot be opened: No such file or directory");
  const absl::StatusOr<Scenario> folder = LoadScenario("/tmp", PingSystem());
  EXPECT_EQ(folder.status().message(), "/tmp: cannot be read: Is a directory");
}

}  // namespace
}  // namespace orrery::sim
