// Signature: which bug a failed run shows, as one line that stays the same from seed to seed.
//
//   invariant txn/proxy/commit_pipeline.cc: version > last_      (no line number, no values)
//   invariant core/base/buffer.h: end <= size_, in Buffer::Slice < LogState::Accept  (of core)
//   check ledger: Check: key # has value #, expected #            (numbers and quoted texts masked)
//   crash signal Segmentation fault: LogState::Accept < LogServer::Push < ...
//   hang in LogServer::Serve | hang events without end | crash out of memory
//   leak | nondeterminism | liveness ring: Start did not end
//
// Two runs with the same signature are counted as one bug; a minimised plan must keep it. What
// differs between seeds of one bug (numbers, addresses, names of machines, processes and clients,
// how long a list is) is masked; what tells bugs apart (file, expression, words) is not.
#pragma once

#include <string>

#include "sim/run/run_result.h"

namespace orrery::sim {

// At most this long; the rest is cut.
inline constexpr size_t kSignatureBytesMax = 200;

// REQUIRES: !result.passed(). The first failure counts.
std::string SignatureOf(const RunResult& result);

}  // namespace orrery::sim
