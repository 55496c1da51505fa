// Goal: the verb explain makes a picture of every run, whatever becomes of it, without changing it;
// bad input is one line on standard error, exit code 2, and nothing run or written.
// Method: SimMain in this process on the system of sim/run's tests, with its defects planted.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/run/command_line.h"
#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

struct Output {
  int code;
  std::string out;
  std::string err;
};

Output Verb(const char* verb, std::vector<std::string> words) {
  words.insert(words.begin(), {"ping", verb});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = SimMain(static_cast<int>(words.size()), argv.data(), PingSystem());
  std::fflush(nullptr);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

Output Explain(std::vector<std::string> words) { return Verb("explain", std::move(words)); }

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

std::string Member(const std::string& json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 3;
  return json.substr(begin, json.find_first_of(",}", begin) - begin);
}

class ExplainTest : public testing::Test {
 protected:
  std::string Scenario(const std::string& plant, const std::string& workload = "",
                       const std::string& more = "") {
    return WriteFile(plant + ".toml", PingToml(plant, workload, more));
  }
  const std::string page_ = testing::TempDir() + "/page.html";
  void SetUp() override { unlink(page_.c_str()); }
};

TEST_F(ExplainTest, ARunThatPasses) {
  const Output run = Explain({"3", "--scenario", Scenario("none"), "--out", page_});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(run.out.starts_with("run passed, ")) << run.out;
  EXPECT_TRUE(run.out.ends_with(" events, written to " + page_ + "\n")) << run.out;
  const std::string page = Contents(page_);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(Has(page, "ping, seed 3: passed"));
  for (const char* const lane : {"ping-0", "ping-1", "ping-2", "client-0", "client-1"}) {
    EXPECT_TRUE(Has(page, "{\"process\":\"" + std::string(lane) + "\"")) << lane;
  }
  for (const char* const phase : {"setup", "faults", "liveness", "check"}) {
    EXPECT_TRUE(Has(page, "{\"name\":\"" + std::string(phase) + "\"")) << phase;
  }
}

TEST_F(ExplainTest, LookingOnChangesNothing) {
  const std::string scenario = Scenario(
      "none", "", "[faults]\nkinds = [\"process\", \"network\"]\nmean_interval = \"1s\"\n");
  for (const char* const seed : {"1", "2", "3"}) {
    const Output plain = Verb("sim", {"--scenario", scenario, "--seed", seed, "-o", "json"});
    const Output seen = Explain({seed, "--scenario", scenario, "--out", page_});
    EXPECT_EQ(seen.code, 0) << seen.err;
    const std::string hash = Member(plain.out, "hash");
    EXPECT_EQ(hash.size(), 18u) << plain.out;
    EXPECT_TRUE(Has(Contents(page_), "[\"hash\"," + hash + "]")) << hash;
  }
}

// Each way for a run to fail is pictured up to there, at the process that it failed in.
TEST_F(ExplainTest, EveryFailure) {
  struct Case {
    const char* plant;
    const char* kind;
    bool of_server;
  };
  constexpr Case kCases[] = {
    {"error_event", "error_event", true},
    {"invariant", "invariant", true},
    {"signal", "crash", true},
    {"hang", "hang", true},
    {"deaf", "liveness", false},
#if !__has_feature(address_sanitizer)  // It has an accounting of leaks of its own.
    {"leak", "leak", false},
#endif
  };
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.plant);
    const Output run = Explain({"3", "--scenario", Scenario(each.plant), "--out", page_, "--text",
                                "--knob", "run_hang_cpu_max=300ms"});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_TRUE(Has(run.out, "ping, seed 3: FAILED\n  " + std::string(each.kind) + " at "))
        << run.out;
    EXPECT_TRUE(Has(run.out, "run FAILED, ")) << run.out;
    const std::string page = Contents(page_);
    EXPECT_TRUE(Has(page, "ping, seed 3: FAILED, " + std::string(each.kind)));
    // The line of the failure names the process.
    const size_t at = run.out.find("  FAILED " + std::string(each.kind));
    ASSERT_NE(at, std::string::npos) << run.out;
    const std::string line =
        run.out.substr(run.out.rfind('\n', at) + 1, at - run.out.rfind('\n', at));
    EXPECT_EQ(Has(line, "ping-"), each.of_server) << line;
  }
}

TEST_F(ExplainTest, AFailedCheckIsAtItsClient) {
  const Output run = Explain(
      {"3", "--scenario", Scenario("none", "fail_in = \"check\""), "--text", "--lines", "5"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(Has(run.out, "client-0  FAILED check: ping: Check on client 0: ")) << run.out;
  EXPECT_TRUE(Has(run.out, "\nreplay: ping sim --scenario ")) << run.out;
}

TEST_F(ExplainTest, APlanFindsItsScenarioAndPutsItsPageBesideItself) {
  const std::string folder = testing::TempDir() + "/plans";
  mkdir(folder.c_str(), 0755);
  const std::string scenario =
      WriteFile("plans/ping.toml",
                PingToml("none", "", "[faults]\nkinds = [\"process\"]\nmean_interval = \"1s\"\n"));
  const std::string plan = folder + "/found.7.textproto";
  ASSERT_EQ(Verb("sim", {"--scenario", scenario, "--seed", "7", "--save-plan", plan}).code, 0);
  const Output run = Explain({plan});
  EXPECT_EQ(run.code, 0) << run.err;
  const std::string page = Contents(folder + "/found.7.html");
  EXPECT_TRUE(Has(page, "ping, seed 7: passed"));
  EXPECT_TRUE(Has(page, "--plan " + plan)) << "the replay command";
  EXPECT_TRUE(Has(page, "\"faults\":[{\"event\":"));
}

TEST_F(ExplainTest, JsonIsOneObjectInOneLine) {
  const Output run =
      Explain({"3", "--scenario", Scenario("error_event"), "--out", page_, "-o", "json"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1);
  EXPECT_EQ(Member(run.out, "verdict"), "\"failed\"");
  EXPECT_EQ(Member(run.out, "kind"), "\"error_event\"");
  EXPECT_EQ(Member(run.out, "file"), "\"" + page_ + "\"");
  EXPECT_GT(std::stoi(Member(run.out, "events")), 10);
}

TEST_F(ExplainTest, BadInputRunsAndWritesNothing) {
  const std::string good = Scenario("none");
  const std::string plan = WriteFile("lost.textproto", "version: 1 seed: 1 scenario: \"nowhere\"");
  const std::vector<std::vector<std::string>> bad = {
      {},
      {"3"},
      {"3", "--scenario", "missing.toml"},
      {"missing.textproto"},
      {plan},
      {"99999999999999999999999", "--scenario", good},
      {"3", "--scenario", good, "--from", "soon"},
      {"3", "--scenario", good, "--from", "1.2.3s"},
      {"3", "--scenario", good, "--from", "5s", "--to", "4s"},
      {"3", "--scenario", good, "--lines", "0"},
      {"3", "--scenario", good, "--knob", "no_such=1"},
      {"3", "--scenario", good, "--out", "/no/such/folder/page.html"},
      {"3", "--scenario", good, "-o", "xml"},
  };
  for (std::vector<std::string> words : bad) {
    SCOPED_TRACE(testing::PrintToString(words));
    if (std::find(words.begin(), words.end(), "--out") == words.end() && !words.empty()) {
      words.insert(words.end(), {"--out", page_});
    }
    const Output run = Explain(words);
    EXPECT_EQ(run.code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_TRUE(run.err.starts_with("ping explain: ")) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_NE(access(page_.c_str(), F_OK), 0);
  }
  const Output help = Explain({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_TRUE(Has(help.out, "--from")) << help.out;
}

TEST_F(ExplainTest, DetailsOfAWindow) {
  const Output all = Explain({"3", "--scenario", Scenario("none"), "--out", page_});
  const std::string whole = Contents(page_);
  const Output some = Explain(
      {"3", "--scenario", Scenario("none"), "--out", page_, "--from", "1.5s", "--to", "2s"});
  EXPECT_EQ(some.code, 0) << some.err;
  const std::string page = Contents(page_);
  EXPECT_TRUE(Has(page, "\"details\":[[1500000000,2000000000]]"));
  EXPECT_TRUE(Has(whole, "\"details\":[[0,"));
}

}  // namespace
}  // namespace orrery::sim
