// Steps of a connection, as they enter the hash (Happening::kConnect).
#pragma once

#include <cstdint>

namespace orrery::sim {

enum class ConnectStep : uint8_t {
  kAttempt = 1,
  kReached = 2,  // The listener's queue.
  kEstablished = 3,
  kRefused = 4,
  kGaveUp = 5,
  kFinished = 6,  // An end heard the orderly end of its peer.
  kReset = 7,     // An end heard a reset.
  kTimedOut = 8,
  kClosed = 9,     // An end was let go by its process.
  kStopped = 10,   // Bytes cannot get through.
  kMoved = 11,     // They move again.
  kPowerOff = 12,  // Of a host.
  kPowerOn = 13,
};

// "attempt", "gave up", ...
const char* NameOf(ConnectStep step);

}  // namespace orrery::sim
