// Goal: a replay ends with "same hash", or names the first event that differs, against a recording,
// a plan's hash, or further runs; it stops where it is asked to, shows what led there, and its exit
// code says what became of it. Bad input is one line, exit code 2, and nothing run or written.
// Method: command lines on the ping system; a changed build is played by a knob.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sim/run/recording_file.h"
#include "sim/run/testing/run_command.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

constexpr char kSlower[] = "ping_answer_delay=3ms";

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

CommandOutput Replay(std::vector<std::string> words) {
  words.insert(words.begin(), "replay");
  return RunCommand(std::move(words));
}

// A folder of its own with a scenario, the plan of a seed of it, and, if asked for, a recording.
class ReplayTest : public testing::Test {
 protected:
  void MakeFolder(const std::string& name, const std::string& plant = "none", bool recorded = false,
                  const std::string& workload = "") {
    folder_ = testing::TempDir() + "/" + name;
    ASSERT_TRUE(mkdir(folder_.c_str(), 0755) == 0 || errno == EEXIST);
    scenario_ = WriteFile(
        name + "/ping.toml",
        PingToml(plant, workload) + "[faults]\nkinds = [\"network\"]\nmean_interval = \"2s\"\n");
    plan_ = folder_ + "/plan.textproto";
    recording_ = folder_ + "/plan.orrc";
    unlink(recording_.c_str());
    RunCommand({"sim", "--scenario", scenario_, "--seed", "5", "--save-plan", plan_});
    if (recorded) Replay({plan_, "--save-recording", recording_});
  }

  std::string folder_;
  std::string scenario_;
  std::string plan_;
  std::string recording_;
};

TEST_F(ReplayTest, ABareSeedIsRunTwice) {
  MakeFolder("seed");
  const CommandOutput same = Replay({"5", "--scenario", scenario_});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(same.out.starts_with("replay of seed 5, scenario ping ("));
  EXPECT_TRUE(Has(same.out, "fresh and different processes: same hash\n")) << same.out;
  EXPECT_EQ(LastLine(same.out), "verdict: passed");
  MakeFolder("seed_of_clock", "clock");
  const CommandOutput differs = Replay({"5", "--scenario", scenario_});
  EXPECT_EQ(differs.code, 1);
  EXPECT_TRUE(Has(differs.out, "first divergent event: #")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "verdict: FAILED (nondeterminism)")) << differs.out;
  EXPECT_FALSE(Has(differs.out, "same hash"));
}

TEST_F(ReplayTest, ABareSeedThatIsLookedAtIsComparedToo) {
  MakeFolder("looked_at");
  const std::string saved = folder_ + "/saved";
  const CommandOutput same =
      Replay({"5", "--scenario", scenario_, "--save-recording", saved, "--until", "2s"});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(Has(same.out, "fresh and different processes: same hash\n")) << same.out;
  EXPECT_TRUE(RecordingFile::Open(saved).ok());
  MakeFolder("looked_at_clock", "clock");
  const CommandOutput differs = Replay({"5", "--scenario", scenario_, "--trace", "error"});
  EXPECT_EQ(differs.code, 1);
  EXPECT_TRUE(Has(differs.out, "verdict: FAILED (nondeterminism)")) << differs.out;
}

TEST_F(ReplayTest, APlanIsComparedWithTheHashItHas) {
  MakeFolder("plan");
  const CommandOutput same = Replay({plan_});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(Has(same.out, "compared with the plan " + plan_ + ": same hash\n")) << same.out;
  const CommandOutput differs = Replay({plan_, "--knob", kSlower});
  EXPECT_EQ(differs.code, 1);
  EXPECT_TRUE(Has(differs.out, "and the plan says ")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "it passed, as it did when the plan was saved\n")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "two more runs of this program agree")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "verdict: FAILED (difference)")) << differs.out;
}

TEST_F(ReplayTest, ADifferenceThatIsNondeterminismIsToldSo) {
  MakeFolder("plan_of_clock", "clock");
  const CommandOutput differs = Replay({plan_});
  EXPECT_EQ(differs.code, 1);
  EXPECT_TRUE(Has(differs.out, "and the plan says ")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "NOT DETERMINISTIC")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "verdict: FAILED (nondeterminism)")) << differs.out;
}

TEST_F(ReplayTest, ARecordingBesideThePlanIsTaken) {
  MakeFolder("recorded", "none", /*recorded=*/true);
  const CommandOutput same = Replay({plan_});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(Has(same.out, "compared with the recording " + recording_ + ": same hash: all its "))
      << same.out;
  const CommandOutput differs = Replay({plan_, "--knob", kSlower});
  EXPECT_EQ(differs.code, 1);
  const size_t at = differs.out.find("first divergent event: #");
  ASSERT_NE(at, std::string::npos) << differs.out;
  EXPECT_TRUE(Has(differs.out, "the recording:\n  > #")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "this run:\n  > #")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "two more runs of this program agree")) << differs.out;
  EXPECT_TRUE(Has(differs.out, "verdict: FAILED (difference)")) << differs.out;
  // And it can be stopped at.
  const std::string number = differs.out.substr(at + 24, differs.out.find('\n', at) - at - 24);
  EXPECT_TRUE(Has(differs.out, " --break " + number + "\n")) << differs.out;
  const CommandOutput json = Replay({plan_, "--knob", kSlower, "-o", "json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 1);
  EXPECT_EQ(Member(json.out, "reference"), "\"recording\"");
  EXPECT_EQ(Member(json.out, "same"), "false");
  EXPECT_EQ(Member(json.out, "first_difference"), number);
  const CommandOutput there = Replay({plan_, "--knob", kSlower, "--break", "difference"});
  EXPECT_TRUE(Has(there.out, "\n  > #" + number)) << there.out;
  EXPECT_TRUE(Has(there.out, "verdict: FAILED (difference)")) << there.out;
  EXPECT_FALSE(Has(there.out, "NOT DETERMINISTIC"))
      << "a part of a run is no other run: " << there.out;
  // A plan that was made of this one lies beside it, and is of another run.
  const absl::StatusOr<std::string> text = ReadTextFile(plan_);
  ASSERT_TRUE(text.ok()) << text.status();
  const CommandOutput other = Replay({WriteFile("recorded/plan.min.textproto", *text)});
  EXPECT_TRUE(Has(other.out, "compared with the plan ")) << other.out;
}

TEST_F(ReplayTest, ARecordingOfACrashIsTheSameUpToTheCrash) {
  MakeFolder("crash", "invariant", /*recorded=*/true);
  const CommandOutput same = Replay({plan_});
  EXPECT_EQ(same.code, 1) << "it fails, the same as then";
  EXPECT_TRUE(Has(same.out, "events are the same; its run crashed or was killed there"))
      << same.out;
  EXPECT_TRUE(Has(same.out, "verdict: FAILED (invariant)")) << same.out;
  // The event that crashed is told, and what it was about.
  const size_t at = same.out.find("to stop there: ");
  ASSERT_NE(at, std::string::npos) << same.out;
  const size_t number_at = same.out.find("--break ", at) + 8;
  const std::string number = same.out.substr(number_at, same.out.find('\n', number_at) - number_at);
  const CommandOutput there = Replay({plan_, "--break", number});
  EXPECT_EQ(there.code, 1);
  EXPECT_TRUE(Has(there.out, "stopped at event #" + number + ": ")) << there.out;
  EXPECT_TRUE(Has(there.out, "\n  > #" + number)) << there.out;
  EXPECT_TRUE(Has(there.out, "INVARIANT failed")) << there.out;
}

TEST_F(ReplayTest, ACutRecordingIsComparedUpToWhereItIsCut) {
  MakeFolder("cut", "none", /*recorded=*/true);
  absl::StatusOr<std::string> bytes = ReadTextFile(recording_);
  ASSERT_TRUE(bytes.ok());
  const std::string cut = WriteFile("cut/cut.orrc", bytes->substr(0, bytes->size() / 2));
  const auto file = RecordingFile::Open(cut);
  ASSERT_TRUE(file.ok());
  const CommandOutput same = Replay({plan_, "--recording", cut});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(Has(same.out, "all its " + std::to_string((*file)->entries()) +
                                " events are the same; its run crashed or was killed there"))
      << same.out;
}

TEST_F(ReplayTest, ItStopsAtAMoment) {
  MakeFolder("until", "none", /*recorded=*/true);
  const CommandOutput stopped = Replay({plan_, "--until", "2.5s"});
  EXPECT_EQ(stopped.code, 0) << stopped.out << stopped.err;
  EXPECT_TRUE(Has(stopped.out, "at 2.500000000 s")) << stopped.out;
  EXPECT_TRUE(Has(stopped.out, "the same up to where it stopped, event #")) << stopped.out;
  EXPECT_TRUE(Has(stopped.out, "verdict: passed until it was stopped")) << stopped.out;
  const CommandOutput whole = Replay({plan_, "--until", "1000s"});
  EXPECT_EQ(whole.code, 0);
  EXPECT_TRUE(Has(whole.out, "same hash: all its ")) << whole.out;
  unlink(recording_.c_str());
  const CommandOutput twice = Replay({plan_, "--until", "250ms", "-o", "json"});
  EXPECT_EQ(twice.code, 0) << twice.out;
  EXPECT_EQ(Member(twice.out, "reference"), "\"two_runs\"") << "the plan's hash is of a whole run";
  EXPECT_EQ(Member(twice.out, "stopped"), "true");
}

TEST_F(ReplayTest, ItStopsAtANumber) {
  MakeFolder("number", "none", /*recorded=*/true);
  const CommandOutput stopped = Replay({plan_, "--break", "#500"});
  EXPECT_EQ(stopped.code, 0) << stopped.out << stopped.err;
  EXPECT_TRUE(Has(stopped.out, "stopped at event #500: ")) << stopped.out;
  EXPECT_TRUE(Has(stopped.out, "\n    #480 ")) << stopped.out;
  EXPECT_FALSE(Has(stopped.out, "\n    #479 ")) << stopped.out;
  EXPECT_TRUE(Has(stopped.out, "\n  > #500 ")) << stopped.out;
  EXPECT_TRUE(Has(stopped.out, "\nnext: ")) << stopped.out;
  EXPECT_TRUE(Has(stopped.out, "the same up to where it stopped, event #5")) << stopped.out;
  const CommandOutput beyond = Replay({plan_, "--break", "999999999"});
  EXPECT_EQ(beyond.code, 1) << "what was asked for was not found";
  EXPECT_EQ(LastLine(beyond.out), "it did not come to event #999999999");
}

TEST_F(ReplayTest, ItStopsAtATraceEvent) {
  MakeFolder("type");
  const CommandOutput first = Replay({plan_, "--break", "PingReceived"});
  EXPECT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_TRUE(Has(first.out, "stopped at PingReceived: ")) << first.out;
  EXPECT_TRUE(Has(first.out, "debug  PingReceived  pings=1  from=\"a client\"  even=false\n"))
      << first.out;
  EXPECT_TRUE(Has(first.out, "compared with nothing")) << first.out;
  const CommandOutput third = Replay({plan_, "--break", "PingReceived:30"});
  EXPECT_EQ(third.code, 0) << third.out;
  EXPECT_TRUE(Has(third.out, "stopped at PingReceived:30: ")) << third.out;
  const CommandOutput none = Replay({plan_, "--break", "PingForgotten"});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(LastLine(none.out), "it did not come to PingForgotten");
}

TEST_F(ReplayTest, ItShowsWhatProcessesTell) {
  MakeFolder("trace", "error_event");
  const CommandOutput errors = Replay({plan_, "--trace", "error"});
  EXPECT_EQ(errors.code, 1);
  EXPECT_TRUE(Has(errors.out, " error  PingPlanted  pings=10\n")) << errors.out;
  EXPECT_FALSE(Has(errors.out, "PingReceived")) << errors.out;
  EXPECT_TRUE(Has(errors.out, "same hash\n")) << "showing it changes nothing: " << errors.out;
  EXPECT_FALSE(Has(errors.out, "to see what led to it")) << errors.out;
  const CommandOutput all = Replay({plan_, "--trace", "debug", "--until", "1s"});
  EXPECT_TRUE(Has(all.out, " debug  PingReceived  pings=")) << all.out;
  EXPECT_FALSE(Has(all.out, "\n1.0000001")) << "nothing later: " << all.out;
  const CommandOutput json = Replay({plan_, "--trace", "error", "-o", "json"});
  EXPECT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 3)
      << "and what the run makes of it";
  EXPECT_TRUE(json.out.starts_with("{\"time\":")) << json.out;
}

TEST_F(ReplayTest, ADebuggerIsStoppedInTheProcessOfTheRun) {
  MakeFolder("debugger", "none", /*recorded=*/true);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(99);
    _exit(Replay({plan_, "--break", "500"}).code);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSTOPPED(status)) << status;
  EXPECT_EQ(WSTOPSIG(status), SIGTRAP);
  // It goes on, to the end of the run.
  ASSERT_EQ(ptrace(PTRACE_CONT, child, nullptr, nullptr), 0);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ReplayTest, HelpIsGiven) {
  const CommandOutput help = Replay({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* option : {"--recording", "--until", "--trace", "--break", "--save-recording"}) {
    EXPECT_TRUE(Has(help.out, option)) << option;
  }
}

TEST_F(ReplayTest, BadInputIsOneLineAndNothingElse) {
  MakeFolder("bad", "none", /*recorded=*/true);
  const std::string target = folder_ + "/written";
  const std::string elsewhere = WriteFile("elsewhere.textproto", "version: 1 scenario: \"lost\"");
  const std::string garbled = WriteFile("bad/garbled", "no recording at all, nor a fault plan");
  absl::StatusOr<std::string> bytes = ReadTextFile(recording_);
  ASSERT_TRUE(bytes.ok());
  (*bytes)[bytes->size() / 2] ^= 1;
  const std::string corrupt = WriteFile("bad/corrupt.orrc", *bytes);
  const std::vector<std::vector<std::string>> kCases = {
      {},
      {"5"},
      {"5", "--scenario", "/no/such.toml"},
      {"99999999999999999999999", "--scenario", scenario_},
      {"/no/such.textproto"},
      {garbled},
      {elsewhere},
      {plan_, "--recording", "/no/such.orrc"},
      {plan_, "--recording", garbled},
      {plan_, "--recording", corrupt},
      {"6", "--scenario", scenario_, "--recording", recording_},
      {plan_, "--until", "soon"},
      {plan_, "--until", "1.5"},
      {plan_, "--until", "1.s"},
      {plan_, "--until", "2s", "--break", "7"},
      {plan_, "--break", "0"},
      {plan_, "--break", "lowercase"},
      {plan_, "--break", "Type:0"},
      {"5", "--scenario", scenario_, "--break", "difference"},
      {plan_, "--trace", "loud"},
      {plan_, "--knob", "nope=1"},
      {plan_, "-o", "xml"},
      {plan_, "--save-recording", "/no/such/folder/recording"},
      {plan_, "--save-recording", recording_},
  };
  for (std::vector<std::string> words : kCases) {
    if (std::find(words.begin(), words.end(), "--save-recording") == words.end()) {
      words.insert(words.end(), {"--save-recording", target});
    }
    const CommandOutput run = Replay(words);
    const std::string shown = testing::PrintToString(words) + "\n" + run.out + run.err;
    EXPECT_EQ(run.code, 2) << shown;
    EXPECT_EQ(run.out, "") << shown;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << shown;
    EXPECT_TRUE(run.err.starts_with("ping replay: ")) << shown;
    EXPECT_NE(access(target.c_str(), F_OK), 0) << shown;
  }
}

}  // namespace
}  // namespace orrery::sim
