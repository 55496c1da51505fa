// A replay: a run once more, compared with what is known of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/run/replay/replay_command.h"
#include "sim/run/replay/replay_observer.h"
#include "sim/run/run_result.h"

namespace orrery::sim {

struct ReplayResult {
  // A difference is a failure of it, after its own: "difference", or "nondeterminism" when runs of
  // this program differ among themselves.
  RunResult run;
  std::optional<bool> same;  // nullopt: it was compared with nothing.
  // One line: what it was compared with and how far, when nothing differs.
  std::string compared;
};

// Runs it. `observer` may be nullptr. With `in_this_process`, for debuggers, a crash of the run is
// one of the caller.
ReplayResult Replay(const PreparedReplay& replay, ReplayObserver* observer, bool in_this_process);

}  // namespace orrery::sim
