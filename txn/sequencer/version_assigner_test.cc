// Goal: the chain has no gap whatever is repeated, reordered or late; first answers are given
// again until trimmed; steps follow the clock between 1 and the window and stop at the limit.
// Method: two proxies with random requests against a model that writes down every first answer;
// cases by hand for the clock and the errors.
#include "txn/sequencer/version_assigner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

constexpr Version kFirst = 7'000'000;
constexpr Version kWindow = 5'000'000;
constexpr Version kUncommittedMax = 50'000'000;

VersionAssigner Make(size_t unanswered_max = 1000) {
  return VersionAssigner({.first_version = kFirst,
                          .window = kWindow,
                          .uncommitted_max = kUncommittedMax,
                          .unanswered_max = unanswered_max,
                          .proxy_ids = {11, 12}},
                         Time());
}

ErrorCode CodeOfRequest(VersionAssigner& assigner, uint64_t proxy, uint64_t number,
                        uint64_t answered) {
  return CodeOf(assigner.Request(proxy, number, answered, Time()).status());
}

VersionLink Link(VersionAssigner& assigner, uint64_t number, Time now) {
  const auto link = assigner.Request(11, number, 0, now);
  EXPECT_TRUE(link.ok() && link->has_value()) << number;
  return link.ok() ? link->value_or(VersionLink()) : VersionLink();
}

TEST(VersionAssignerTest, StepsFollowTheClock) {
  VersionAssigner assigner = Make();
  const Time start;
  EXPECT_EQ(Link(assigner, 1, start), (VersionLink{kFirst, kFirst + 1}));
  EXPECT_EQ(Link(assigner, 2, start + Milliseconds(3)), (VersionLink{kFirst + 1, kFirst + 3001}));
  // Half a version now, half a version then: none is lost.
  EXPECT_EQ(Link(assigner, 3, start + Nanoseconds(3'005'500)).version, kFirst + 3006);
  EXPECT_EQ(Link(assigner, 4, start + Nanoseconds(3'008'000)).version, kFirst + 3009);
  EXPECT_EQ(Link(assigner, 5, start + Seconds(20)).version, kFirst + 3009 + kWindow);
  // The clock's lead was forgotten; a clock that stands or goes back gives steps of one.
  EXPECT_EQ(Link(assigner, 6, start + Seconds(20)).version, kFirst + 3010 + kWindow);
  EXPECT_EQ(Link(assigner, 7, start + Seconds(10)).version, kFirst + 3011 + kWindow);
  EXPECT_EQ(Link(assigner, 8, start + Seconds(21)).version, kFirst + 1'003'011 + kWindow);
}

TEST(VersionAssignerTest, StopsAtTheLimitUntilMoreIsCommitted) {
  VersionAssigner assigner = Make();
  uint64_t number = 0;
  for (int i = 1; i <= 9; ++i) Link(assigner, ++number, Time() + Seconds(5 * i));
  EXPECT_EQ(Link(assigner, ++number, Time() + Seconds(100)).version, kFirst + kUncommittedMax);
  const Time late = Time() + Seconds(200);
  ASSERT_TRUE(assigner.Request(11, number + 1, 0, late).ok());
  EXPECT_FALSE(assigner.Request(11, number + 1, 0, late)->has_value());
  EXPECT_EQ(Link(assigner, number, late).version,
            kFirst + kUncommittedMax);  // A repeat: as before.
  EXPECT_EQ(CodeOf(assigner.Report(kFirst + kUncommittedMax + 1).status()),
            ErrorCode::invalid_argument);
  EXPECT_TRUE(*assigner.Report(kFirst + 3));
  EXPECT_FALSE(*assigner.Report(kFirst + 2));
  EXPECT_EQ(assigner.committed(), kFirst + 3);
  EXPECT_EQ(Link(assigner, ++number, late).version, kFirst + kUncommittedMax + 3);
}

TEST(VersionAssignerTest, Errors) {
  VersionAssigner assigner = Make(/*unanswered_max=*/3);
  EXPECT_EQ(CodeOfRequest(assigner, 13, 1, 0), ErrorCode::generation_ended);
  EXPECT_EQ(CodeOfRequest(assigner, 11, 0, 0), ErrorCode::invalid_argument);
  EXPECT_EQ(CodeOfRequest(assigner, 11, 1, 1), ErrorCode::invalid_argument);
  EXPECT_EQ(CodeOfRequest(assigner, 11, 3, 1), ErrorCode::invalid_argument);  // Nobody gave 1.
  for (uint64_t number = 1; number <= 3; ++number) Link(assigner, number, Time());
  EXPECT_EQ(CodeOfRequest(assigner, 11, 4, 0), ErrorCode::overloaded);
  EXPECT_EQ(CodeOfRequest(assigner, 11, 4, 1), ErrorCode::ok);
  EXPECT_EQ(CodeOfRequest(assigner, 11, 1, 0), ErrorCode::generation_ended);  // Trimmed.
  EXPECT_EQ(assigner.kept(), 3u);
}

class VersionAssignerModel : public testing::Test {
 public:
  explicit VersionAssignerModel(uint64_t seed) : random_(seed) {}
  void TestBody() override;

 private:
  Random random_;
};

void VersionAssignerModel::TestBody() {
  Random& random = random_;
  VersionAssigner assigner = Make();
  std::map<std::pair<uint64_t, uint64_t>, VersionLink> first_answers;
  uint64_t given[2] = {}, trimmed[2] = {};
  Version last = kFirst;
  Time now;
  int repeats = 0, waits = 0, stops = 0, refusals = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (random.Chance(OneIn(3))) now += random.Between(Duration(0), Microseconds(500));
    if (random.Chance(OneIn(1000))) now += Seconds(random.Between(1, 20));
    if (random.Chance(OneIn(50))) {
      const Version version = random.Between(assigner.committed(), last);
      ASSERT_TRUE(assigner.Report(version).ok());
      ASSERT_EQ(assigner.committed(), version);
    }
    const size_t who = random.Below(2);
    const uint64_t proxy = 11 + who;
    const uint64_t low = trimmed[who] > 3 ? trimmed[who] - 3 : 1;
    const uint64_t number = static_cast<uint64_t>(
        random.Between(static_cast<int64_t>(low), static_cast<int64_t>(given[who] + 3)));
    uint64_t answered = std::min({given[who], number - 1, trimmed[who] + random.Below(4)});
    // What is still wanted is not said to have arrived.
    if (given[who] - trimmed[who] < 20) answered = std::min(answered, trimmed[who]);
    trimmed[who] = std::max(trimmed[who], answered);
    const bool leap = random.Chance(OneIn(5000));
    const auto link = assigner.Request(proxy, number, answered, now, leap);
    if (number <= trimmed[who]) {
      ASSERT_EQ(CodeOf(link.status()), ErrorCode::generation_ended);
      ++refusals;
      continue;
    }
    ASSERT_TRUE(link.ok()) << link.status();
    if (number <= given[who]) {
      ASSERT_TRUE(link->has_value());
      ASSERT_EQ(**link, (first_answers.at({proxy, number})));
      ++repeats;
    } else if (number > given[who] + 1) {
      ASSERT_FALSE(link->has_value());
      ++waits;
    } else if (!link->has_value()) {
      ASSERT_EQ(last, assigner.committed() + kUncommittedMax);
      ++stops;
    } else {
      ASSERT_EQ((*link)->previous, last);
      ASSERT_GT((*link)->version, last);
      ASSERT_LE((*link)->version, std::min(last + kWindow, assigner.committed() + kUncommittedMax));
      last = (*link)->version;
      ASSERT_EQ(assigner.last_version(), last);
      first_answers[{proxy, number}] = **link;
      given[who] = number;
    }
    ASSERT_EQ(assigner.kept(), given[0] - trimmed[0] + given[1] - trimmed[1]);
  }
  EXPECT_GT(first_answers.size(), 1000u);
  EXPECT_GT(repeats, 1000);
  EXPECT_GT(waits, 1000);
  EXPECT_GT(refusals, 1000);
  std::printf("links %zu, repeats %d, waits %d, stops %d, refusals %d\n", first_answers.size(),
              repeats, waits, stops, refusals);
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> argument = orrery::SeedArgument(argc, argv);
  if (!argument.has_value()) return 2;
  const uint64_t seed = *argument;
  testing::RegisterTest(
      "VersionAssigner", "Model", nullptr, nullptr, __FILE__, __LINE__,
      [seed]() -> testing::Test* { return new orrery::VersionAssignerModel(seed); });
  return RUN_ALL_TESTS();
}
