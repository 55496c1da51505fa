// Goal: a failing run becomes a plan that fails the same, of which nothing can be left out,
// whatever the number of jobs and however often it is killed on the way; what cannot be minimised
// is refused in one line. Method: the ping system with a defect that needs two faults (a restart,
// then a clock that is wrong) and one ping, under drawn faults of every kind; the verb in this
// process and, to be killed, in another.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "sim/fault/draw.h"
#include "sim/run/command_line.h"
#include "sim/run/minimise/minimise_report.h"
#include "sim/run/minimise/minimiser.h"
#include "sim/run/minimise/trials.h"
#include "sim/run/operations.h"
#include "sim/run/real_time.h"
#include "sim/run/signature.h"
#include "sim/run/testing/child_processes.h"
#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

constexpr char kSignature[] = "error_event PingAfterTwoFaults pings=#";
constexpr size_t kFaultsMin = 15;  // Of a plan that is worth minimising.
constexpr char kFaults[] =
    "[faults]\n"
    "kinds = [\"process\", \"clock\", \"network\", \"disk\"]\n"
    "mean_interval = \"300ms\"\n";

struct Output {
  int code;
  std::string out;
  std::string err;
};

Output Verb(std::vector<std::string> words) {
  words.insert(words.begin(), "ping");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = SimMain(static_cast<int>(words.size()), argv.data(), PingSystem());
  std::fflush(nullptr);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

std::string ReadAll(const std::string& file) {
  const absl::StatusOr<std::string> text = ReadTextFile(file);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

bool Exists(const std::string& file) { return access(file.c_str(), F_OK) == 0; }

size_t SizeOfFile(const std::string& file) {
  struct stat info {};
  return stat(file.c_str(), &info) == 0 ? static_cast<size_t>(info.st_size) : 0;
}

// The verb in a process of its own, silent.
pid_t Spawn(std::vector<std::string> words) {
  const pid_t child = fork();
  if (child != 0) return child;
  const int nothing = open("/dev/null", O_WRONLY);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  std::vector<char*> argv;
  words.insert(words.begin(), "ping");
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv("/proc/self/exe", argv.data());
  _exit(127);
}

// Files of the tests' folder that are written or put in place.
class FolderChanges {
 public:
  FolderChanges() : descriptor_(inotify_init1(IN_CLOEXEC)) {
    EXPECT_GE(inotify_add_watch(descriptor_, testing::TempDir().c_str(), IN_MODIFY | IN_MOVED_TO),
              0);
  }
  FolderChanges(const FolderChanges&) = delete;
  FolderChanges& operator=(const FolderChanges&) = delete;
  ~FolderChanges() { close(descriptor_); }

  // False when there is none for a minute.
  bool Await() {
    struct pollfd ready = {.fd = descriptor_, .events = POLLIN, .revents = 0};
    char events[4096];
    return poll(&ready, 1, 60'000) == 1 && read(descriptor_, events, sizeof events) > 0;
  }

 private:
  const int descriptor_;
};

class MinimiseTest : public testing::Test {
 protected:
  static std::string Toml() { return PingToml("two_faults", "fail_in = \"check\"") + kFaults; }

  void SetUp() override {
    unlink(out_.c_str());
    unlink((out_ + ".state").c_str());
  }

  RunResult RunPlan(const FaultPlan& plan) const {
    const RunRequest request = {.system = system_,
                                .scenario = scenario_,
                                .seed = plan.seed(),
                                .plan = FaultPlanToText(plan)};
    EXPECT_TRUE(ValidateRequest(request, "p").ok());
    return RunIsolated(request);
  }
  bool Shows(const FaultPlan& plan) const {
    const RunResult result = RunPlan(plan);
    return !result.passed() && SignatureOf(result) == kSignature;
  }

  // The first seed whose run shows the defect amid many faults.
  uint64_t FailingSeed() const {
    for (uint64_t seed = 1; seed < 500; ++seed) {
      const RunResult result =
          RunIsolated({.system = system_, .scenario = scenario_, .seed = seed});
      if (result.plan_lines.size() < kFaultsMin || result.passed()) continue;
      if (SignatureOf(result) == kSignature) return seed;
    }
    ADD_FAILURE() << "no seed shows the defect";
    return 0;
  }
  std::vector<std::string> Words(const std::string& jobs) const {
    return {"minimise",   std::to_string(FailingSeed()),
            "--scenario", file_,
            "--jobs",     jobs,
            "--out",      out_,
            "-o",         "json"};
  }
  FaultPlan Written() const {
    absl::StatusOr<FaultPlan> plan = FaultPlanFromText(ReadAll(out_));
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.value_or(FaultPlan());
  }

  const PingSystem system_;
  const Scenario scenario_ = PingScenario(Toml());
  const std::string file_ = WriteFile("ping.toml", Toml());
  const std::string out_ = testing::TempDir() + "/small.textproto";
};

TEST_F(MinimiseTest, NothingOfTheResultCanBeLeftOut) {
  const Output run = Verb(Words("2"));
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_FALSE(Exists(out_ + ".state"));
  const FaultPlan plan = Written();
  const RunResult result = RunPlan(plan);
  ASSERT_FALSE(result.passed());
  EXPECT_EQ(SignatureOf(result), kSignature);
  EXPECT_EQ(plan.outcome().signature(), kSignature);
  EXPECT_EQ(plan.outcome().events(), result.events);

  // What the defect needs, and nothing else.
  const PlanSize size = SizeOf(plan);
  EXPECT_EQ(size.faults, 2u);
  EXPECT_EQ(size.operations, 1u);
  EXPECT_EQ(size.windows, 0u);
  EXPECT_EQ(size.knobs, 0u);
  EXPECT_TRUE(plan.has_schedule());
  for (const PlanParts& parts : {FaultsOf(plan), OperationsOf(plan)}) {
    for (size_t left_out = 0; left_out < parts.count; ++left_out) {
      Subset less;
      for (size_t i = 0; i < parts.count; ++i) {
        if (i != left_out) less.push_back(i);
      }
      EXPECT_FALSE(Shows(parts.keep(less))) << left_out;
    }
  }
  for (const TopologyValue& value : plan.topology()) {
    if (value.name() == "lucky") EXPECT_EQ(value.value(), "1");
  }
}

TEST_F(MinimiseTest, TheNumberOfJobsChangesNothing) {
  const Output one = Verb(Words("1"));
  ASSERT_EQ(one.code, 0) << one.err;
  const std::string text = ReadAll(out_);
  unlink(out_.c_str());
  const Output three = Verb(Words("3"));
  ASSERT_EQ(three.code, 0) << three.err;
  EXPECT_EQ(ReadAll(out_), text);
}

TEST_F(MinimiseTest, ItGoesOnAfterItWasKilled) {
  const std::vector<std::string> words = Words("2");
  const Output whole = Verb(words);
  ASSERT_EQ(whole.code, 0) << whole.err;
  const std::string text = ReadAll(out_);
  unlink(out_.c_str());

  const std::string state = out_ + ".state";
  FolderChanges changes;
  size_t before = 0;
  int kills = 0;
  for (; kills < 3; ++kills) {
    const pid_t child = Spawn(words);
    // Killed in the middle, once it has got further than the one before.
    while (SizeOfFile(state) < before + 400 && !Exists(out_)) {
      ASSERT_TRUE(changes.Await()) << "nothing happens";
    }
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    if (Exists(out_)) break;  // It was done before.
    before = SizeOfFile(state);
    // A line that was not complete.
    FILE* const file = std::fopen(state.c_str(), "ab");
    std::fputs("0123456789ab", file);
    std::fclose(file);
  }
  EXPECT_GT(kills, 0);
  const Output rest = Verb(words);
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(ReadAll(out_), text);
  EXPECT_EQ(rest.out.find("\"known\":0"), std::string::npos) << rest.out;
}

TEST_F(MinimiseTest, RunsThatSomebodyKillsAreMadeAgain) {
  const std::vector<std::string> words = Words("2");
  const Output whole = Verb(words);
  ASSERT_EQ(whole.code, 0) << whole.err;
  const std::string text = ReadAll(out_);
  unlink(out_.c_str());

  // Now and then, as it gets on: the same run not each time that it is made.
  FolderChanges changes;
  const pid_t verb = Spawn(words);
  int killed = 0;
  for (int change = 1; !Exists(out_); ++change) {
    ASSERT_TRUE(changes.Await()) << "nothing happens";
    if (change % 5 != 0) continue;
    for (const pid_t run : ChildrenOf(verb)) killed += kill(run, SIGKILL) == 0 ? 1 : 0;
  }
  int status = 0;
  ASSERT_EQ(waitpid(verb, &status, 0), verb);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_GT(killed, 2);
  EXPECT_EQ(ReadAll(out_), text);
}

TEST_F(MinimiseTest, RunsThatAreAlwaysKilledEndItWithAWord) {
  const Scenario killed = PingScenario(PingToml("killed"));
  const RunRequest request = {.system = system_, .scenario = killed, .seed = 1};
  TrialJournal journal;
  ASSERT_TRUE(journal.Open(out_ + ".state", 1).ok());
  Trials trials({.base = request, .jobs = 2, .until = kNever - Time{}}, journal);
  EXPECT_FALSE(trials.Run(request).passed());
  EXPECT_NE(trials.status().message().find("a run is killed whenever it is made"),
            std::string::npos)
      << trials.status();
  EXPECT_TRUE(trials.over());
}

TEST_F(MinimiseTest, InterruptedItWritesWhatItHas) {
  const std::vector<std::string> words = Words("2");
  const Output whole = Verb(words);
  ASSERT_EQ(whole.code, 0) << whole.err;
  const std::string text = ReadAll(out_);
  unlink(out_.c_str());

  const std::string state = out_ + ".state";
  FolderChanges changes;
  const pid_t verb = Spawn(words);
  while (SizeOfFile(state) < 400) {
    ASSERT_TRUE(changes.Await()) << "nothing happens";
  }
  kill(verb, SIGTERM);
  int status = 0;
  ASSERT_EQ(waitpid(verb, &status, 0), verb);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(Shows(Written()));
  EXPECT_NE(ReadAll(out_).find("# It was ended early: more may be left out."), std::string::npos);
  EXPECT_TRUE(Exists(state));
  const Output rest = Verb(words);
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(ReadAll(out_), text);
}

TEST_F(MinimiseTest, ARaceThatLeavingOutMovesIsFoundUnderAnotherChance) {
  const std::string toml = PingToml("race", "interval = \"10ms\"");
  const std::string file = WriteFile("race.toml", toml);
  const Scenario scenario = PingScenario(toml);
  uint64_t seed = 0;
  while (true) {
    ASSERT_LT(++seed, 100u) << "no seed shows the race";
    const RunResult result = RunIsolated({.system = system_, .scenario = scenario, .seed = seed});
    if (result.passed() || result.operations.empty()) continue;
    if (result.operations.begin()->second > 200) break;
  }
  const Output run = Verb({"minimise", std::to_string(seed), "--scenario", file, "--out", out_});
  ASSERT_EQ(run.code, 0) << run.err;
  const FaultPlan plan = Written();
  EXPECT_NE(plan.chance(), 0u);
  EXPECT_LE(SizeOf(plan).operations, 20u) << run.out;
  const RunResult again = RunIsolated({.system = system_,
                                       .scenario = scenario,
                                       .seed = plan.seed(),
                                       .plan = FaultPlanToText(plan)});
  ASSERT_FALSE(again.passed());
  EXPECT_EQ(SignatureOf(again), plan.outcome().signature());
}

TEST_F(MinimiseTest, APlanIsMinimisedBesideItselfAndOfferedAsARegression) {
  const std::string plan = testing::TempDir() + "/big.textproto";
  const Output drawn = Verb(
      {"sim", "--scenario", file_, "--seed", std::to_string(FailingSeed()), "--save-plan", plan});
  ASSERT_EQ(drawn.code, 1);
  const std::string folder = testing::TempDir();
  const Output run = Verb({"minimise", plan, "--regressions", folder});
  ASSERT_EQ(run.code, 0) << run.err;
  const std::string out = testing::TempDir() + "/big.min.textproto";
  // Its scenario lies beside it.
  EXPECT_NE(run.out.find("replay:    ping replay " + out + "\n"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("keep:      cp " + out), std::string::npos) << run.out;
  const std::string text = ReadAll(out);
  EXPECT_TRUE(text.starts_with("# error_event: ")) << text;
  EXPECT_NE(text.find(std::string("# signature: ") + kSignature), std::string::npos) << text;
  // What is small already stays as it is.
  const Output again = Verb({"minimise", out, "--scenario", file_, "--out", out_});
  ASSERT_EQ(again.code, 0) << again.err;
  absl::StatusOr<FaultPlan> first = FaultPlanFromText(text);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(FaultPlanToText(*first), FaultPlanToText(Written()));
}

TEST_F(MinimiseTest, WhenTheTimeIsUpThePlanFailsStill) {
  const RunRequest request = {.system = system_, .scenario = scenario_, .seed = FailingSeed()};
  TrialJournal journal;
  ASSERT_TRUE(journal.Open(out_ + ".state", 1).ok());
  Trials trials({.base = request, .jobs = 1, .until = MonotonicNow()}, journal);
  const std::function<void()> nothing = [] {};
  Minimiser minimiser(request, trials, nothing);
  ASSERT_TRUE(minimiser.Begin().ok());
  const absl::StatusOr<Minimised> found = minimiser.Minimise();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->complete);
  EXPECT_TRUE(Shows(found->plan));
  EXPECT_EQ(found->after.faults, found->before.faults);
}

TEST_F(MinimiseTest, WhatPassesOrIsNoInputIsRefusedInOneLine) {
  const std::string good = WriteFile("good.toml", PingToml());
  const std::string flaky = WriteFile("flaky.toml", PingToml("clock", "fail_in = \"check\""));
  const std::string passes = WriteFile("passes.textproto", "version: 1 seed: 3 scenario: \"good\"");
  const std::string lonely =
      WriteFile("lonely.textproto", "version: 1 seed: 3 scenario: \"nowhere\"");
  const std::string no_state = WriteFile("other.textproto.state", "mine\n");
  const std::string seed = std::to_string(FailingSeed());
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"3", "--scenario", good}, "passes (seed 3): there is no failure to minimise"},
      {{passes, "--scenario", good}, "not of \"ping\""},
      {{"3", "--scenario", flaky}, "does not fail twice the same"},
      {{}, "SEED|PLAN is required"},
      {{"3"}, "--scenario is missing"},
      {{lonely}, "give --scenario FILE"},
      {{"/no/such.textproto", "--scenario", good}, "/no/such.textproto: cannot be opened"},
      {{"3", "--scenario", good, "--jobs", "0"}, "--jobs"},
      {{"3", "--scenario", good, "--out", "/no/such/folder/p"}, "cannot be written"},
      {{"3", "--scenario", good, "--regressions", good}, "is no folder"},
      {{seed, "--scenario", file_, "--out", testing::TempDir() + "/other.textproto"},
       "is there and no state of a minimisation"},
  };
  for (const auto& [words, message] : cases) {
    std::vector<std::string> all = {"minimise"};
    all.insert(all.end(), words.begin(), words.end());
    if (std::find(words.begin(), words.end(), "--out") == words.end()) {
      all.insert(all.end(), {"--out", out_});
    }
    const Output run = Verb(all);
    EXPECT_EQ(run.code, 2) << message << run.err;
    EXPECT_NE(run.err.find(message), std::string::npos) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_FALSE(Exists(out_) || Exists(out_ + ".state"));
  }
  EXPECT_EQ(ReadAll(no_state), "mine\n");
}

}  // namespace
}  // namespace orrery::sim
