// Goal: a run that is compared with a recording is told to be the same, or where it differs first,
// also when one of the two crashed or was ended early; recording and comparing change nothing.
// Method: recordings of the ping system, and runs of the same seed with a knob or a defect changed.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/hash.h"
#include "sim/run/recording_file.h"
#include "sim/run/report.h"
#include "sim/run/run_observer.h"
#include "sim/run/runner.h"
#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

// A run of seed 7 that records, compares, or ends early, as `change` makes of its request.
template <class Change>
RunResult RunWith(const std::string& toml, Change change) {
  const PingSystem system;
  const Scenario scenario = PingScenario(toml);
  RunRequest request = {.system = system, .scenario = scenario, .seed = 7};
  change(request);
  const absl::Status valid = ValidateRequest(request, "");
  EXPECT_TRUE(valid.ok()) << valid;
  return RunIsolated(request);
}

std::string RecordingOf(const std::string& name, const std::string& toml) {
  const std::string path = testing::TempDir() + "/" + name;
  RunWith(toml, [&path](RunRequest& request) { request.recording_file = path; });
  return path;
}

RunResult CompareWith(const std::string& recording, const std::string& toml) {
  return RunWith(toml, [&recording](RunRequest& request) { request.compare_with = recording; });
}

TEST(Comparison, TheSameRunIsTheSame) {
  const std::string toml = PingToml();
  const RunResult plain = RunWith(toml, [](RunRequest&) {});
  const std::string recording = RecordingOf("same", toml);
  const auto file = RecordingFile::Open(recording);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->entries(), plain.notes) << "recording changes nothing";
  EXPECT_EQ((*file)->hash(), plain.hash);
  const RunResult compared = CompareWith(recording, toml);
  EXPECT_TRUE(compared.passed()) << Summary(compared);
  EXPECT_EQ(compared.hash, plain.hash);
  ASSERT_TRUE(compared.comparison.has_value());
  EXPECT_FALSE(compared.comparison->divergence.has_value());
  EXPECT_EQ(compared.comparison->same, plain.notes);
  EXPECT_EQ(compared.comparison->recorded, plain.notes);
  EXPECT_FALSE(plain.comparison.has_value());
}

TEST(Comparison, TheFirstDifferenceIsTold) {
  const std::string recording = RecordingOf("slower", PingToml());
  const RunResult slower = RunWith(PingToml(), [&recording](RunRequest& request) {
    request.compare_with = recording;
    request.knobs = {"ping_answer_delay=3ms"};
  });
  EXPECT_TRUE(slower.passed()) << "to differ is no failure of the run";
  ASSERT_TRUE(slower.comparison.has_value());
  ASSERT_TRUE(slower.comparison->divergence.has_value());
  const Divergence& found = *slower.comparison->divergence;
  EXPECT_EQ(found.index(), slower.comparison->same + 1);
  EXPECT_EQ(found.before.size(), kEntriesBefore);
  EXPECT_EQ(found.before.back().index, slower.comparison->same);
  EXPECT_EQ(found.first.size(), kEntriesAfter);
  EXPECT_EQ(found.second.size(), kEntriesAfter);
  EXPECT_EQ(found.first[0].index, found.second[0].index);
  EXPECT_FALSE(found.first[0].SameAs(found.second[0]));
  const std::string text =
      DescribeDivergence(found, EntityNames(slower), "the recording:", "this run:");
  EXPECT_NE(text.find("first divergent event: #" + std::to_string(found.index())),
            std::string::npos);
  EXPECT_NE(text.find("ping-"), std::string::npos) << text;
}

TEST(Comparison, ACrashIsRecordedAndComparedToItsLastEntry) {
  const std::string toml = PingToml("invariant");
  const std::string recording = RecordingOf("crash", toml);
  const auto file = RecordingFile::Open(recording);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end(), RecordingEnd::kCut);
  const RunResult again = CompareWith(recording, toml);
  ASSERT_EQ(again.failures.size(), 1u) << Summary(again);
  EXPECT_EQ(again.failures[0].kind, "invariant");
  EXPECT_EQ(again.failures[0].event, again.notes + 1) << "the event that crashed";
  ASSERT_TRUE(again.comparison.has_value());
  EXPECT_FALSE(again.comparison->divergence.has_value());
  EXPECT_EQ(again.comparison->same, (*file)->entries());
  EXPECT_GT(again.comparison->same, again.notes) << "entries of the event that crashed";
}

TEST(Comparison, ACrashWhereTheRecordingGoesOnDiffers) {
  const std::string recording = RecordingOf("whole", PingToml());
  const RunResult crashed = CompareWith(recording, PingToml("signal"));
  ASSERT_FALSE(crashed.passed());
  ASSERT_TRUE(crashed.comparison.has_value());
  ASSERT_TRUE(crashed.comparison->divergence.has_value());
  const Divergence& found = *crashed.comparison->divergence;
  EXPECT_TRUE(found.second.empty()) << "this run ended";
  EXPECT_EQ(found.first.size(), kEntriesAfter);
  EXPECT_EQ(found.before.size(), kEntriesBefore);
  EXPECT_NE(DescribeDivergence(found, EntityNames(crashed), "a", "b").find("(ended here)"),
            std::string::npos);
}

TEST(Comparison, ADifferenceBeforeACrashIsNotLostInIt) {
  const std::string recording = RecordingOf("before_crash", PingToml());
  const RunResult crashed = RunWith(PingToml("signal"), [&recording](RunRequest& request) {
    request.compare_with = recording;
    request.knobs = {"ping_answer_delay=3ms"};
  });
  ASSERT_FALSE(crashed.passed());
  ASSERT_TRUE(crashed.comparison.has_value());
  ASSERT_TRUE(crashed.comparison->divergence.has_value());
  EXPECT_FALSE(crashed.comparison->divergence->first.empty());
  EXPECT_FALSE(crashed.comparison->divergence->second.empty());
}

TEST(Comparison, ARunThatGoesOnWhereTheRecordingEndsDiffers) {
  const std::string recording = RecordingOf("short", PingToml("error_event"));
  const RunResult longer = CompareWith(recording, PingToml());
  ASSERT_TRUE(longer.comparison.has_value());
  ASSERT_TRUE(longer.comparison->divergence.has_value());
  // The recorded run failed there: what follows are its metrics, and then nothing.
  const Divergence& found = *longer.comparison->divergence;
  ASSERT_EQ(found.first.size(), 3u);
  EXPECT_EQ(found.first.back().index, longer.comparison->recorded);
  EXPECT_EQ(found.first[0].happening, static_cast<uint64_t>(Happening::kWorkload));
  EXPECT_EQ(found.second.size(), kEntriesAfter);
}

TEST(Comparison, WhatIsEndedEarlyIsComparedUpToThere) {
  const std::string recording = RecordingOf("prefix", PingToml());
  const std::string part = testing::TempDir() + "/part";
  const RunResult stopped = RunWith(PingToml("leak"), [&](RunRequest& request) {
    request.compare_with = recording;
    request.recording_file = part;
    request.until = TimeFromNanoseconds(0) + Milliseconds(200);
  });
  EXPECT_TRUE(stopped.passed()) << Summary(stopped);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_EQ(stopped.simulated, TimeFromNanoseconds(0) + Milliseconds(200));
  ASSERT_TRUE(stopped.comparison.has_value());
  EXPECT_FALSE(stopped.comparison->divergence.has_value());
  EXPECT_EQ(stopped.comparison->same, stopped.notes);
  EXPECT_LT(stopped.notes, stopped.comparison->recorded);
  EXPECT_NE(DescribeOutcome(stopped).find("passed until it was stopped"), std::string::npos);
  const auto file = RecordingFile::Open(part);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end(), RecordingEnd::kStopped);
  EXPECT_EQ((*file)->entries(), stopped.notes);
  // The whole run goes on where that recording was stopped, and that is no difference.
  const RunResult whole = CompareWith(part, PingToml());
  EXPECT_FALSE(whole.comparison->divergence.has_value());
  EXPECT_EQ(whole.comparison->same, stopped.notes);
}

TEST(Comparison, EndingAnywhereIsClean) {
  const std::string toml =
      PingToml() + "[faults]\nkinds = [\"network\", \"process\"]\nmean_interval = \"500ms\"\n";
  for (int64_t tenths = 0; tenths < 130; tenths += 7) {
    const RunResult stopped = RunWith(toml, [tenths](RunRequest& request) {
      request.until = TimeFromNanoseconds(0) + Milliseconds(100) * tenths;
    });
    EXPECT_TRUE(stopped.passed()) << tenths << Summary(stopped) << stopped.diagnosis;
    EXPECT_TRUE(stopped.stopped || stopped.phase == "end") << tenths;
  }
}

TEST(Comparison, AnObserverSeesAllAndEndsTheRun) {
  class Third final : public RunObserver {
   public:
    explicit Third(const std::string& file) : file_(file) {}
    void Record(uint64_t index, Time, Happening, uint64_t, uint64_t, uint64_t, uint64_t) override {
      entries_ = index;
    }
    void Emit(const Process*, const TraceRecord& record) override {
      traced_ = traced_ || std::string_view(record.type) == "PingPlanted";
    }
    bool Stop() override {
      if (!traced_) return entries_ >= 500;
      std::fclose(std::fopen(file_.c_str(), "wb"));
      return true;
    }

   private:
    const std::string file_;
    uint64_t entries_ = 0;
    bool traced_ = false;
  };
  const std::string seen = testing::TempDir() + "/seen";
  Third observer(seen);
  const auto observe = [&observer](RunRequest& request) { request.observer = &observer; };
  const RunResult stopped = RunWith(PingToml(), observe);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_GE(stopped.notes, 500u);
  EXPECT_LT(stopped.notes, 600u);
  EXPECT_FALSE(ReadTextFile(seen).ok());
  const RunResult failed = RunWith(PingToml("error_event", "interval = \"1s\""), observe);
  EXPECT_FALSE(failed.stopped) << "it failed in the event after which it was to stop";
  EXPECT_FALSE(failed.passed());
  EXPECT_TRUE(ReadTextFile(seen).ok());
}

TEST(Comparison, ARecordingThatDoesNotFitIsAFailure) {
  const std::string other = testing::TempDir() + "/other_seed";
  RecordingWriter writer;
  ASSERT_TRUE(writer.Open(other, 8).ok());
  ASSERT_TRUE(writer.Close(RecordingEnd::kComplete).ok());
  const std::string garbled = WriteFile("garbled", "this is not what a run has written to a file");
  for (const std::string& path : {other, garbled, std::string("/no/such")}) {
    const RunResult result = CompareWith(path, PingToml());
    ASSERT_EQ(result.failures.size(), 1u);
    EXPECT_EQ(result.failures[0].kind, "recording");
    EXPECT_TRUE(result.failures[0].text.starts_with(path)) << result.failures[0].text;
    EXPECT_EQ(result.events, 0u) << "nothing was run";
  }
}

TEST(Comparison, EntriesAreTold) {
  const auto words = [](Happening happening, uint64_t a, uint64_t b) {
    const RecordedNote note = {.index = 7,
                               .time_ns = 1'000'000'005,
                               .happening = static_cast<uint64_t>(happening),
                               .entity = HashName("world"),
                               .a = a,
                               .b = b,
                               .hash_after = 0};
    const std::string line = DescribeEntry(">", note, EntityNames(RunResult()));
    EXPECT_TRUE(line.starts_with("  > #7             1.000000005 s  ")) << line;
    return line.substr(line.find("world"));
  };
  const std::string pad(16, ' ');
  EXPECT_EQ(words(Happening::kEvent, 1'000'000'005, 0), "world\n");
  EXPECT_EQ(words(Happening::kChoice, 3, 1), "world" + pad + "number 2 of 3 that were ready\n");
  EXPECT_EQ(words(Happening::kProcess, 2, 5), "world" + pad + "killed, incarnation 5\n");
  EXPECT_EQ(words(Happening::kConnect, 9, 1), "world" + pad + "closed, end 1\n");
  EXPECT_EQ(words(Happening::kFile, HashName("sync"), 12), "world" + pad + "sync 12\n");
  EXPECT_EQ(words(Happening::kFile, 4096, 12), "world" + pad + "at byte 4096, bytes 12\n");
  EXPECT_EQ(words(Happening::kDraw, 1, UINT64_MAX), "world" + pad + "a=1 b=0xffffffffffffffff\n");
}

}  // namespace
}  // namespace orrery::sim
