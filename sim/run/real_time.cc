// Real clocks of the operating system.
#include "sim/run/real_time.h"

#include <sys/resource.h>

#include <ctime>

namespace orrery::sim {
namespace {

Duration Read(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return Seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

}  // namespace

Duration MonotonicNow() { return Read(CLOCK_MONOTONIC); }
Duration ProcessorNow() { return Read(CLOCK_PROCESS_CPUTIME_ID); }

Duration ProcessorOfAll() {
  Duration sum = ProcessorNow();
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  for (const timeval& used : {usage.ru_utime, usage.ru_stime}) {
    sum += Seconds(used.tv_sec) + Microseconds(used.tv_usec);
  }
  return sum;
}

}  // namespace orrery::sim
