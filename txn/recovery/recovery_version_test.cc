// Goal: no acknowledged version is ever above the recovery version and everything up to it can be
// read, with up to k - 1 zones silent or lying; the rule is exactly the one stated; and the plain
// minimum loses data where this does not. Method: all sets of up to 5 logs over up to 5 zones, all
// k, all ends, all acknowledged versions, all sets of faulty zones and all answers of those.
#include "txn/recovery/recovery_version.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

// The zones of the logs whose index satisfies `matches`, as a set of bits.
unsigned ZoneBits(const std::vector<OldLog>& logs, const std::function<bool(size_t)>& matches) {
  unsigned zones = 0;
  for (size_t i = 0; i < logs.size(); ++i) {
    if (matches(i)) zones |= 1u << logs[i].zone;
  }
  return zones;
}

// The greatest E by trying each, as the rule is worded. `damage`: whether damaged logs count as
// silent. Nothing if no E >= 0 will do.
std::optional<Version> ByDefinition(const std::vector<OldLog>& logs, int k, Version kcv,
                                    Version version_max) {
  for (Version e = version_max; e >= 0; --e) {
    const unsigned below = ZoneBits(logs, [&](size_t i) {
      const auto& answer = logs[i].answer;
      return !answer || answer->end < kcv || answer->end < e;
    });
    if (std::popcount(below) < k) return e;
  }
  return std::nullopt;
}

struct Totals {
  size_t cases = 0;
  size_t decided = 0;
  size_t minimum_loses = 0;  // The least answered end is below what was acknowledged.
};

// The check of one set of answers. `acknowledged`: the greatest acknowledged version.
void CheckCase(const std::vector<OldLog>& logs, int k, Version acknowledged, Version version_max,
               Totals& totals) {
  ++totals.cases;
  const RecoveryDecision decision = DecideRecoveryVersion(logs, static_cast<size_t>(k));
  Version kcv = kInvalidVersion;
  Version minimum = kVersionMax;
  for (const OldLog& log : logs) {
    if (!log.answer) continue;
    kcv = std::max(kcv, log.answer->known_committed);
    minimum = std::min(minimum, log.answer->end);
  }
  ASSERT_EQ(decision.known_committed, kcv);
  // With fewer than k faulty zones there is always a decision.
  ASSERT_EQ(decision.outcome, RecoveryOutcome::kDecided) << decision.reason;
  ++totals.decided;
  const Version rv = decision.recovery_version;
  ASSERT_GE(rv, acknowledged);
  ASSERT_GE(rv, kcv);
  ASSERT_EQ(rv, ByDefinition(logs, k, kcv, version_max));
  // Every team of logs in k different zones has a complete log: the others span fewer than k.
  unsigned incomplete = (1u << logs.size()) - 1;
  for (const size_t i : decision.complete) {
    ASSERT_GE(logs[i].answer->end, rv);
    incomplete &= ~(1u << i);
  }
  const unsigned zones = ZoneBits(logs, [&](size_t i) { return (incomplete >> i & 1) != 0; });
  ASSERT_LT(std::popcount(zones), k);
  if (minimum < acknowledged) ++totals.minimum_loses;
}

// Enumerates: the answers of log `i` on. Honest logs end at or above `acknowledged`, and know a
// committed version no greater than it; those of faulty zones are silent or answer anything.
void ForAnswers(std::vector<OldLog>& logs, size_t i, unsigned faulty, int k, Version acknowledged,
                Version version_max, Totals& totals) {
  if (testing::Test::HasFatalFailure()) return;
  if (i == logs.size()) {
    CheckCase(logs, k, acknowledged, version_max, totals);
    return;
  }
  const bool lies = (faulty >> logs[i].zone & 1) != 0;
  for (Version end = lies ? 0 : acknowledged; end <= version_max; ++end) {
    for (const Version kcv : {Version{0}, acknowledged}) {
      logs[i].answer = {end, kcv};
      ForAnswers(logs, i + 1, faulty, k, acknowledged, version_max, totals);
      if (kcv == acknowledged) break;
    }
  }
  if (lies) {
    logs[i].answer.reset();
    ForAnswers(logs, i + 1, faulty, k, acknowledged, version_max, totals);
  }
}

// Enumerates: the zone of log `i` on, each partition of the logs once.
void ForZones(std::vector<OldLog>& logs, size_t i, uint32_t zones, Version version_max,
              Totals& totals) {
  if (i < logs.size()) {
    for (uint32_t zone = 0; zone <= zones; ++zone) {
      logs[i].zone = zone;
      ForZones(logs, i + 1, std::max(zones, zone + 1), version_max, totals);
    }
    return;
  }
  for (int k = 1; k <= 3 && k <= static_cast<int>(zones); ++k) {
    for (unsigned faulty = 0; faulty < 1u << zones; ++faulty) {
      if (std::popcount(faulty) != k - 1) continue;  // Fewer faults are among these answers.
      for (Version acknowledged = 0; acknowledged <= version_max; ++acknowledged) {
        ForAnswers(logs, 0, faulty, k, acknowledged, version_max, totals);
      }
    }
  }
}

TEST(RecoveryVersion, EverySmallCase) {
  Totals totals;
  for (size_t n = 1; n <= 5; ++n) {
    std::vector<OldLog> logs(n);
    ForZones(logs, 0, 0, n <= 4 ? 3 : 2, totals);
    ASSERT_FALSE(HasFatalFailure()) << n;
  }
  RecordProperty("cases", std::to_string(totals.cases));
  EXPECT_GT(totals.cases, 500'000u);
  EXPECT_GT(totals.minimum_loses, 1'000u);
}

// Histories: versions are pushed to logs that fall behind one another, each is acknowledged when
// all logs have synced it and is only then known as committed; then k - 1 zones fail by losing
// their disks' last writes or falling silent.
TEST(RecoveryVersion, RandomHistories) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    Random random(seed);
    const int k = 1 + static_cast<int>(random.Below(3));
    const uint64_t zones = static_cast<uint64_t>(k) + random.Below(4);
    std::vector<OldLog> logs(zones + random.Below(4));
    for (size_t i = 0; i < logs.size(); ++i) {
      logs[i].zone = static_cast<uint32_t>(i < zones ? i : random.Below(zones));
      logs[i].answer = {0, 0};
    }
    Version acknowledged = 0;
    Version version_max = 0;
    for (int step = 0; step < 100; ++step) {
      LockedLogAnswer& log = *logs[random.Below(logs.size())].answer;
      if (log.end < acknowledged + 6) version_max = std::max(version_max, ++log.end);
      if (random.Chance(OneIn(3))) log.known_committed = std::min(log.end, acknowledged);
      acknowledged = kVersionMax;
      for (const OldLog& one : logs) acknowledged = std::min(acknowledged, one.answer->end);
    }
    unsigned faulty = 0;
    while (std::popcount(faulty) < k - 1) faulty |= 1u << random.Below(zones);
    for (OldLog& log : logs) {
      if ((faulty >> log.zone & 1) == 0) continue;
      if (random.Chance(OneIn(2))) {
        log.answer.reset();
      } else {
        log.answer->end -= std::min<Version>(log.answer->end, random.Between(0, 8));
        log.answer->known_committed = std::min(log.answer->known_committed, log.answer->end);
      }
    }
    Totals totals;
    CheckCase(logs, k, acknowledged, version_max, totals);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

OldLog Log(uint32_t zone, Version end, Version kcv) { return {zone, LockedLogAnswer{end, kcv}}; }
OldLog Silent(uint32_t zone) { return {zone, std::nullopt}; }

TEST(RecoveryVersion, ThePlainMinimumToleratesNoLiar) {
  // 120 is acknowledged; log 2 lost all after 100.
  const std::vector<OldLog> logs = {Log(0, 120, 90), Log(1, 125, 90), Log(2, 100, 90)};
  const RecoveryDecision decision = DecideRecoveryVersion(logs, 2);
  EXPECT_EQ(decision.recovery_version, 120);
  EXPECT_EQ(decision.known_committed, 90);
  EXPECT_EQ(decision.complete, (std::vector<size_t>{0, 1}));
  EXPECT_TRUE(decision.reason.empty());
  // Single replication: no fault is tolerated, and the rule is the minimum.
  EXPECT_EQ(DecideRecoveryVersion(logs, 1).recovery_version, 100);
}

TEST(RecoveryVersion, LogsOfOneZoneFailTogether) {
  const std::vector<OldLog> logs = {Log(0, 100, 0), Log(0, 90, 0), Silent(0), Log(1, 110, 0),
                                    Log(2, 105, 0)};
  const RecoveryDecision decision = DecideRecoveryVersion(logs, 2);
  EXPECT_EQ(decision.recovery_version, 105);
  EXPECT_EQ(decision.complete, (std::vector<size_t>{3, 4}));
}

TEST(RecoveryVersion, WaitsForSilentLogsAndNamesThem) {
  RecoveryDecision decision =
      DecideRecoveryVersion(std::vector<OldLog>{Log(0, 9, 5), Silent(1), Silent(2)}, 2);
  EXPECT_EQ(decision.outcome, RecoveryOutcome::kWait);
  EXPECT_EQ(decision.silent, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(decision.reason,
            "waiting for old logs 1, 2, silent: without them up to 2 zones are missing");
  // One zone silent, another damaged: the silent one may settle it.
  const std::vector<OldLog> mixed = {Log(0, 9, 7), Log(1, 6, 5), Silent(2)};
  decision = DecideRecoveryVersion(mixed, 2);
  EXPECT_EQ(decision.outcome, RecoveryOutcome::kWait);
  EXPECT_EQ(decision.silent, (std::vector<size_t>{2}));
  EXPECT_EQ(decision.damaged, (std::vector<size_t>{1}));
  decision = DecideRecoveryVersion(std::vector<OldLog>{mixed[0], mixed[1], Log(2, 8, 8)}, 2);
  EXPECT_EQ(decision.outcome, RecoveryOutcome::kDecided);
  EXPECT_EQ(decision.recovery_version, 8);
}

TEST(RecoveryVersion, RefusesWhenAcknowledgedDataIsLost) {
  const RecoveryDecision decision =
      DecideRecoveryVersion(std::vector<OldLog>{Log(0, 9, 9), Log(1, 6, 5), Log(2, 8, 8)}, 2);
  EXPECT_EQ(decision.outcome, RecoveryOutcome::kRefuse);
  EXPECT_EQ(decision.damaged, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(decision.reason,
            "logs 1, 2 have lost versions below the known committed version 9, in as many as 2 "
            "zones: acknowledged data is lost");
}

TEST(RecoveryVersion, RefusesALogSetThatCannotBeSound) {
  EXPECT_EQ(DecideRecoveryVersion(std::vector<OldLog>{Log(0, 9, 9), Log(0, 9, 9)}, 2).outcome,
            RecoveryOutcome::kRefuse);
  EXPECT_EQ(DecideRecoveryVersion({}, 1).outcome, RecoveryOutcome::kRefuse);
}

}  // namespace
}  // namespace orrery
