// The decision, in the order of the rule: sort the logs, refuse, wait, or find the greatest end.
#include "txn/recovery/recovery_version.h"

#include <algorithm>
#include <set>

#include "core/base/invariant.h"

namespace orrery {

namespace {

std::set<uint32_t> ZonesOf(std::span<const OldLog> logs, const std::vector<size_t>& indexes) {
  std::set<uint32_t> zones;
  for (const size_t i : indexes) zones.insert(logs[i].zone);
  return zones;
}

std::string Names(const std::vector<size_t>& indexes) {
  std::string names;
  for (const size_t i : indexes) names += (names.empty() ? "" : ", ") + std::to_string(i);
  return names;
}

bool IsDamaged(const LockedLogAnswer& answer, Version known_committed) {
  return answer.end < known_committed;
}

// Sorts the logs into silent and damaged; the greatest known committed version of all.
RecoveryDecision Examine(std::span<const OldLog> logs) {
  RecoveryDecision decision;
  for (const OldLog& log : logs) {
    if (!log.answer) continue;
    decision.known_committed = std::max(decision.known_committed, log.answer->known_committed);
  }
  for (size_t i = 0; i < logs.size(); ++i) {
    if (!logs[i].answer) {
      decision.silent.push_back(i);
    } else if (IsDamaged(*logs[i].answer, decision.known_committed)) {
      decision.damaged.push_back(i);
    }
  }
  return decision;
}

// The greatest E of the rule. As E falls from the greatest end, logs join those that hold E; the
// first end at which fewer than k zones are left behind is the answer.
Version GreatestEnd(std::span<const OldLog> logs, const RecoveryDecision& decision,
                    size_t replication) {
  const std::set<uint32_t> without = ZonesOf(logs, decision.silent);
  std::vector<std::pair<Version, uint32_t>> ends;  // Of all logs that answered, damaged or not.
  for (const OldLog& log : logs) {
    if (log.answer) ends.emplace_back(log.answer->end, log.zone);
  }
  std::sort(ends.begin(), ends.end());
  std::set<uint32_t> below = without;  // Zones of the logs that are silent or end below ends[i].
  Version best = kInvalidVersion;
  for (size_t i = 0; i < ends.size() && below.size() < replication; ++i) {
    best = ends[i].first;
    below.insert(ends[i].second);
  }
  return best;
}

}  // namespace

RecoveryDecision DecideRecoveryVersion(std::span<const OldLog> logs, size_t replication) {
  INVARIANT(replication > 0);
  RecoveryDecision decision = Examine(logs);
  std::set<uint32_t> all_zones;
  for (const OldLog& log : logs) all_zones.insert(log.zone);
  const std::string needed = std::to_string(replication) + " zones";
  if (all_zones.size() < replication) {
    decision.outcome = RecoveryOutcome::kRefuse;
    decision.reason = "the old log set spans " + std::to_string(all_zones.size()) +
                      " zones and its replication needs " + needed;
    return decision;
  }
  const std::set<uint32_t> damaged_zones = ZonesOf(logs, decision.damaged);
  const std::string damage = "logs " + Names(decision.damaged) +
                             " have lost versions below the known committed version " +
                             std::to_string(decision.known_committed);
  if (damaged_zones.size() >= replication) {
    decision.outcome = RecoveryOutcome::kRefuse;
    decision.reason = damage + ", in as many as " + needed + ": acknowledged data is lost";
    return decision;
  }
  std::set<uint32_t> missing_zones = ZonesOf(logs, decision.silent);
  missing_zones.insert(damaged_zones.begin(), damaged_zones.end());
  if (missing_zones.size() >= replication) {
    decision.outcome = RecoveryOutcome::kWait;
    decision.reason = "waiting for old logs " + Names(decision.silent) + ", silent" +
                      (decision.damaged.empty() ? "" : " (" + damage + ")") +
                      ": without them up to " + needed + " are missing";
    return decision;
  }
  decision.outcome = RecoveryOutcome::kDecided;
  decision.recovery_version = GreatestEnd(logs, decision, replication);
  INVARIANT(decision.recovery_version >= decision.known_committed, decision.recovery_version,
            decision.known_committed);
  for (size_t i = 0; i < logs.size(); ++i) {
    if (logs[i].answer && logs[i].answer->end >= decision.recovery_version) {
      decision.complete.push_back(i);
    }
  }
  return decision;
}

}  // namespace orrery
