// Goal: a journal gives back what was appended, up to the first entry that is not whole, wherever
// it was broken off; a file of another sweep, of another kind, or in use is left as it is. Method:
// a journal cut after each of its bytes, and damaged at each.
#include "sim/run/sweep/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <vector>

#include "sim/run/scenario.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

SweepParameters Parameters() {
  return {.scenarios = {{"a", "a.toml", 1}, {"b", "b.toml", 2}},
          .first_seed = 1,
          .last_seed = 9,
          .knobs = {"x=1"},
          .build = 7,
          .probes = {"p", "q"},
          .not_merged = {}};
}

SweptRun RunOf(uint64_t seed) {
  return {.run = {static_cast<uint32_t>(seed % 2), seed},
          .events = seed * 10,
          .simulated = Seconds(3),
          .faults = 4,
          .hash = 0x123456789abcdef0 + seed,
          .probes = std::string("\x03", 1),
          .checked = seed % 2 == 0,
          .signature = seed == 3 ? "check x" : "",
          .kind = seed == 3 ? "check" : "",
          .text = seed == 3 ? std::string("bytes \xff\n", 8) : "",
          .cpu = Milliseconds(5),
          .elapsed = Seconds(static_cast<int64_t>(seed))};
}

std::vector<uint64_t> OpenSeeds(const std::string& path) {
  std::vector<uint64_t> seeds;
  const auto journal = Journal::Open(
      path, Parameters(), [&seeds](const SweptRun& run) { seeds.push_back(run.run.seed); });
  EXPECT_TRUE(journal.ok()) << journal.status().message();
  return seeds;
}

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    unlink(path_.c_str());
    const auto journal = Journal::Open(path_, Parameters(), [](const SweptRun&) {});
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    empty_bytes_ = ReadTextFile(path_)->size();
    for (uint64_t seed = 1; seed <= 4; ++seed) ASSERT_TRUE((*journal)->Append(RunOf(seed)).ok());
    whole_ = *ReadTextFile(path_);
  }

  const std::string path_ = testing::TempDir() + "/journal";
  size_t empty_bytes_ = 0;
  std::string whole_;
};

TEST_F(JournalTest, GivesBackWhatWasAppended) {
  std::vector<SweptRun> runs;
  ASSERT_TRUE(
      Journal::Open(path_, Parameters(), [&](const SweptRun& run) { runs.push_back(run); }).ok());
  ASSERT_EQ(runs.size(), 4u);
  for (const SweptRun& run : runs) {
    const SweptRun wanted = RunOf(run.run.seed);
    EXPECT_EQ(run.run, wanted.run);
    EXPECT_EQ(run.events, wanted.events);
    EXPECT_EQ(run.simulated, wanted.simulated);
    EXPECT_EQ(run.faults, wanted.faults);
    EXPECT_EQ(run.hash, wanted.hash);
    EXPECT_EQ(run.probes, wanted.probes);
    EXPECT_EQ(run.checked, wanted.checked);
    EXPECT_EQ(run.rerun, wanted.rerun);
    EXPECT_EQ(run.signature, wanted.signature);
    EXPECT_EQ(run.kind, wanted.kind);
    EXPECT_EQ(run.text, wanted.text);
    EXPECT_EQ(run.cpu, wanted.cpu);
    EXPECT_EQ(run.elapsed, wanted.elapsed);
  }
}

TEST_F(JournalTest, IsReadByItsFolder) {
  const absl::StatusOr<SweepParameters> parameters = ReadParameters(testing::TempDir());
  ASSERT_TRUE(parameters.ok()) << parameters.status().message();
  EXPECT_EQ(DifferenceOf(*parameters, Parameters()), "");
  uint64_t runs = 0;
  ASSERT_TRUE(ReadRuns(testing::TempDir(), [&runs](const SweptRun&) { ++runs; }).ok());
  EXPECT_EQ(runs, 4u);
  EXPECT_EQ(ReadParameters("/no/such").status().message(),
            "/no/such: holds no sweep; give a folder that was an --out");
}

TEST_F(JournalTest, BrokenOffAnywhereItGoesOn) {
  for (size_t size = 0; size < whole_.size(); ++size) {
    WriteFile("journal", whole_.substr(0, size));
    const std::vector<uint64_t> seeds = OpenSeeds(path_);
    EXPECT_LT(seeds.size(), 4u) << size;
    // What was torn is gone, and what comes next follows the last whole entry.
    const auto journal = Journal::Open(path_, Parameters(), [](const SweptRun&) {});
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE((*journal)->Append(RunOf(9)).ok());
    uint64_t last = 0;
    uint64_t runs = 0;
    ASSERT_TRUE(ReadRuns(testing::TempDir(), [&](const SweptRun& run) {
                  last = run.run.seed;
                  ++runs;
                }).ok());
    EXPECT_EQ(last, 9u) << size;
    EXPECT_EQ(runs, seeds.size() + 1) << size;
  }
}

TEST_F(JournalTest, ADamagedByteEndsIt) {
  for (size_t at = empty_bytes_; at < whole_.size(); ++at) {
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    WriteFile("journal", damaged);
    EXPECT_LT(OpenSeeds(path_).size(), 4u) << at;
  }
}

TEST_F(JournalTest, AnotherSweepIsRefusedAndLeftAlone) {
  const auto refusal = [this](SweepParameters other) {
    const auto journal = Journal::Open(path_, other, [](const SweptRun&) {});
    EXPECT_EQ(*ReadTextFile(path_), whole_);
    EXPECT_EQ(CodeOf(journal.status()), ErrorCode::invalid_argument);
    return std::string(journal.status().message());
  };
  const std::string of_another = path_ + ": is of another sweep: ";
  const std::string advice = "; give another --out, or remove it";
  SweepParameters other = Parameters();
  other.last_seed = 10;
  EXPECT_EQ(refusal(other),
            of_another + "it was begun with --seeds 1-9, and this is --seeds 1-10" + advice);
  other = Parameters();
  other.time = Milliseconds(90'000);
  EXPECT_EQ(refusal(other), of_another +
                                "it was begun with --seeds 1-9, and this is --minutes 1.500 "
                                "--first-seed 1" +
                                advice);
  other = Parameters();
  other.scenarios[1].text_hash = 3;
  EXPECT_EQ(refusal(other),
            of_another + "the scenario b.toml has changed since it was begun" + advice);
  other = Parameters();
  other.knobs = {};
  EXPECT_EQ(refusal(other),
            of_another + "it was begun with --knob x=1, and this is no --knob" + advice);
  other = Parameters();
  other.shard = 1;
  other.shards = 2;
  EXPECT_EQ(refusal(other),
            of_another + "it was begun with no --shard, and this is --shard I/2" + advice);
  other = Parameters();
  other.build = 8;
  EXPECT_TRUE(refusal(other).starts_with(of_another + "it was begun by another build"));
}

TEST_F(JournalTest, AFileOfAnotherKindIsLeftAlone) {
  WriteFile("journal", "dear diary");
  const auto journal = Journal::Open(path_, Parameters(), [](const SweptRun&) {});
  EXPECT_EQ(journal.status().message(), path_ + ": is no journal of a sweep");
  EXPECT_EQ(*ReadTextFile(path_), "dear diary");
}

TEST_F(JournalTest, TwoDoNotWriteIt) {
  const auto first = Journal::Open(path_, Parameters(), [](const SweptRun&) {});
  ASSERT_TRUE(first.ok());
  const auto second = Journal::Open(path_, Parameters(), [](const SweptRun&) {});
  EXPECT_EQ(CodeOf(second.status()), ErrorCode::file_locked);
}

}  // namespace
}  // namespace orrery::sim
