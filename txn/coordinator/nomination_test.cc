// Goal: a coordinator names the best candidate that is present, nobody that is gone, and a newcomer
// deposes no leader that is as good; coordinators that hear the same name the same.
// Method: examples, and random histories against a model that keeps every poll.
#include "txn/coordinator/nomination.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/random.h"

namespace orrery {
namespace {

Time At(int64_t ms) { return Time() + Milliseconds(ms); }

TEST(NominationTest, TheBestOfThosePresent) {
  Nomination nomination;
  EXPECT_EQ(nomination.named().id, 0u);
  EXPECT_EQ(nomination.next_expiry(), kNever);
  ASSERT_TRUE(nomination.PollBegan({7, 1, false}));
  EXPECT_EQ(nomination.named().id, 7u);
  ASSERT_TRUE(nomination.PollBegan({5, 1, false}));
  EXPECT_EQ(nomination.named().id, 5u);
  ASSERT_TRUE(nomination.PollBegan({9, 0, false}));
  EXPECT_EQ(nomination.named().id, 9u);
}

TEST(NominationTest, ALeaderIsDeposedOnlyByABetterPriority) {
  Nomination nomination;
  ASSERT_TRUE(nomination.PollBegan({7, 1, true}));
  ASSERT_TRUE(nomination.PollBegan({5, 1, false}));
  EXPECT_EQ(nomination.named().id, 7u);
  ASSERT_TRUE(nomination.PollBegan({9, 0, false}));
  EXPECT_EQ(nomination.named().id, 9u);
}

TEST(NominationTest, PresentWhilePolledAndAWhileAfter) {
  Nomination nomination;
  ASSERT_TRUE(nomination.PollBegan({7, 1, false}));
  ASSERT_TRUE(nomination.PollBegan({7, 1, true}));
  nomination.PollEnded(7, At(10));
  EXPECT_EQ(nomination.next_expiry(), kNever);
  nomination.Expire(At(1000));
  EXPECT_EQ(nomination.named().id, 7u);
  nomination.PollEnded(7, At(2000));
  EXPECT_EQ(nomination.next_expiry(), At(2000));
  nomination.Expire(At(1999));
  EXPECT_TRUE(nomination.IsPresent(7));
  nomination.Expire(At(2000));
  EXPECT_FALSE(nomination.IsPresent(7));
  EXPECT_EQ(nomination.named().id, 0u);
}

TEST(NominationTest, ThereIsALimit) {
  Nomination nomination;
  for (uint64_t id = 1; id <= Nomination::kCandidatesMax; ++id) {
    ASSERT_TRUE(nomination.PollBegan({id, 1, false}));
  }
  EXPECT_FALSE(nomination.PollBegan({Nomination::kCandidatesMax + 1, 0, false}));
  EXPECT_TRUE(nomination.PollBegan({1, 0, false}));
}

// What was heard of one candidate.
struct Heard {
  Nomination::Candidate said;
  int held = 0;
  Time until{};
};

bool Better(const Nomination::Candidate& a, const Nomination::Candidate& b) {
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.leads != b.leads) return a.leads;
  return a.id < b.id;
}

void RunHistory(uint64_t seed) {
  Random random(seed);
  Nomination nomination;
  std::vector<Heard> all(1 + random.Below(6));
  for (size_t i = 0; i < all.size(); ++i) all[i].said.id = i + 1;
  Time now = At(1);
  for (int step = 0; step < 300; ++step) {
    Heard& one = all[random.Below(all.size())];
    switch (random.Below(3)) {
      case 0:
        one.said.priority = static_cast<uint32_t>(random.Below(3));
        one.said.leads = random.Chance(OneIn(2));
        ++one.held;
        ASSERT_TRUE(nomination.PollBegan(one.said));
        break;
      case 1:
        if (one.held == 0) break;
        --one.held;
        one.until = now + random.Between(Milliseconds(1), Milliseconds(50));
        nomination.PollEnded(one.said.id, one.until);
        break;
      default:
        now += random.Between(Milliseconds(0), Milliseconds(30));
        nomination.Expire(now);
    }
    nomination.Expire(now);
    Nomination::Candidate best;
    Time next = kNever;
    for (const Heard& each : all) {
      if (each.held == 0 && each.until <= now) continue;
      if (each.held == 0) next = std::min(next, each.until);
      if (best.id == 0 || Better(each.said, best)) best = each.said;
    }
    ASSERT_EQ(nomination.named().id, best.id) << "seed " << seed << ", step " << step;
    ASSERT_EQ(nomination.next_expiry(), next) << "seed " << seed << ", step " << step;
  }
}

TEST(NominationTest, AsTheModel) {
  for (uint64_t seed = 1; seed <= 500 && !HasFatalFailure(); ++seed) RunHistory(seed);
}

}  // namespace
}  // namespace orrery
