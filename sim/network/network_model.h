// NetworkModel: the network of a simulated world: hosts, links between them, streams, names, and
// what is wrong with them. It knows hosts and loops; processes and machines are the world's.
//
// - The bytes that a process writes to a stream in one turn travel as one piece: one event on the
//   reader's loop, so that a paused or slow process gets them late. Pieces of one direction keep
//   their order. Buffers are passed along, not copied.
// - Time under way is a latency drawn by a hash of (seed, stream, ordinal), and the bytes' share of
//   the link. So what happens on one link shifts no draw of another.
// - It behaves as TCP does: a host without listener refuses after a round trip; a host without
//   power says nothing; the kernel of a killed process resets its streams, after the bytes that
//   had left; unread bytes are bounded and hold the sender back; bytes that cannot get through are
//   tried again until they do, or until the sender gives the stream up.
// - Every connection step and delivery, with its bytes, enters the timeline's hash.
//
// One thread; everything is called from events of the timeline.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/env/network.h"
#include "sim/network/faults.h"
#include "sim/network/parameters.h"
#include "sim/world/loop.h"
#include "sim/world/timeline.h"

namespace orrery::sim {

class Wire;

// What has one address. Places are names, compared within the place above: zone "a" of data centre
// "x" is not zone "a" of "y".
struct Host {
  uint64_t key = 0;        // Names the host in draws and in the hash.
  NetworkAddress address;  // Its port is ignored. No two hosts have the same.
  std::string machine;
  std::string zone;
  std::string data_center;
  std::string region;
};

// The network as one incarnation of a process sees it. 127.0.0.1 and ::1 are the host itself.
// Destroying it does what Fence does.
class ProcessNetwork : public Network {
 public:
  virtual ~ProcessNetwork() = default;

  // Ends the process's part, as a kernel does after a kill: listeners close, streams are reset and
  // peers learn it after what had left already. From now on every call is inert. To be called
  // before the process's tasks and its Loop are destroyed, and after Loop::Fence. Idempotent.
  virtual void Fence() = 0;
};

class NetworkModel {
 public:
  NetworkModel(Timeline& timeline, NetworkParameters parameters);
  ~NetworkModel();  // REQUIRES: no ProcessNetwork or Connection of it is left.

  // REQUIRES: no host has this address.
  HostId AddHost(Host host);

  // The network of an incarnation on `host`, running on `loop`. REQUIRES: `loop` outlives it.
  std::unique_ptr<ProcessNetwork> Attach(Loop& loop, HostId host);

  // Power. A host that goes off is silent: its streams and listeners end and nobody is told; peers
  // find out by their own writes and patience. REQUIRES for PowerOff: Loop::Fence of the processes
  // on it; their Fence may follow and says nothing more. A host begins with power on; when it comes
  // back it resets what reaches it for streams of its earlier life.
  void PowerOff(HostId host);
  void PowerOn(HostId host);

  // The answer to a look-up of `name`, in the order given; empty: the name is not known any more.
  // After a change a host may get the old answer for a time drawn up to
  // NetworkParameters::name_lag_max. Ports are ignored.
  void SetName(const std::string& name, std::vector<NetworkAddress> addresses);

  // Begins a fault; a lasting one ends by itself at world time `until`. Faults add up: what two
  // faults block is open again when both have ended.
  FaultId Begin(NetworkFault fault, Time until = kNever);

  // Ends a fault. One that has ended already is left alone.
  void End(FaultId fault);

  // Ends all faults: stopped bytes and attempts move again. (Hosts without power stay so.)
  void HealAll();

  // The faults that are active, one-shot ones until they are spent.
  const std::map<FaultId, NetworkFault>& faults() const;

  // Whether what is sent from `from` to `to` waits now, by clog, partition or power.
  bool IsBlocked(HostId from, HostId to) const;

  const NetworkFaultEffects& effects() const;
  const NetworkParameters& parameters() const;
  const Host& host(HostId host) const;

  // Streams with an end that is still held by a process.
  size_t open_streams() const;

 private:
  std::unique_ptr<Wire> wire_;
};

}  // namespace orrery::sim
