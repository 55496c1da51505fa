// Peer: the client's side of one peer address: its connection, the calls that wait for it, and what
// is known of its health. ClientCore: all peers of a client.
//
// A peer has one task, which lives as long as the peer is used: it connects, reads replies, sends
// heartbeats, and after a failure waits and begins again. No call has a task here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/async/wait_queue.h"
#include "core/base/lookup_map.h"
#include "core/rpc/call_trace.h"
#include "core/rpc/client.h"
#include "core/rpc/link.h"
#include "core/rpc/rpc_metrics.h"
#include "core/rpc/slot_table.h"

namespace orrery::rpc_internal {

// Where a connection goes. `address` has the port of the loop.
struct PeerKey {
  NetworkAddress address;
  std::string host;  // Empty: `address` is used, otherwise only its port.
  friend auto operator<=>(const PeerKey&, const PeerKey&) = default;
};

class Peer {
 public:
  Peer(ClientCore& core, PeerKey key);
  ~Peer();  // Fails the calls that are left.

  // Takes the call in: sends it now, or when there is a connection. An error refuses it.
  absl::Status Submit(RawCall& call);

  // Takes the call out before its reply came; tells the peer when it was sent.
  void Abandon(RawCall& call);

  // Until there is a failure: see RpcClient::WaitForFailure.
  Task<PeerState> WaitForFailure(uint64_t incarnation);

  // The peer's task. It ends, and the peer with it, when the peer has not been used for a while.
  Task<absl::Status> Run();

  PeerState state() const { return state_; }

  // For traces: its process, or, when that is not known, its address; and its last connection.
  std::string Name() const;
  const CallPath& path() const { return path_; }

 private:
  class Watcher;

  // A ping among the data.
  struct DataPing {
    uint64_t id = 0;
    Time at{};
    uint64_t begin_in_stream = 0;
  };

  bool used() const { return !calls_.empty() || watchers_ > 0; }
  Task<absl::Status> WaitUsed();
  Task<absl::StatusOr<std::unique_ptr<Link>>> Open(Lane lane);
  Task<absl::Status> RunConnected();
  Task<absl::Status> ReadReplies();
  bool Suspect();
  bool IsForAnotherLife(const RawCall& call) const;
  void FailSent(const absl::Status& status);
  Task<absl::Status> WaitSuspected();
  Task<absl::Status> KeepWatch();
  Task<absl::Status> BeatUnlessSuspected(std::unique_ptr<Link>* heartbeat,
                                         std::optional<absl::Status>* ended);
  Task<absl::Status> Beat(std::unique_ptr<Link>* heartbeat);
  absl::Status OnFrame(Frame frame);
  void PingData();
  bool DataIsSilent() const;
  void SendWaiting();
  absl::Status Send(RawCall& call);
  void FailAll(const absl::Status& status);
  void SetState(PeerState state);
  Duration NextDelay();

  ClientCore& core_;
  const PeerKey key_;
  PeerState state_ = PeerState::kIdle;
  bool resting_ = false;   // Not used; `state_` tells of the past.
  uint32_t failures_ = 0;  // Attempts and connections that failed since the last reply.
  uint64_t beats_ = 0;
  size_t watchers_ = 0;
  SlotTable<RawCall> calls_;  // Sent, or in `waiting_`.
  WaitQueue waiting_;         // In order of arrival.
  size_t waiting_bytes_ = 0;
  bool suspected_ = false;
  Time trusted_until_{};        // The life that is connected was seen to answer.
  Notify suspicion_;            // suspected_ was set.
  Notify used_;                 // When used() may have become true.
  Notify changed_;              // When state_ changed.
  std::unique_ptr<Link> link_;  // Established.
  uint64_t read_through_ = 0;   // What the peer has read of it, as its answers tell: bytes.
  DataPing data_ping_;          // The last on it.
  CallPath path_;               // Of `link_`, or of the last one.
  std::string process_;         // As the peer named itself there.
};

class ClientCore {
 public:
  ClientCore(Env& environment, RpcIdentity own);
  ~ClientCore();

  // The peer of an endpoint, made when it is not there; nullptr when there are too many.
  Peer* PeerFor(const Endpoint& to);
  const Peer* FindPeer(const Endpoint& at) const;
  void Forget(const PeerKey& key) { peers_.erase(key); }
  MethodMetrics& MetricsOf(uint16_t method, const char* name);

  Env& env;
  const RpcKnobs& knobs;
  const RpcIdentity identity;
  ConnectionMetrics metrics;
  Random& random;

 private:
  LookupMap<uint16_t, std::unique_ptr<MethodMetrics>> methods_;
  absl::btree_map<PeerKey, std::unique_ptr<Peer>> peers_;
  TaskGroup tasks_;
};

}  // namespace orrery::rpc_internal
