// Goal: every PROBE of an executable is known once and counted right, wherever it stands. Method:
// probes in inline functions, templates, members, coroutines and dead code of two sources, linked
// with sections dropped; the build runs it in every configuration.
#include "core/observe/probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/async/manual_loop.h"
#include "core/async/task_group.h"
#include "core/observe/probe_sites_for_test.h"

namespace orrery {
namespace {

size_t Sites(std::string_view name) {
  const auto sites = AllProbeSites();
  return static_cast<size_t>(std::count_if(sites.begin(), sites.end(), [&](const ProbeSite& s) {
    return std::string_view(s.name) == name;
  }));
}

uint64_t Count(const Probes& probes, std::string_view name) {
  for (const ProbeCount& probe : ProbeReport(probes)) {
    if (probe.name == name) return probe.count;
  }
  ADD_FAILURE() << "no probe " << name;
  return 0;
}

TEST(ProbeTest, SitesAreWholeAndKnownOnce) {
  for (const ProbeSite& site : AllProbeSites()) {
    ASSERT_NE(site.name, nullptr);
    EXPECT_TRUE(std::string(site.name).starts_with("test."));
    EXPECT_TRUE(std::string(site.file).find("core/observe/") != std::string::npos) << site.file;
    EXPECT_GT(site.line, 0u);
  }
  EXPECT_EQ(Sites("test.inline"), 1u);
  EXPECT_EQ(Sites("test.member"), 1u);
  EXPECT_EQ(Sites("test.coroutine.begin"), 1u);
  EXPECT_EQ(Sites("test.template"), 3u);  // int, long, and double below.
  EXPECT_EQ(Sites("test.many"), 100u);
  EXPECT_EQ(Sites("test.same_name"), 2u);
  EXPECT_EQ(Sites("test.never_called"), 1u);
}

TEST(ProbeTest, CountsPerEnv) {
  ProbedEnv env;
  ProbedEnv other;
  PassInline(env);
  PassTemplate(env, 1);
  PassTemplate(env, 1.0);
  ProbedClass().Pass(env);
  for (int i = 0; i < 3; ++i) PROBE(env, "test.same_name");
  PassAllElsewhere(env);
  PassAllElsewhere(other);
  EXPECT_EQ(Count(env.counts, "test.inline"), 2u);
  EXPECT_EQ(Count(env.counts, "test.template"), 4u);
  EXPECT_EQ(Count(env.counts, "test.member"), 2u);
  EXPECT_EQ(Count(env.counts, "test.many"), 100u);
  EXPECT_EQ(Count(env.counts, "test.same_name"), 4u);
  EXPECT_EQ(Count(env.counts, "test.never_called"), 0u);
  EXPECT_EQ(Count(other.counts, "test.same_name"), 1u);

  env.counts.Merge(other.counts);
  EXPECT_EQ(Count(env.counts, "test.many"), 200u);
  EXPECT_EQ(Count(env.counts, "test.same_name"), 5u);
}

TEST(ProbeTest, Coroutines) {
  ProbedEnv env;
  ManualLoop loop;
  TaskGroup group(loop, [](std::string_view, absl::Status) { ADD_FAILURE(); });
  Future<absl::Status> done = group.Start("probed", [](ProbedEnv* probed) -> Task<absl::Status> {
    co_return co_await PassCoroutine(probed, 4) == 10 ? absl::OkStatus()
                                                      : Error(ErrorCode::internal_error);
  }(&env));
  loop.Run();
  EXPECT_TRUE(done.ready());
  EXPECT_EQ(Count(env.counts, "test.coroutine.begin"), 5u);
  EXPECT_EQ(Count(env.counts, "test.coroutine.end"), 5u);
}

TEST(ProbeTest, ReportIsSortedByName) {
  const auto report = ProbeReport(Probes());
  ASSERT_GT(report.size(), 5u);
  for (size_t i = 1; i < report.size(); ++i) EXPECT_LT(report[i - 1].name, report[i].name);
}

}  // namespace
}  // namespace orrery
