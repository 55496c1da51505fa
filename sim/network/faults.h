// What can be wrong with a simulated network: faults as data, as a fault plan names them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/time.h"

namespace orrery::sim {

// A host of a NetworkModel. Numbers follow the order of AddHost.
enum class HostId : uint32_t {};

enum class NetworkFaultKind : uint8_t {
  // Lasting: from Begin to End, HealAll or the given moment.
  kLatency = 0,    // `delay` more for every piece that is sent.
  kBandwidth,      // The link carries at most `bytes_per_second`.
  kClog,           // Nothing arrives; bytes and connection attempts wait, and no stream breaks.
  kPartition,      // Nothing arrives; a stream with bytes to send breaks on the sender in time.
  kSlowPeer,       // `to` is slow to take bytes: `delay` more, and a window of `window_bytes`.
  kRefuseConnect,  // New connections are refused.
  kHangConnect,    // New connections hang.
  kNamesStale,     // Hosts of `from` get the names as they were when the fault began.
  kNamesFail,      // Hosts of `from` get name_not_found.
  // Spent after `count` uses, on deliveries to come.
  kReset,    // A delivery is cut at a drawn byte and the stream is reset on both sides.
  kBitFlip,  // One drawn bit of a delivery is inverted.
  // At once, on the streams there are.
  kHalfOpen,  // Breaks the end on `from`; the end on `to` is told nothing.
};
inline constexpr size_t kNetworkFaultKinds = 12;

const char* NameOf(NetworkFaultKind kind);

// A fault and what it is about: what goes from a host of `from` to a host of `to` and, with
// both_directions, back (kSlowPeer, kHalfOpen and the faults of names have one direction). A host's
// way to itself has no faults. An empty list is every host: {from: {h}, to: {}} is a fault of the
// node h.
struct NetworkFault {
  NetworkFaultKind kind = NetworkFaultKind::kClog;
  std::vector<HostId> from;
  std::vector<HostId> to;
  bool both_directions = true;

  Duration delay{};               // kLatency, kSlowPeer.
  uint64_t bytes_per_second = 0;  // kBandwidth; at least 1.
  uint32_t window_bytes = 4096;   // kSlowPeer; at least 1.
  uint32_t count = 1;             // kReset, kBitFlip.
};

// Names an active fault; never used again.
enum class FaultId : uint64_t {};

// How often each kind really changed something: pieces delayed or stopped, connections refused or
// held, streams reset or broken, bits inverted, look-ups falsified.
struct NetworkFaultEffects {
  std::array<uint64_t, kNetworkFaultKinds> by_kind{};
  uint64_t streams_timed_out = 0;  // Broke on a sender whose bytes were cut off for too long.

  uint64_t of(NetworkFaultKind kind) const { return by_kind[static_cast<size_t>(kind)]; }
};

}  // namespace orrery::sim
