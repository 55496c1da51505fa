// RecoveryVersion: from what the logs of an ended generation answer once they are locked, the
// version at which the next generation takes over.
//
// The setting: a log set over zones. Every version is pushed to every log and acknowledged only
// when it is synced on all of them; a tag's mutations lie on a team of logs that spans k zones.
// A locked log answers with its end (the last version it holds, having all before) and with the
// greatest version it heard to be acknowledged. Fewer than k zones may be faulty: their logs are
// silent, or *lie*. A log lies when it lost a synced suffix of what it held and does not know: it
// answers with an end, and perhaps a known committed version, lower than it once had. (A log that
// answers with a higher end than it holds does no harm to what is acknowledged either: the version
// is found unreadable when it is copied, and the log then counts as silent.)
//
// The rule. KCV is the greatest known committed version that any log reported. A log whose end lies
// below it is proven to have lost something: it is *damaged*, and counts as silent. RV is the
// greatest E such that the logs that are silent, or whose end lies below E, lie in fewer than k
// zones.
//
// Why it is right
//  1. Nothing acknowledged is discarded: let A be acknowledged. All logs held A, so those that are
//     silent or answer less lie in faulty zones, fewer than k; so E = A satisfies the condition,
//     and RV >= A. The plain minimum of the answers falls below A with a single liar.
//  2. Everything up to RV can be read: for any tag, its team spans k zones, and those of its logs
//     that are silent or end below RV lie in fewer; so one log of the team holds it all.
//  3. KCV <= RV: at E = KCV the logs that count are exactly the silent and damaged ones, and if
//     those cover k zones there is no decision. What lies in (KCV, RV] may be acknowledged or not,
//     and is copied; what lies beyond RV was never acknowledged, and is discarded.
//  4. Two attempts with different answers may decide differently; each decision is right. So one
//     attempt decides once, and only the coordinators' write makes its decision count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/version.h"

namespace orrery {

// What a locked log answers.
struct LockedLogAnswer {
  Version end = kInvalidVersion;
  Version known_committed = kInvalidVersion;
};

struct OldLog {
  uint32_t zone = 0;                      // Equal for logs of the same zone.
  std::optional<LockedLogAnswer> answer;  // Nothing: silent.
};

enum class RecoveryOutcome {
  kDecided,  // recovery_version and known_committed are set.
  kWait,     // Silent logs must answer first: any of `silent` may change the outcome.
  kRefuse,   // No answer can help: acknowledged data is lost, or the log set was never sound.
};

struct RecoveryDecision {
  RecoveryOutcome outcome = RecoveryOutcome::kWait;
  Version recovery_version = kInvalidVersion;
  Version known_committed = kInvalidVersion;  // Greatest reported; also set where none is decided.
  std::vector<size_t> silent;                 // Indexes of the logs that did not answer.
  std::vector<size_t> damaged;                // Indexes of the logs proven to have lost versions.
  std::vector<size_t> complete;               // If decided: the logs that hold all up to RV.
  std::string reason;                         // For people, unless decided: one sentence.
};

// REQUIRES: replication (k) > 0.
RecoveryDecision DecideRecoveryVersion(std::span<const OldLog> logs, size_t replication);

}  // namespace orrery
