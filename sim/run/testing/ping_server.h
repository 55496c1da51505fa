// The server of the system under test, and the defects that can be planted in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/async/task.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/knobs/knobs.h"

namespace orrery::sim {

inline constexpr uint16_t kPingPort = 4500;
inline constexpr std::string_view kPing = "p";  // What the workload sends.

enum class Plant {
  kNone,
  // The answer is delayed by what must not decide anything:
  kAddress,        // an address of the heap
  kUnordered,      // the first element of a hash container
  kClock,          // a real clock
  kUninitialised,  // memory that nobody wrote
  kRare,           // a real clock, once in a hundred pings
  kLate,           // a real clock, from the 30,000th ping of a server on
  // The tenth ping of a server:
  kErrorEvent,  // traces an error
  kInvariant,   // breaks an INVARIANT
  kSignal,      // writes where nothing is
  kHang,        // runs for ever without time passing
  kSpin,        // the same within one event
  kExit,        // ends its process as if all were well
  kMemory,      // allocates without end
  kKilled,      // is killed, as the system does for want of memory
  kLeak,        // loses a Task
  kBudget,      // loses a reservation of memory
  kDeaf,        // makes the server answer no more
  // A ping of the workload that comes while the wall clock is wrong, to a process that was started
  // before:
  kTwoFaults,  // traces an error
  // Two pings of the workload that come to a server within a microsecond:
  kRace,  // traces an error
};

// nullopt for a name that is none.
std::optional<Plant> PlantFromName(std::string_view name);

#define ORRERY_PING_KNOBS(KNOB)                                                                    \
  KNOB(Duration, ping_answer_delay, Microseconds(10), Microseconds(random.Between(1, 1000)), "us", \
       "of a server before it answers")

ORRERY_DEFINE_KNOBS(PingKnobs, ORRERY_PING_KNOBS);

// Sends back every byte that comes to `address`, for ever.
Task<absl::Status> ServePings(Env* env, NetworkAddress address, Plant plant);

}  // namespace orrery::sim
