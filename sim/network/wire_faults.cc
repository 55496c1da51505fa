// Faults: from what is active to what it means for each link and stream.
#include <algorithm>
#include <iterator>

#include "core/base/invariant.h"
#include "sim/network/wire.h"

namespace orrery::sim {
namespace {

bool Contains(const std::vector<HostId>& hosts, HostId host) {
  return hosts.empty() || std::find(hosts.begin(), hosts.end(), host) != hosts.end();
}

// A host's way to itself does not use the network.
bool Covers(const NetworkFault& fault, HostId from, HostId to) {
  if (from == to) return false;
  const bool one_way = !fault.both_directions || fault.kind == NetworkFaultKind::kSlowPeer;
  return (Contains(fault.from, from) && Contains(fault.to, to)) ||
         (!one_way && Contains(fault.from, to) && Contains(fault.to, from));
}

uint64_t HashOf(const NetworkFault& fault) {
  uint64_t hash = HashWords(fault.both_directions ? 1 : 0, fault.delay.count(),
                            fault.bytes_per_second, fault.window_bytes, fault.count);
  for (const HostId host : fault.from) hash = HashWords(hash, static_cast<uint64_t>(host), 1);
  for (const HostId host : fault.to) hash = HashWords(hash, static_cast<uint64_t>(host), 2);
  return hash;
}

}  // namespace

const char* NameOf(NetworkFaultKind kind) {
  static constexpr std::array<const char*, kNetworkFaultKinds> kNames = {
      "latency",      "bandwidth",   "clog",       "partition", "slow_peer", "refuse_connect",
      "hang_connect", "names_stale", "names_fail", "reset",     "bit_flip",  "half_open"};
  return kNames[static_cast<size_t>(kind)];
}

FaultId Wire::Begin(NetworkFault fault, Time until) {
  INVARIANT(fault.kind != NetworkFaultKind::kBandwidth || fault.bytes_per_second > 0);
  INVARIANT(fault.window_bytes > 0 && fault.count > 0 && fault.delay >= Duration::zero());
  const FaultId id = static_cast<FaultId>(++last_fault_);
  timeline.Note(Happening::kFault, loop.key(), static_cast<uint64_t>(fault.kind), HashOf(fault));
  if (fault.kind == NetworkFaultKind::kHalfOpen) {
    BreakHalf(fault);
    return id;
  }
  faults.emplace(id, std::move(fault));
  Expiry& expiry = expiries_[id];
  expiry.wire = this;
  expiry.fault = id;
  expiry.begun = timeline.Now();
  expiry.run = [](ReadyNode* node) {
    Expiry* const due = static_cast<Expiry*>(node);
    due->wire->EndFault(due->fault);
  };
  if (until != kNever) loop.ArmAt(expiry, until);
  RecomputeLinks();
  RecheckStreams();
  return id;
}

void Wire::EndFault(FaultId fault) {
  if (faults.erase(fault) == 0) return;
  expiries_.erase(fault);
  timeline.Note(Happening::kFault, loop.key(), kNetworkFaultKinds, static_cast<uint64_t>(fault));
  RecomputeLinks();
  RecheckStreams();
}

void Wire::HealAll() {
  faults.clear();
  expiries_.clear();
  timeline.Note(Happening::kFault, loop.key(), kNetworkFaultKinds, 0);
  for (const std::unique_ptr<Stream>& stream : streams_) {
    if (stream == nullptr) continue;
    for (const int side : {0, 1}) stream->end(side).swallows = false;
  }
  RecomputeLinks();
  RecheckStreams();
}

bool Wire::Spend(NetworkFaultKind kind, const Link& link) {
  for (auto& [id, fault] : faults) {
    if (fault.kind != kind || !Covers(fault, link.from, link.to)) continue;
    Count(kind);
    if (--fault.count == 0) {
      const FaultId spent = id;
      expiries_.erase(spent);
      faults.erase(spent);
      RecomputeLinks();
    }
    return true;
  }
  return false;
}

Time Wire::BegunOn(NetworkFaultKind kind, HostId host) const {
  for (const auto& [id, fault] : faults) {
    if (fault.kind == kind && Contains(fault.from, host)) return expiries_.at(id).begun;
  }
  return kNever;
}

void Wire::BreakHalf(const NetworkFault& fault) {
  for (const std::unique_ptr<Stream>& stream : streams_) {
    if (stream == nullptr) continue;
    for (const int side : {0, 1}) {
      StreamEnd& end = stream->end(side);
      StreamEnd& other = stream->end(1 - side);
      const bool covered = end.host != other.host && Contains(fault.from, end.host) &&
                           Contains(fault.to, other.host);
      if (!covered || end.state != StreamEnd::State::kOpen ||
          other.state != StreamEnd::State::kOpen) {
        continue;
      }
      Count(NetworkFaultKind::kHalfOpen);
      // Whether the cut end still answers with resets is drawn per stream.
      end.swallows = (HashWords(draw_key, stream->key, HashName("swallows")) & 1) != 0;
      Note(ConnectStep::kTimedOut, end);
      end.Break();
      end.LetPeerProbe();
    }
  }
}

void Wire::Recompute(Link& link) const {
  link.clogged = link.partitioned = link.refuses = link.hangs = link.hurts_deliveries = false;
  link.delay = link.slow_delay = Duration::zero();
  link.limit_bytes_per_second = 0;
  link.window_bytes = parameters.window_bytes;
  for (const auto& [id, fault] : faults) {
    if (!Covers(fault, link.from, link.to)) continue;
    switch (fault.kind) {
      case NetworkFaultKind::kLatency:
        link.delay += fault.delay;
        break;
      case NetworkFaultKind::kBandwidth:
        link.limit_bytes_per_second =
            link.limit_bytes_per_second == 0
                ? fault.bytes_per_second
                : std::min(link.limit_bytes_per_second, fault.bytes_per_second);
        break;
      case NetworkFaultKind::kClog:
        link.clogged = true;
        break;
      case NetworkFaultKind::kPartition:
        link.partitioned = true;
        break;
      case NetworkFaultKind::kSlowPeer:
        link.slow_delay += fault.delay;
        link.window_bytes = std::min(link.window_bytes, fault.window_bytes);
        break;
      case NetworkFaultKind::kRefuseConnect:
        link.refuses = true;
        break;
      case NetworkFaultKind::kHangConnect:
        link.hangs = true;
        break;
      case NetworkFaultKind::kReset:
      case NetworkFaultKind::kBitFlip:
        link.hurts_deliveries = true;
        break;
      case NetworkFaultKind::kNamesStale:
      case NetworkFaultKind::kNamesFail:
      case NetworkFaultKind::kHalfOpen:
        break;
    }
  }
}

void Wire::RecomputeLinks() {
  std::vector<const Link*> faster;
  for (auto& [ends, link] : links_) {
    const uint64_t before = link.EffectiveBytesPerSecond();
    Recompute(link);
    if (link.EffectiveBytesPerSecond() <= before) continue;
    link.busy_until = std::min(link.busy_until, timeline.Now());
    faster.push_back(&link);
  }
  if (!faster.empty()) HastenStreams(faster);
}

// What waits for its turn on a slow link does not wait on when the link is slow no more.
void Wire::HastenStreams(const std::vector<const Link*>& faster) {
  for (const std::unique_ptr<Stream>& stream : streams_) {
    if (stream == nullptr) continue;
    for (const int side : {0, 1}) {
      const Link* const link = stream->end(1 - side).out;
      if (std::find(faster.begin(), faster.end(), link) != faster.end()) {
        stream->end(side).Hasten();
      }
    }
  }
}

void Wire::RecheckStreams() {
  for (const std::unique_ptr<Stream>& stream : streams_) {
    if (stream == nullptr) continue;
    stream->RecheckHandshake();
    for (const int side : {0, 1}) {
      if (stream->end(side).state != StreamEnd::State::kNone) stream->end(side).Recheck();
    }
  }
}

}  // namespace orrery::sim
