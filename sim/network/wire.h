// Wire: the inside of NetworkModel: hosts, links, streams, listeners, and active faults with what
// they mean for each link.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/network/faults.h"
#include "sim/network/names.h"
#include "sim/network/network_model.h"
#include "sim/network/parameters.h"
#include "sim/network/stream.h"
#include "sim/world/loop.h"

namespace orrery::sim {

class ListenerState;
class SimProcessNetwork;

// One direction between two hosts. Made when it is first used; stays where it is.
struct Link {
  // Set once.
  HostId from;
  HostId to;
  Duration latency{};
  uint64_t bytes_per_second = 1;

  Time busy_until{};  // When the last byte that was given to it has left.

  // What the active faults come to.
  bool clogged = false;
  bool partitioned = false;
  bool refuses = false;
  bool hangs = false;
  bool hurts_deliveries = false;  // kReset or kBitFlip may strike here.
  Duration delay{};
  Duration slow_delay{};
  uint64_t limit_bytes_per_second = 0;  // 0: none.
  uint32_t window_bytes = 0;

  uint64_t EffectiveBytesPerSecond() const {
    return limit_bytes_per_second == 0 ? bytes_per_second
                                       : std::min(bytes_per_second, limit_bytes_per_second);
  }
};

class Wire {
 public:
  Wire(Timeline& on, NetworkParameters drawn);
  ~Wire();

  HostId AddHost(Host host);
  void SetPower(HostId host, bool on);

  Link& LinkBetween(HostId from, HostId to);
  bool IsBlocked(const Link& link) const { return link.clogged || IsCutOff(link); }
  // Blocked in a way that senders run out of patience with.
  bool IsCutOff(const Link& link) const { return link.partitioned || !HasPower(link.to); }
  bool HasPower(HostId host) const { return hosts_[Index(host)].power; }

  // When `bytes` given to `link` now reach the other end. Counts the faults that delay them.
  Time ArrivalTime(Link& link, uint32_t bytes, uint64_t draw);
  void CountStop(const Link& link);

  FaultId Begin(NetworkFault fault, Time until);
  void EndFault(FaultId fault);
  void HealAll();
  // Uses up one count of the first fault of `kind` on `link`; false when there is none.
  bool Spend(NetworkFaultKind kind, const Link& link);
  // When the first active fault of `kind` (about names) on `host` began; kNever: none is active.
  Time BegunOn(NetworkFaultKind kind, HostId host) const;
  void Count(NetworkFaultKind kind) { ++effects.by_kind[static_cast<size_t>(kind)]; }

  Stream& NewStream(uint64_t key);
  void Free(Stream& stream);
  size_t open_streams() const { return streams_.size() - free_slots_.size(); }
  // Closes the ends of the processes on `loop`.
  void CloseEndsOf(const Loop& loop, bool loud);

  // nullptr when no host has this address.
  const HostId* FindHost(const NetworkAddress& address) const;
  const Host& host(HostId id) const { return hosts_[Index(id)].host; }
  uint16_t NextPort(HostId host);

  ListenerState* FindListener(HostId host, const NetworkAddress& address) const;
  bool PortTaken(HostId host, uint16_t port) const;
  void AddListener(HostId host, ListenerState& listener);
  void RemoveListener(HostId host, const ListenerState& listener);

  void AddProcess(SimProcessNetwork& process) { processes_.push_back(&process); }
  void RemoveProcess(SimProcessNetwork& process) { std::erase(processes_, &process); }

  void Note(ConnectStep step, const StreamEnd& end);

  Timeline& timeline;
  const NetworkParameters parameters;
  const uint64_t draw_key;
  Loop loop;  // Of kernels and cables. Held by nothing, slowed by nothing.
  Names names;
  NetworkFaultEffects effects;
  std::map<FaultId, NetworkFault> faults;

 private:
  struct HostState {
    Host host;
    bool power = true;
    uint32_t ports = 0;  // Given out so far.
  };
  struct Expiry : TimerNode {
    Wire* wire = nullptr;
    FaultId fault{};
    Time begun{};
  };

  static size_t Index(HostId id) { return static_cast<size_t>(id); }
  static uint64_t PortKey(HostId host, uint16_t port) { return uint64_t{Index(host)} << 16 | port; }
  Distance DistanceBetween(const Host& a, const Host& b) const;
  void BreakHalf(const NetworkFault& fault);
  void Recompute(Link& link) const;
  void RecomputeLinks();
  void HastenStreams(const std::vector<const Link*>& faster);
  void RecheckStreams();

  std::vector<HostState> hosts_;
  std::map<NetworkAddress, HostId> hosts_by_address_;
  std::map<std::pair<HostId, HostId>, Link> links_;
  std::map<uint64_t, ListenerState*> listeners_;
  std::vector<SimProcessNetwork*> processes_;  // In order of attachment.
  uint64_t last_fault_ = 0;
  std::map<FaultId, Expiry> expiries_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<size_t> free_slots_;
};

}  // namespace orrery::sim
