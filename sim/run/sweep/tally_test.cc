// Goal: a tally and its reports are the same whatever the order of the runs; text from anywhere
// does no harm in them. Method: made-up runs, added in many orders.
#include "sim/run/sweep/tally.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/random.h"
#include "sim/run/sweep/sweep_report.h"

namespace orrery::sim {
namespace {

SweepParameters Parameters() {
  return {.scenarios = {{"ledger", "ledger.toml", 1}, {"a|b<c>", "b.toml", 2}},
          .first_seed = 1,
          .last_seed = 20,
          .knobs = {},
          .probes = {"log.full", "rare", "sync.slow"},
          .not_merged = {}};
}

std::vector<SweptRun> Runs() {
  std::vector<SweptRun> runs;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (uint32_t scenario = 0; scenario < 2; ++scenario) {
      SweptRun run;
      run.run = {scenario, seed};
      run.events = 1000 - seed / 3;  // Several have the fewest.
      run.simulated = Seconds(30);
      run.faults = seed;
      run.hash = seed * 17;
      run.probes = std::string(1, static_cast<char>(seed == 5 ? 5 : 4));
      if (seed % 4 == 0) run.signature = run.kind = "leak";
      if (seed % 5 == 1 && scenario == 1) {
        run.kind = "check";
        run.signature = "check ring: <b> \"#\" & | `x`";
        run.text = "ring \x01 <b> ]]> & \"" + std::to_string(seed) + "\"\nsecond line";
      }
      runs.push_back(run);
    }
  }
  return runs;
}

struct Reports {
  std::string json;
  std::string markdown;
  std::string junit;
};

Reports ReportsOf(const std::vector<SweptRun>& runs) {
  Tally tally(Parameters());
  for (const SweptRun& run : runs) tally.Add(run);
  const SweepReport report = {
      .tally = tally, .program = "orrery", .dark = std::vector<std::string>{"rare"}};
  return {ReportJson(report), ReportMarkdown(report), ReportJunit(report)};
}

TEST(Tally, IsTheSameInAnyOrder) {
  std::vector<SweptRun> runs = Runs();
  const Reports wanted = ReportsOf(runs);
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    for (size_t i = runs.size(); i > 1; --i) std::swap(runs[i - 1], runs[random.Below(i)]);
    const Reports reports = ReportsOf(runs);
    ASSERT_EQ(reports.json, wanted.json);
    ASSERT_EQ(reports.markdown, wanted.markdown);
    ASSERT_EQ(reports.junit, wanted.junit);
  }
}

TEST(Tally, GroupsByBug) {
  Tally tally(Parameters());
  size_t firsts = 0;
  for (const SweptRun& run : Runs()) firsts += tally.Add(run) ? 1 : 0;
  EXPECT_EQ(firsts, 2u);
  EXPECT_EQ(tally.Sum().runs, 40u);
  EXPECT_EQ(tally.Sum().failed, 13u);
  EXPECT_TRUE(tally.complete());
  const std::vector<const Bug*> bugs = tally.Bugs();
  ASSERT_EQ(bugs.size(), 2u);
  EXPECT_EQ(bugs[0]->signature, "leak");
  EXPECT_EQ(bugs[0]->count, 9u) << "at seed 16 the check failed first";
  EXPECT_EQ(bugs[0]->cheapest, (SeedOfScenario{0, 20}));
  EXPECT_EQ(bugs[1]->count, 4u);
  EXPECT_EQ(bugs[1]->cheapest, (SeedOfScenario{1, 16}));
  EXPECT_EQ(bugs[1]->scenarios.size(), 1u);
  EXPECT_EQ(tally.ProbesReached(), (std::vector<std::string>{"log.full", "sync.slow"}));
  EXPECT_EQ(tally.ProbesNeverReached(), std::vector<std::string>{"rare"});
  EXPECT_EQ(tally.probe_runs()[0], 2u);
}

TEST(Tally, ARunMadeAgainIsNoRunOfItsOwn) {
  Tally tally(Parameters());
  SweptRun run;
  run.run = {0, 1};
  run.signature = run.kind = "check";
  EXPECT_TRUE(tally.Add(run));
  run.rerun = true;
  run.signature = run.kind = "nondeterminism";
  EXPECT_TRUE(tally.Add(run));
  EXPECT_EQ(tally.Sum().runs, 1u);
  EXPECT_EQ(tally.Sum().failed, 1u);
  EXPECT_EQ(tally.bug_count(), 2u);
}

TEST(Tally, NamesOfBugs) {
  EXPECT_TRUE(BugName("leak").starts_with("leak-"));
  EXPECT_EQ(BugName("leak").size(), 9u);
  const std::string name =
      BugName("invariant txn/proxy/commit_pipeline.cc: version > last_version_of_everything");
  EXPECT_TRUE(name.starts_with("invariant-txn-proxy-commit-pipeline-cc-")) << name;
  EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
  EXPECT_LE(name.size(), 50u);
  EXPECT_NE(BugName("check a"), BugName("check  a"));
}

TEST(SweepReport, TextFromAnywhereDoesNoHarm) {
  const Reports reports = ReportsOf(Runs());
  EXPECT_NE(reports.junit.find("message=\"check ring: &lt;b&gt; &quot;#&quot; &amp; | `x`\""),
            std::string::npos)
      << reports.junit;
  EXPECT_NE(reports.junit.find("name=\"a|b&lt;c&gt;\""), std::string::npos);
  EXPECT_EQ(reports.junit.find('\x01'), std::string::npos);
  EXPECT_NE(reports.markdown.find("| a\\|b\\<c\\> |"), std::string::npos) << reports.markdown;
  EXPECT_NE(reports.markdown.find("    check ring: <b> \"#\" & | `x`\n"), std::string::npos);
  EXPECT_NE(reports.json.find("\\u0001 <b> ]]>"), std::string::npos) << reports.json;
}

TEST(SweepReport, WhatIsMissingIsTold) {
  Tally part(Parameters());
  part.Add(Runs()[0]);
  EXPECT_FALSE(part.complete());
  EXPECT_EQ(DescribeVerdict(part), "passed, not complete: 1 of 40 runs");
  const SweepReport report = {.tally = part, .program = "orrery", .dark = {}};
  EXPECT_NE(ReportJunit(report).find("<failure type=\"sweep\" message=\"passed, not complete"),
            std::string::npos);
  EXPECT_NE(ReportJunit(report).find("<skipped"), std::string::npos);
  SweepParameters parameters = Parameters();
  parameters.shards = 4;
  parameters.not_merged = {1, 3};
  EXPECT_EQ(DescribeVerdict(Tally(parameters)), "passed, shards 2 4 of 4 missing");
}

}  // namespace
}  // namespace orrery::sim
