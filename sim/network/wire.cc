// Hosts, links, streams and listeners of the wire.
#include "sim/network/wire.h"

#include <algorithm>

#include "core/base/invariant.h"
#include "sim/network/process_network.h"

namespace orrery::sim {
namespace {

constexpr uint16_t kFirstEphemeralPort = 32768;
constexpr uint32_t kEphemeralPorts = 28232;  // Up to 60999, as Linux does.

Duration TimeFor(uint32_t bytes, uint64_t bytes_per_second) {
  return Duration(static_cast<int64_t>(uint64_t{bytes} * 1'000'000'000 / bytes_per_second));
}

}  // namespace

Wire::Wire(Timeline& on, NetworkParameters drawn)
    : timeline(on),
      parameters(drawn),
      draw_key(HashWords(on.draw_seed(), HashName("network"))),
      loop(on, HashName("network"), {}),
      names(HashWords(on.draw_seed(), HashName("network.names")), drawn.name_lag_max) {}

Wire::~Wire() { INVARIANT(processes_.empty(), processes_.size()); }

HostId Wire::AddHost(Host host) {
  host.address = host.address.WithPort(0);
  const HostId id = static_cast<HostId>(hosts_.size());
  const bool is_new = hosts_by_address_.emplace(host.address, id).second;
  INVARIANT(is_new, host.address.ToString());
  hosts_.push_back({std::move(host)});
  return id;
}

const HostId* Wire::FindHost(const NetworkAddress& address) const {
  const auto found = hosts_by_address_.find(address);
  return found == hosts_by_address_.end() ? nullptr : &found->second;
}

Distance Wire::DistanceBetween(const Host& a, const Host& b) const {
  if (&a == &b) return Distance::kSameMachine;
  if (a.region != b.region) return Distance::kOtherRegion;
  if (a.data_center != b.data_center) return Distance::kSameRegion;
  if (a.zone != b.zone) return Distance::kSameDataCenter;
  return a.machine != b.machine ? Distance::kSameZone : Distance::kSameMachine;
}

Link& Wire::LinkBetween(HostId from, HostId to) {
  const auto [at, is_new] = links_.try_emplace({from, to});
  Link& link = at->second;
  if (is_new) {
    const size_t distance = static_cast<size_t>(DistanceBetween(host(from), host(to)));
    link.from = from;
    link.to = to;
    link.latency = parameters.latency[distance];
    link.bytes_per_second = parameters.bytes_per_second[distance];
    Recompute(link);
  }
  return link;
}

Time Wire::ArrivalTime(Link& link, uint32_t bytes, uint64_t draw) {
  Duration latency = DrawLatency(link.latency, parameters.tail_max, draw);
  if (link.delay > Duration::zero()) {
    latency += link.delay;
    Count(NetworkFaultKind::kLatency);
  }
  if (link.slow_delay > Duration::zero()) {
    latency += link.slow_delay;
    Count(NetworkFaultKind::kSlowPeer);
  }
  if (bytes == 0) return timeline.Now() + latency;
  const uint64_t bytes_per_second = link.EffectiveBytesPerSecond();
  if (bytes_per_second < link.bytes_per_second) Count(NetworkFaultKind::kBandwidth);
  link.busy_until = std::max(link.busy_until, timeline.Now()) + TimeFor(bytes, bytes_per_second);
  return link.busy_until + latency;
}

void Wire::CountStop(const Link& link) {
  if (link.clogged) Count(NetworkFaultKind::kClog);
  if (link.partitioned) Count(NetworkFaultKind::kPartition);
}

void Wire::SetPower(HostId host, bool on) {
  if (hosts_[Index(host)].power == on) return;
  hosts_[Index(host)].power = on;
  const ConnectStep step = on ? ConnectStep::kPowerOn : ConnectStep::kPowerOff;
  timeline.Note(Happening::kConnect, hosts_[Index(host)].host.key, static_cast<uint64_t>(step));
  if (!on) {
    for (SimProcessNetwork* process : std::vector(processes_)) {
      if (process->host() == host) process->Silence();
    }
  }
  RecheckStreams();
}

Stream& Wire::NewStream(uint64_t key) {
  size_t slot = streams_.size();
  if (free_slots_.empty()) {
    streams_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  streams_[slot] = std::make_unique<Stream>(*this, key, slot);
  return *streams_[slot];
}

void Wire::Free(Stream& stream) {
  const size_t slot = stream.slot;
  streams_[slot].reset();
  free_slots_.push_back(slot);
}

void Wire::CloseEndsOf(const Loop& of, bool loud) {
  for (size_t slot = 0; slot < streams_.size(); ++slot) {
    for (const int side : {0, 1}) {
      if (streams_[slot] != nullptr && streams_[slot]->end(side).loop == &of) {
        streams_[slot]->end(side).Close(loud);
      }
    }
  }
}

uint16_t Wire::NextPort(HostId host) {
  HostState& state = hosts_[Index(host)];
  uint16_t port = 0;
  do {
    port = static_cast<uint16_t>(kFirstEphemeralPort + state.ports++ % kEphemeralPorts);
  } while (PortTaken(host, port));
  return port;
}

ListenerState* Wire::FindListener(HostId host, const NetworkAddress& address) const {
  const auto found = listeners_.find(PortKey(host, address.port()));
  if (found == listeners_.end() || !found->second->Hears(address)) return nullptr;
  return found->second;
}

bool Wire::PortTaken(HostId host, uint16_t port) const {
  return listeners_.contains(PortKey(host, port));
}

void Wire::AddListener(HostId host, ListenerState& listener) {
  listeners_[PortKey(host, listener.address().port())] = &listener;
}

void Wire::RemoveListener(HostId host, const ListenerState& listener) {
  listeners_.erase(PortKey(host, listener.address().port()));
}

const char* NameOf(ConnectStep step) {
  switch (step) {
    case ConnectStep::kAttempt:
      return "attempt";
    case ConnectStep::kReached:
      return "reached";
    case ConnectStep::kEstablished:
      return "established";
    case ConnectStep::kRefused:
      return "refused";
    case ConnectStep::kGaveUp:
      return "gave up";
    case ConnectStep::kFinished:
      return "finished by its peer";
    case ConnectStep::kReset:
      return "reset";
    case ConnectStep::kTimedOut:
      return "timed out";
    case ConnectStep::kClosed:
      return "closed";
    case ConnectStep::kStopped:
      return "stopped";
    case ConnectStep::kMoved:
      return "moves again";
    case ConnectStep::kPowerOff:
      return "power off";
    case ConnectStep::kPowerOn:
      return "power on";
  }
  return "unknown";
}

void Wire::Note(ConnectStep step, const StreamEnd& end) {
  timeline.Note(Happening::kConnect, end.stream.key, static_cast<uint64_t>(step),
                static_cast<uint64_t>(end.side));
}

}  // namespace orrery::sim
