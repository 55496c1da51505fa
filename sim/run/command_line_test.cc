// Goal: the command line does what command_line.h says: exit codes, files, the replay command; bad
// input is one line on standard error, exit code 2, and nothing run or written.
// Method: SimMain in this process, with standard output and error captured.
#include "sim/run/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "sim/run/scenario.h"
#include "sim/run/testing/run_command.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

CommandOutput Sim(std::vector<std::string> words) {
  words.insert(words.begin(), "sim");
  return RunCommand(std::move(words));
}

class CommandLineTest : public testing::Test {
 protected:
  const std::string good_ = WriteFile("good.toml", PingToml());
  const std::string target_ = testing::TempDir() + "/written";
  void SetUp() override { unlink(target_.c_str()); }
};

TEST_F(CommandLineTest, ARunThatPasses) {
  const CommandOutput run = Sim({"--scenario", good_, "--seed", "3"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(run.out.starts_with("scenario ping, seed 3\n")) << run.out;
  EXPECT_NE(run.out.find("verdict: passed\n"), std::string::npos);
  EXPECT_EQ(LastLine(run.out), "replay: ping sim --scenario " + good_ + " --seed 3");
  EXPECT_EQ(run.err, "");
}

TEST_F(CommandLineTest, ARunThatFails) {
  const std::string bad = WriteFile("deaf.toml", PingToml("deaf"));
  const CommandOutput run =
      Sim({"--scenario", bad, "--seed", "3", "--knob", "ping_answer_delay=1ms"});
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_NE(run.out.find("verdict: FAILED (liveness)\n"), std::string::npos);
  const std::string again = "ping replay 3 --scenario " + bad + " --knob ping_answer_delay=1ms";
  EXPECT_NE(run.out.find("to see what led to it: " + again + " --trace info\n"), std::string::npos)
      << run.out;
  EXPECT_NE(run.out.find("to stop there: " + again + " --break "), std::string::npos) << run.out;
  EXPECT_EQ(LastLine(run.out),
            "replay: ping sim --scenario " + bad + " --seed 3 --knob ping_answer_delay=1ms");
}

TEST_F(CommandLineTest, JsonIsOneObjectInOneLine) {
  const CommandOutput run = Sim({"--scenario", good_, "--seed", "3", "-o", "json"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1);
  EXPECT_TRUE(run.out.starts_with("{\"seed\":3,") && run.out.ends_with("}\n")) << run.out;
  EXPECT_EQ(Member(run.out, "verdict"), "\"passed\"");
  EXPECT_EQ(Member(run.out, "hash").size(), 18u);
  for (const char* name : {"simulated_seconds", "cpu_seconds", "events", "faults", "probes",
                           "replay_command", "failures", "metrics"}) {
    EXPECT_NE(Member(run.out, name), "") << name;
  }
}

TEST_F(CommandLineTest, APlanIsSavedAndReplayed) {
  const std::string scenario =
      WriteFile("faults.toml", PingToml() +
                                   "[faults]\nkinds = [\"network\", \"process\"]\n"
                                   "mean_interval = \"500ms\"\n");
  const CommandOutput saved =
      Sim({"--scenario", scenario, "--seed", "5", "--save-plan", target_, "-o", "json"});
  ASSERT_EQ(saved.code, 0) << saved.out << saved.err;
  const absl::StatusOr<std::string> plan = ReadTextFile(target_);
  ASSERT_TRUE(plan.ok());
  EXPECT_NE(plan->find("hash: " + Member(saved.out, "hash")), std::string::npos) << *plan;
  const CommandOutput replayed = Sim({"--scenario", scenario, "--plan", target_, "-o", "json"});
  ASSERT_EQ(replayed.code, 0) << replayed.out << replayed.err;
  EXPECT_EQ(Member(replayed.out, "seed"), "5");
  EXPECT_EQ(Member(replayed.out, "hash"), Member(saved.out, "hash"));
  EXPECT_NE(replayed.out.find("--seed 5 --plan " + target_), std::string::npos);
}

TEST_F(CommandLineTest, ATraceIsLinesOfJsonAndChangesNothing) {
  const std::string scenario = WriteFile("error.toml", PingToml("error_event"));
  const CommandOutput plain = Sim({"--scenario", scenario, "--seed", "5", "-o", "json"});
  const CommandOutput traced =
      Sim({"--scenario", scenario, "--seed", "5", "--trace", target_, "-o", "json"});
  EXPECT_EQ(plain.code, 1);
  EXPECT_EQ(Member(traced.out, "hash"), Member(plain.out, "hash"));
  const absl::StatusOr<std::string> trace = ReadTextFile(target_);
  ASSERT_TRUE(trace.ok());
  EXPECT_NE(trace->find("\"PingPlanted\""), std::string::npos) << *trace;
  EXPECT_NE(LastLine(*trace).find("\"RunFailed\""), std::string::npos) << *trace;
}

TEST_F(CommandLineTest, TheCheckPassesAndFails) {
  const CommandOutput same = Sim({"--scenario", good_, "--seed", "3", "--check"});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_NE(same.out.find("check: two runs in fresh, different processes gave the same hash\n"),
            std::string::npos);
  const std::string clock = WriteFile("clock.toml", PingToml("clock"));
  const CommandOutput differs = Sim({"--scenario", clock, "--seed", "3", "--check"});
  EXPECT_EQ(differs.code, 1);
  EXPECT_NE(differs.out.find("first divergent event: #"), std::string::npos) << differs.out;
  EXPECT_NE(differs.out.find("verdict: FAILED (nondeterminism)"), std::string::npos);
  EXPECT_TRUE(LastLine(differs.out).ends_with(" --seed 3 --check"));
}

TEST_F(CommandLineTest, HelpIsGiven) {
  const CommandOutput help = Sim({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("--save-plan"), std::string::npos);
  EXPECT_EQ(help.out.find("--check-leg"), std::string::npos) << "not for people";
}

TEST_F(CommandLineTest, BadInputIsOneLineAndNothingElse) {
  const std::string bad_toml = WriteFile("bad.toml", "name = \n");
  const std::string unknown = WriteFile("unknown.toml", PingToml() + "speed = 1\n");
  const std::string garbled = WriteFile("garbled.plan", "version: one");
  const std::string old = WriteFile("old.plan", "version: 2 scenario: \"ping\"");
  const std::string other = WriteFile("other.plan", "version: 1 scenario: \"other\"");
  const std::string machine =
      WriteFile("machine.plan",
                "version: 1 scenario: \"ping\" faults { reboot_machine { machine: \"nope\" } }");
  const std::string knob =
      WriteFile("knob.plan", "version: 1 scenario: \"ping\" knobs { name: \"nope\" value: \"1\" }");
  const std::vector<std::vector<std::string>> kCases = {
      {},
      {"--seed", "1"},
      {"--scenario", good_},
      {"--scenario", good_, "--seed", "-1"},
      {"--scenario", good_, "--seed", "18446744073709551616"},
      {"--scenario", good_, "--seed", "1", "--speed", "2"},
      {"--scenario", good_, "--seed", "1", "-o", "xml"},
      {"--scenario", good_, "--seed", "1", "--knob", "nope=1"},
      {"--scenario", good_, "--seed", "1", "--knob", "ping_answer_delay=soon"},
      {"--scenario", good_, "--seed", "1", "--check-leg", "x"},
      {"--scenario", good_, "--seed", "1", "--check", "--trace", target_ + "2"},
      {"--scenario", good_, "--seed", "1", "--trace", "/no/such/folder/trace"},
      {"--scenario", good_, "--seed", "1", "--save-plan", "/no/such/folder/plan"},
      {"--scenario", "/no/such.toml", "--seed", "1"},
      {"--scenario", bad_toml, "--seed", "1"},
      {"--scenario", unknown, "--seed", "1"},
      {"--scenario", good_, "--plan", "/no/such.plan"},
      {"--scenario", good_, "--plan", garbled},
      {"--scenario", good_, "--plan", old},
      {"--scenario", good_, "--plan", other},
      {"--scenario", good_, "--plan", machine},
      {"--scenario", good_, "--plan", knob},
  };
  for (std::vector<std::string> words : kCases) {
    if (std::find(words.begin(), words.end(), "--save-plan") == words.end()) {
      words.insert(words.end(), {"--save-plan", target_});
    }
    const CommandOutput run = Sim(words);
    const std::string shown = testing::PrintToString(words) + "\n" + run.err;
    EXPECT_EQ(run.code, 2) << shown;
    EXPECT_EQ(run.out, "") << shown;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << shown;
    EXPECT_TRUE(run.err.starts_with("ping sim: ")) << shown;
    EXPECT_NE(access(target_.c_str(), F_OK), 0) << shown;
  }
}

}  // namespace
}  // namespace orrery::sim
