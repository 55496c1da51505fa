// The line of progress.
#include "sim/run/minimise/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sim/run/real_time.h"

namespace orrery::sim {
namespace {

constexpr Duration kOnTerminal = Milliseconds(500);
constexpr Duration kElsewhere = Seconds(10);

long long Number(uint64_t value) { return static_cast<long long>(value); }

}  // namespace

MinimiseProgress::MinimiseProgress(Duration until)
    : until_(until), terminal_(isatty(STDERR_FILENO) == 1), shown_(MonotonicNow()) {}

MinimiseProgress::~MinimiseProgress() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

void MinimiseProgress::Show(const MinimiserState& state, uint64_t runs, uint64_t known) {
  const Duration now = MonotonicNow();
  if (now - shown_ < (terminal_ ? kOnTerminal : kElsewhere)) return;
  shown_ = now;
  const int64_t left = std::max<int64_t>(0, ToMilliseconds(until_ - now) / 1000);
  std::fprintf(
      stderr,
      "%s%-12s faults %lld -> %lld, operations %lld -> %lld, windows %lld -> %lld; "
      "%lld runs, %lld known; %lld:%02lld left%s",
      terminal_ ? "\r\x1b[K" : "", state.phase, Number(state.before.faults),
      Number(state.now.faults), Number(state.before.operations), Number(state.now.operations),
      Number(state.before.windows), Number(state.now.windows), Number(runs), Number(known),
      static_cast<long long>(left / 60), static_cast<long long>(left % 60), terminal_ ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace orrery::sim
