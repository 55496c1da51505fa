// Goal: the verb `sweep` does what its --help and sweep_report.h say, whatever becomes of its runs
// or of itself: it groups, records, goes on after a kill, merges shards byte for byte.
// Method: the ping system with a defect of each kind; sweeps in this process, and in one that is
// killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/json_object.h"
#include "sim/run/scenario.h"
#include "sim/run/sweep/journal.h"
#include "sim/run/testing/run_command.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

std::string Read(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.value_or("");
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class SweepTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ + "/scenarios");
  }

  // A scenario file of that name, with a defect.
  std::string Add(const std::string& name, const std::string& plant,
                  const std::string& workload = "") {
    const std::string path = root_ + "/scenarios/" + name + ".toml";
    std::string toml =
        PingToml(plant, workload,
                 std::string("[knobs]\nrun_memory_bytes_max = 200000000\nrun_hang_cpu_max = ") +
                     (plant == "hang" || plant == "spin" ? "\"300ms\"\n" : "\"20s\"\n"));
    toml.replace(toml.find("\"ping\""), 6, "\"" + name + "\"");
    FILE* const file = std::fopen(path.c_str(), "wb");
    EXPECT_NE(file, nullptr);
    std::fputs(toml.c_str(), file);
    std::fclose(file);
    return path;
  }

  std::vector<std::string> Words(std::vector<std::string> more) const {
    std::vector<std::string> words = {"sweep", "--scenarios", root_ + "/scenarios"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  CommandOutput RunSweep(std::vector<std::string> more) {
    return RunCommand(Words(std::move(more)));
  }

  std::string Out(const std::string& name) const { return root_ + "/" + name; }

  // The same as a process of its own.
  pid_t StartSweep(std::vector<std::string> more) {
    std::vector<std::string> words = Words(std::move(more));
    words.insert(words.begin(), "ping");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const int null = open("/dev/null", O_RDWR);
      dup2(null, STDOUT_FILENO);
      dup2(null, STDERR_FILENO);
      execv("/proc/self/exe", argv.data());
      _exit(127);
    }
    return child;
  }

  uint64_t RunsIn(const std::string& folder) {
    uint64_t runs = 0;
    const absl::Status read = ReadRuns(folder, [&runs](const SweptRun&) { ++runs; });
    return read.ok() ? runs : 0;
  }

  // Until the sweep in `folder` has made this many runs; false when it ended first.
  bool AwaitRuns(pid_t sweep, const std::string& folder, uint64_t runs) {
    while (RunsIn(folder) < runs) {
      if (waitpid(sweep, nullptr, WNOHANG) != 0) return false;
      poll(nullptr, 0, 5);
    }
    return true;
  }

  const std::string root_ = testing::TempDir() + "/sweep";
};

TEST_F(SweepTest, AllPass) {
  Add("one", "none");
  Add("two", "none");
  const CommandOutput run = RunSweep({"--seeds", "1-10", "--out", Out("out"), "--jobs", "3"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(run.out.starts_with(
      "20 runs of 2 scenarios, --seeds 1-10: 20 passed, 0 failed\nprobes: 2 of 2 reached\n"))
      << run.out;
  EXPECT_TRUE(run.out.ends_with("\nverdict: passed\n")) << run.out;
  EXPECT_FALSE(std::filesystem::exists(Out("out/failures")));
  const std::string json = Read(Out("out/report.json"));
  EXPECT_TRUE(Has(json, "{\"verdict\":\"passed\",\"complete\":true,\"seeds\":\"--seeds 1-10\""))
      << json;
  EXPECT_FALSE(Has(json, "\"checked\":0,\"events\"")) << "a sample is checked";
  EXPECT_TRUE(Read(Out("out/report.md")).starts_with("# Sweep: passed\n"));
  EXPECT_TRUE(Has(Read(Out("out/report.xml")), "tests=\"2\" failures=\"0\""));
  EXPECT_TRUE(Has(Read(Out("out/timing.json")), "\"seeds_per_core_hour\":"));
}

struct Kind {
  std::string plant;
  std::string workload;
  std::string signature;
  std::string folder;
};

class SweepOfKindTest : public SweepTest, public testing::WithParamInterface<Kind> {};

// Every kind of failure is that seed's, is named, and comes with what repeats it.
TEST_P(SweepOfKindTest, IsFoundAndRecorded) {
  const Kind& kind = GetParam();
  const bool by_check = kind.signature == "nondeterminism";
  Add("good", "none");
  Add("bad", kind.plant, kind.workload);
  const CommandOutput run =
      RunSweep({"--seeds", "1-2", "--out", Out("out"), "--check-one-in", by_check ? "1" : "2"});
  ASSERT_EQ(run.code, 1) << run.out << run.err;
  EXPECT_TRUE(Has(run.out, "4 runs of 2 scenarios, --seeds 1-2: 2 passed, 2 failed\n")) << run.out;
  EXPECT_TRUE(Has(run.out, "\n  2x " + kind.signature)) << run.out;
  EXPECT_TRUE(run.out.ends_with("\nverdict: FAILED, 1 bug\n")) << run.out;

  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(Out("out/failures"))) {
    folders.push_back(entry.path().filename());
  }
  ASSERT_EQ(folders.size(), 1u) << testing::PrintToString(folders);
  EXPECT_TRUE(folders[0].starts_with(kind.folder)) << folders[0];
  const std::string folder = Out("out/failures/") + folders[0];
  EXPECT_TRUE(Has(run.out, "ping replay " + folder + "/plan.textproto\n")) << run.out;
  EXPECT_EQ(Read(folder + "/bad.toml"), Read(root_ + "/scenarios/bad.toml"));
  EXPECT_TRUE(Has(Read(folder + "/outcome.txt"), "verdict: FAILED"));
  const absl::StatusOr<FaultPlan> plan = FaultPlanFromText(Read(folder + "/plan.textproto"));
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_TRUE(plan->outcome().signature().starts_with(kind.signature))
      << plan->outcome().signature();
  EXPECT_GT(plan->outcome().events(), 0u);
  EXPECT_EQ(plan->outcome().hash().size(), 16u);
  if (by_check) return;
  if (kind.plant == "error_event") {
    EXPECT_TRUE(Has(Read(folder + "/trace.jsonl"), "\"PingPlanted\""));
  }
  // What is in the folder repeats it.
  const CommandOutput again =
      RunCommand({"sim", "--scenario", folder + "/bad.toml", "--plan", folder + "/plan.textproto"});
  EXPECT_EQ(again.code, 1) << again.out;
  const CommandOutput replay = RunCommand({"replay", folder + "/plan.textproto"});
  EXPECT_EQ(replay.code, 1);
  EXPECT_TRUE(Has(replay.out, "compared with the recording " + folder + "/plan.orrc: "))
      << replay.out;
}

const Kind kKinds[] = {
#if __has_feature(address_sanitizer)  // Which tells of it itself.
    {"signal", "", "crash AddressSanitizer: SEGV", "crash-"},
#else
    {"signal", "", "crash signal Segmentation fault", "crash-"},
#endif
    {"killed", "", "crash signal Killed", "crash-signal-killed-"},
    {"exit", "", "crash exit code # before the end of the run", "crash-exit-code-"},
    {"invariant", "", "invariant sim/run/testing/ping_server.cc: server->pings < kFatalPing",
     "invariant-"},
    {"hang", "", "hang events without end", "hang-events-without-end-"},
    {"error_event", "", "error_event PingPlanted pings=#", "error-event-"},
    {"deaf", "", "liveness AwaitRecovered did not end", "liveness-"},
    {"clock", "", "nondeterminism", "nondeterminism-"},
    {"none", "fail_in = \"check\"", "check ping: Check: io_error", "check-"},
#if !__has_feature(address_sanitizer)
    {"spin", "", "hang in Misbehave", "hang-in-misbehave-"},
    {"memory", "", "crash out of memory", "crash-out-of-memory-"},
    {"leak", "", "leak", "leak-"},
#endif
};

INSTANTIATE_TEST_SUITE_P(Each, SweepOfKindTest, testing::ValuesIn(kKinds),
                         [](const auto& param) { return param.param.plant; });

TEST_F(SweepTest, AFolderIsOfTheCheapestRun) {
  Add("bad", "invariant");
  const CommandOutput run = RunSweep({"--seeds", "1-20", "--out", Out("out"), "-o", "json"});
  ASSERT_EQ(run.code, 1);
  uint64_t fewest = UINT64_MAX;
  uint64_t seed = 0;
  ASSERT_TRUE(ReadRuns(Out("out"), [&](const SweptRun& swept) {
                if (std::tie(swept.events, swept.run.seed) >= std::tie(fewest, seed)) return;
                fewest = swept.events;
                seed = swept.run.seed;
              }).ok());
  const auto folder = *std::filesystem::directory_iterator(Out("out/failures"));
  const absl::StatusOr<FaultPlan> plan =
      FaultPlanFromText(Read(folder.path().native() + "/plan.textproto"));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->seed(), seed);
  EXPECT_EQ(plan->outcome().events(), fewest);
  EXPECT_TRUE(Has(run.out, "\"cheapest\":{\"scenario\":\"bad\",\"seed\":" + std::to_string(seed)))
      << run.out;
}

TEST_F(SweepTest, ItStopsAtTheFirstFailure) {
  Add("good", "none");
  Add("late", "none", "answers_min = 395");  // Holds in some seeds.
  const CommandOutput run =
      RunSweep({"--seeds", "1-1000", "--until-failure", "--jobs", "1", "-o", "json"});
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_TRUE(Has(run.out, "\"first_failure\":{\"scenario\":\"late\",\"seed\":")) << run.out;
  EXPECT_TRUE(Has(run.out, "\"failed\":1,")) << run.out;
  EXPECT_TRUE(Has(run.out, "\"signature\":\"check ping: Check: at least # answers")) << run.out;
  EXPECT_FALSE(Has(run.out, "\"cpu_seconds\":0.000,"));
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1);
  Add("late", "none");
  const CommandOutput none = RunSweep({"--seeds", "1-2", "--until-failure", "-o", "json"});
  EXPECT_EQ(none.code, 0);
  EXPECT_TRUE(none.out.ends_with("\"first_failure\":null}\n")) << none.out;
}

TEST_F(SweepTest, TimeEndsItAndIsShared) {
  Add("short", "none");
  Add("long", "none", "interval = \"2ms\"");
  const CommandOutput run =
      RunSweep({"--minutes", "0.05", "--out", Out("out"), "--check-one-in", "0"});
  EXPECT_EQ(run.code, 0) << run.out;
  Duration cpu[2] = {};
  uint64_t runs[2] = {};
  ASSERT_TRUE(ReadRuns(Out("out"), [&](const SweptRun& swept) {
                cpu[swept.run.scenario] += swept.cpu;
                ++runs[swept.run.scenario];
              }).ok());
  EXPECT_GT(runs[1], runs[0]) << "the long one comes first by name";
  EXPECT_LT(cpu[0], cpu[1] * 2);
  EXPECT_LT(cpu[1], cpu[0] * 2);
  // The time is over: the same command has nothing more to do.
  const uint64_t before = RunsIn(Out("out"));
  EXPECT_EQ(RunSweep({"--minutes", "0.05", "--out", Out("out"), "--check-one-in", "0"}).code, 0);
  EXPECT_EQ(RunsIn(Out("out")), before);
}

const std::vector<std::string> kManySeeds = {"--seeds", "1-150", "--check-one-in", "10"};

std::vector<std::string> With(std::vector<std::string> words, std::vector<std::string> more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(SweepTest, KilledItGoesOn) {
  Add("good", "none");
  Add("bad", "error_event");
  ASSERT_EQ(RunSweep(With(kManySeeds, {"--out", Out("whole")})).code, 1);
  int kills = 0;
  for (const uint64_t runs : {1u, 40u, 120u, 200u}) {
    const pid_t sweep = StartSweep(With(kManySeeds, {"--out", Out("killed"), "--jobs", "3"}));
    if (!AwaitRuns(sweep, Out("killed"), runs)) break;
    kill(sweep, SIGKILL);
    ASSERT_EQ(waitpid(sweep, nullptr, 0), sweep);
    ++kills;
  }
  EXPECT_GE(kills, 2) << "it was over too soon to be killed";
  const CommandOutput rest = RunSweep(With(kManySeeds, {"--out", Out("killed")}));
  EXPECT_EQ(rest.code, 1);
  EXPECT_TRUE(Has(rest.err, ": goes on after ")) << rest.err;
  EXPECT_EQ(RunsIn(Out("killed")), 300u);
  for (const char* report : {"report.json", "report.md", "report.xml"}) {
    EXPECT_EQ(Read(Out("killed/") + report), Read(Out("whole/") + report));
  }
}

TEST_F(SweepTest, InterruptedItEndsCleanlyAndGoesOn) {
  Add("good", "none");
  Add("bad", "error_event");
  const std::vector<std::string> words =
      With({"--seeds", "1-100000"}, {"--out", Out("out"), "--jobs", "2"});
  const pid_t sweep = StartSweep(words);
  ASSERT_TRUE(AwaitRuns(sweep, Out("out"), 30));
  kill(sweep, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(sweep, &status, 0), sweep);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1) << "by its verdict so far";
  EXPECT_TRUE(Has(Read(Out("out/report.json")), "\"complete\":false"));
  EXPECT_TRUE(Has(Read(Out("out/report.xml")), "not complete"));
  const auto folder = *std::filesystem::directory_iterator(Out("out/failures"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "plan.textproto"));
  const uint64_t before = RunsIn(Out("out"));
  const pid_t again = StartSweep(words);
  ASSERT_TRUE(AwaitRuns(again, Out("out"), before + 10));
  kill(again, SIGTERM);
  ASSERT_EQ(waitpid(again, &status, 0), again);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(SweepTest, ShardsMergeByteForByte) {
  Add("a", "none");
  Add("b", "error_event");
  Add("c", "invariant");
  Add("d", "none", "answers_min = 395");
  const std::vector<std::string> seeds = {"--seeds", "5-30", "--check-one-in", "7"};
  ASSERT_EQ(RunSweep(With(seeds, {"--out", Out("whole")})).code, 1);
  std::vector<std::string> merge = {"sweep", "merge", "--out", Out("merged")};
  for (const std::string shard : {"3", "1", "2"}) {
    const CommandOutput run =
        RunSweep(With(seeds, {"--shard", shard + "/3", "--out", Out("shard" + shard)}));
    EXPECT_EQ(run.code, 1) << run.err;
    merge.push_back(Out("shard" + shard));
  }
  const CommandOutput merged = RunCommand(merge);
  EXPECT_EQ(merged.code, 1) << merged.err;
  EXPECT_EQ(merged.err, "");
  EXPECT_TRUE(Has(merged.out, "104 runs of 4 scenarios, --seeds 5-30: ")) << merged.out;
  for (const char* report : {"report.json", "report.md", "report.xml"}) {
    EXPECT_EQ(Read(Out("merged/") + report), Read(Out("whole/") + report));
    EXPECT_NE(Read(Out("shard1/") + report), Read(Out("whole/") + report));
  }
  // The same runs are recorded, and a merge is a sweep to ask about.
  for (const auto& bug : std::filesystem::directory_iterator(Out("whole/failures"))) {
    const std::string name = bug.path().filename();
    EXPECT_EQ(Read(Out("merged/failures/") + name + "/plan.textproto"),
              Read(bug.path().native() + "/plan.textproto"));
  }
  EXPECT_EQ(RunCommand({"sweep", "probes", Out("merged")}).out,
            RunCommand({"sweep", "probes", Out("whole")}).out);
  EXPECT_EQ(RunCommand(merge).code, 2) << "the folder holds a sweep already";
}

TEST_F(SweepTest, AShardThatIsMissingIsToldAndFails) {
  Add("a", "none");
  for (const std::string shard : {"1", "3"}) {
    EXPECT_EQ(
        RunSweep({"--seeds", "1-9", "--shard", shard + "/3", "--out", Out("shard" + shard)}).code,
        0);
  }
  const CommandOutput merged =
      RunCommand({"sweep", "merge", "--out", Out("merged"), Out("shard1"), Out("shard3")});
  EXPECT_EQ(merged.code, 1);
  EXPECT_TRUE(merged.out.ends_with("verdict: passed, shard 2 of 3 missing\n")) << merged.out;
  EXPECT_TRUE(Has(Read(Out("merged/report.json")), "\"shards_missing\":[2]"));
}

TEST_F(SweepTest, MergesRefuseWhatDoesNotFit) {
  Add("a", "none");
  ASSERT_EQ(RunSweep({"--seeds", "1-4", "--shard", "1/2", "--out", Out("one")}).code, 0);
  ASSERT_EQ(RunSweep({"--seeds", "1-5", "--shard", "2/2", "--out", Out("two")}).code, 0);
  for (const std::vector<std::string>& shards : std::vector<std::vector<std::string>>{
           {}, {Out("one"), Out("two")}, {Out("one"), Out("one")}, {Out("one"), Out("none")}}) {
    std::vector<std::string> words = {"sweep", "merge", "--out", Out("merged")};
    words.insert(words.end(), shards.begin(), shards.end());
    const CommandOutput merged = RunCommand(words);
    EXPECT_EQ(merged.code, 2);
    EXPECT_EQ(std::count(merged.err.begin(), merged.err.end(), '\n'), 1) << merged.err;
    EXPECT_FALSE(std::filesystem::exists(Out("merged")));
  }
}

TEST_F(SweepTest, ProbesAreTold) {
  Add("a", "none");
  Add("lost", "invariant");
  ASSERT_EQ(RunSweep({"--seeds", "1-15", "--out", Out("out")}).code, 1);
  const CommandOutput table = RunCommand({"sweep", "probes", Out("out")});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out,
            "2 of 2 probes reached in 30 runs\n"
            "          15  ping.answered\n"
            "          15  ping.created\n");
  const CommandOutput seeds = RunCommand({"sweep", "probes", Out("out"), "ping.answered"});
  EXPECT_TRUE(seeds.out.starts_with("ping.answered was reached in 15 runs\n  a.toml --seed "))
      << seeds.out;
  EXPECT_EQ(std::count(seeds.out.begin(), seeds.out.end(), '\n'), 11);
  EXPECT_TRUE(RunCommand({"sweep", "probes", Out("out"), "ping.created", "-o", "json"})
                  .out.starts_with(
                      "{\"probe\":\"ping.created\",\"runs\":15,\"seeds\":[{\"scenario\":\"a\""));
  EXPECT_EQ(RunCommand({"sweep", "probes", Out("out"), "nope"}).code, 2);
  EXPECT_EQ(RunCommand({"sweep", "probes", root_}).code, 2);
}

TEST_F(SweepTest, ProbesThatWentDarkAreTold) {
  Add("a", "none");
  ASSERT_EQ(RunSweep({"--seeds", "1-2", "--out", Out("before")}).code, 0);
  // A run that crashes tells of no probes.
  Add("a", "invariant");
  const CommandOutput run =
      RunSweep({"--seeds", "1-2", "--out", Out("now"), "--baseline", Out("before")});
  EXPECT_TRUE(Has(run.out,
                  "probes: 0 of 2 reached, 2 went dark since the baseline\n"
                  "  dark: ping.answered\n  dark: ping.created\n"))
      << run.out;
  EXPECT_TRUE(Has(Read(Out("now/report.md")),
                  "**Went dark since the baseline:** `ping.answered`, `ping.created`"));
  EXPECT_TRUE(Has(Read(Out("now/report.json")), "\"dark\":[\"ping.answered\",\"ping.created\"]"));
}

TEST_F(SweepTest, WithoutAFolderNothingIsWritten) {
  const std::string file = Add("bad", "error_event");
  const CommandOutput run = RunSweep({"--seeds", "1-3", "--knob", "ping_answer_delay=1ms"});
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(Has(run.out, "ping sim --scenario " + file + " --seed ")) << run.out;
  EXPECT_TRUE(Has(run.out, " --knob ping_answer_delay=1ms\n")) << run.out;
  EXPECT_TRUE(std::filesystem::is_empty(root_) ||
              std::distance(std::filesystem::directory_iterator(root_), {}) == 1);
}

// A limit of this process, for as long as it lives.
class LimitTo {
 public:
  LimitTo(int resource, rlim_t most) : resource_(resource) {
    getrlimit(resource, &before_);
    const rlimit few{.rlim_cur = most, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(resource, &few), 0);
  }
  ~LimitTo() { setrlimit(resource_, &before_); }

 private:
  const int resource_;
  rlimit before_{};
};

TEST_F(SweepTest, AMachineWithLittleRoomIsWaitedFor) {
  Add("good", "none");
  Add("bad", "error_event");
  const std::vector<std::string> seeds = {"--seeds", "1-20", "--check-one-in", "0", "--jobs", "6"};
  ASSERT_EQ(RunSweep(With(seeds, {"--out", Out("whole")})).code, 1);
  const int next = open("/dev/null", O_RDONLY);
  close(next);
  CommandOutput run;
  {
    // The output of the command is captured in two files; the journal is one; a run has four ends.
    const LimitTo files(RLIMIT_NOFILE, static_cast<rlim_t>(next) + 12);
    run = RunSweep(With(seeds, {"--out", Out("tight")}));
  }
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_EQ(RunsIn(Out("tight")), 40u);
  EXPECT_EQ(Read(Out("tight/report.json")), Read(Out("whole/report.json")));
}

TEST_F(SweepTest, AFullDiskIsTold) {
  Add("good", "none");
  const auto old = signal(SIGXFSZ, SIG_IGN);
  CommandOutput run;
  {
    const LimitTo bytes(RLIMIT_FSIZE, 1000);
    run = RunSweep({"--seeds", "1-100", "--out", Out("out")});
  }
  signal(SIGXFSZ, old);
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(run.err.ends_with("ping sweep: ended early: " + Out("out") +
                                "/journal: cannot be written: File too large\n"))
      << run.err;
  // With room again it goes on.
  EXPECT_EQ(RunSweep({"--seeds", "1-100", "--out", Out("out")}).code, 0);
  EXPECT_EQ(RunsIn(Out("out")), 100u);
}

#if !__has_feature(address_sanitizer)  // It keeps what was freed for a while.
TEST_F(SweepTest, MemoryIsFlat) {
  Add("good", "none");
  // The journal of an earlier process is read without being kept.
  const auto peak_kilobytes = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  ASSERT_EQ(RunSweep({"--seeds", "1-50", "--out", Out("out")}).code, 0);
  const long before = peak_kilobytes();
  ASSERT_EQ(RunSweep({"--seeds", "1-600", "--out", Out("more"), "--check-one-in", "0"}).code, 0);
  ASSERT_EQ(RunSweep({"--seeds", "1-600", "--out", Out("more"), "--check-one-in", "0"}).code, 0);
  EXPECT_LT(peak_kilobytes() - before, 2000);
}
#endif

TEST_F(SweepTest, BadInputIsOneLineAndNothingElse) {
  const std::string good = Add("good", "none");
  const std::string bad = WriteFile("bad.toml", "name = \n");
  const std::string same = WriteFile("same.toml", Read(good));
  std::filesystem::create_directories(root_ + "/empty");
  const std::vector<std::vector<std::string>> kCases = {
      {"--scenario", good},
      {"--seeds", "1-3"},
      {"--scenario", good, "--seeds", "1-3", "--minutes", "1"},
      {"--scenario", good, "--seeds", "3-1"},
      {"--scenario", good, "--seeds", "1-x"},
      {"--scenario", good, "--seeds", "-1"},
      {"--scenario", good, "--seeds", "0-18446744073709551615"},
      {"--scenario", good, "--minutes", "0"},
      {"--scenario", good, "--minutes", "soon"},
      {"--scenario", good, "--minutes", "1.2345"},
      {"--scenario", good, "--minutes", "1", "--first-seed", "x"},
      {"--scenario", good, "--seeds", "1-3", "--first-seed", "1"},
      {"--scenario", good, "--seeds", "1-3", "--shard", "0/3"},
      {"--scenario", good, "--seeds", "1-3", "--shard", "4/3"},
      {"--scenario", good, "--seeds", "1-3", "--shard", "3"},
      {"--scenario", good, "--seeds", "1-3", "--jobs", "0"},
      {"--scenario", good, "--seeds", "1-3", "--jobs", "5000"},
      {"--scenario", good, "--seeds", "1-3", "--knob", "nope=1"},
      {"--scenario", good, "--seeds", "1-3", "--baseline", "/no/such"},
      {"--scenario", good, "--seeds", "1-3", "--speed", "7"},
      {"--scenario", good, "--seeds", "1-3", "-o", "xml"},
      {"--scenario", good, "--seeds", "1-3", "extra"},
      {"--scenario", good, "--scenario", bad, "--seeds", "1-3"},
      {"--scenario", good, "--scenario", same, "--seeds", "1-3"},
      {"--scenario", good, "--scenario", good, "--seeds", "1-3"},
      {"--scenario", "/no/such.toml", "--seeds", "1-3"},
      {"--scenarios", root_ + "/empty", "--seeds", "1-3"},
      {"--scenarios", "/no/such", "--seeds", "1-3"},
  };
  for (std::vector<std::string> words : kCases) {
    words.insert(words.begin(), "sweep");
    words.insert(words.end(), {"--out", Out("out")});
    const CommandOutput run = RunCommand(words);
    const std::string shown = testing::PrintToString(words) + "\n" + run.err;
    EXPECT_EQ(run.code, 2) << shown;
    EXPECT_EQ(run.out, "") << shown;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << shown;
    EXPECT_TRUE(run.err.starts_with("ping sweep: ")) << shown;
    EXPECT_FALSE(std::filesystem::exists(Out("out"))) << shown;
  }
  EXPECT_EQ(RunCommand({"sweep", "--help"}).code, 0);
  EXPECT_EQ(RunCommand({"sweep", "merge", "--help"}).code, 0);
  EXPECT_EQ(RunCommand({"sweep", "probes", "--help"}).code, 0);
  // Of a folder: it is left as it is.
  ASSERT_EQ(RunSweep({"--seeds", "1-2", "--out", Out("used")}).code, 0);
  const std::string journal = Read(Out("used/journal"));
  const CommandOutput other = RunSweep({"--seeds", "1-3", "--out", Out("used")});
  EXPECT_EQ(other.code, 2);
  EXPECT_EQ(other.err,
            "ping sweep: " + Out("used") +
                "/journal: is of another sweep: it was begun with --seeds 1-2, and this is "
                "--seeds 1-3; give another --out, or remove it\n");
  EXPECT_EQ(Read(Out("used/journal")), journal);
}

}  // namespace
}  // namespace orrery::sim
