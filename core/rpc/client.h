// RpcClient: calls to methods of other processes.
//
//   RpcClient rpc(env, identity);
//   absl::StatusOr<Message<ResolveReply>> reply =
//       co_await rpc.Call(endpoint, kResolve, Message<ResolveRequest>{...}, Seconds(5));
//
// - One connection per peer address, made when a call needs it, made again with a capped, jittered
//   wait after it broke, closed when unused. A host name is resolved for each attempt.
// - All frames of one turn to one peer leave in one write.
// - A request is sent at most once; RPC never sends it again. Errors for which the request may have
//   been executed are those with `maybe_done` in the table of error codes.
// - A peer that is used is sent heartbeats, on a connection of their own, so that they never queue
//   behind data. When it closes, cannot be reached, or is silent for rpc_silence_max, the calls
//   that wait for it fail at once. So they do when heartbeats pass and the connection of the calls
//   alone is silent, though it was pinged; then with time for what the peer has yet to read.
//
// Errors of a call, besides the handler's own: timed_out; connection_failed (broken, unreachable or
// silent); stale_endpoint (unsent); overloaded (refused by the peer, or too much is queued for it);
// message_too_large (unsent); unknown_method; protocol_mismatch, wrong_cluster,
// authentication_failed (the peer is not to be talked to); corrupt_frame; name_not_found.
//
// Threads: one loop's. Destroying the client fails the calls under way with connection_failed, and
// REQUIRES that nobody is in WaitForFailure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/async/clock.h"
#include "core/async/task.h"
#include "core/async/wait_queue.h"
#include "core/env/env.h"
#include "core/rpc/endpoint.h"
#include "core/rpc/frame.h"
#include "core/rpc/handshake.h"
#include "core/rpc/message_lite.h"
#include "core/rpc/method.h"

namespace orrery {

class RpcClient;

namespace rpc_internal {
class ClientCore;
class Peer;
struct MethodMetrics;

// One call under way, type-erased: the awaiter that RpcClient::CallRaw gives. It lies in the frame
// of whoever awaits, and in the slot table of its peer.
class [[nodiscard]] RawCall : public QueuedWaiter {
 public:
  ~RawCall();

  bool await_ready() const noexcept { return result_.has_value(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    Suspend(awaiting);
    suspended_ = true;
  }
  // The reply's frame. An error that the peer gave is an error here.
  absl::StatusOr<Frame> await_resume() noexcept { return *std::move(result_); }

 private:
  friend class orrery::RpcClient;
  friend class ClientCore;
  friend class Peer;

  // The deadline of the call.
  struct Timer : TimerNode {
    explicit Timer(RawCall& owner) : call(owner) {}
    RawCall& call;
  };

  // Sends the request, or queues it until there is a connection.
  RawCall(ClientCore& core, const Endpoint& to, uint16_t method, const char* method_name,
          const google::protobuf::MessageLite& header, Buffer attachment, Duration timeout,
          const CallContext& call_context);

  absl::Status Begin(const Endpoint& to, Duration timeout);
  static void OnDeadline(ReadyNode* node);
  void Complete(absl::StatusOr<Frame> result);  // Leaves the peer; does not wake.
  void TraceFailed(const absl::Status& reason) const;
  void CompleteAndWake(absl::StatusOr<Frame> result);

  ClientCore& core_;
  const google::protobuf::MessageLite& header_;
  const CallContext& call_context_;
  Buffer attachment_;
  const uint16_t method_;
  bool sent_ = false;      // On the peer's connection, or on its last.
  bool answered_ = false;  // Whatever the result is, it is the peer's.
  const char* const method_name_;
  const uint64_t token_;
  const uint64_t incarnation_;
  const Time start_;
  MethodMetrics& metrics_;
  Timer deadline_{*this};
  Time due_;
  Peer* peer_ = nullptr;  // Set while the call is in the peer's slot table, under `id_`.
  uint64_t id_ = 0;
  size_t waiting_bytes_ = 0;    // Counted by the peer while the request waits for a connection.
  uint64_t end_in_stream_ = 0;  // Of the request, once it was sent: bytes of the connection.
  bool suspended_ = false;
  std::optional<absl::StatusOr<Frame>> result_;
};

}  // namespace rpc_internal

// What is known of a peer.
enum class PeerState : uint8_t {
  kIdle,         // Nothing: it is not used, or not known.
  kConnecting,   // No answer yet.
  kConnected,    // Heard within rpc_silence_max, as long as it is used.
  kClosed,       // It closed or reset the connection, or another life of it answers.
  kUnreachable,  // No connection could be made.
  kSilent,       // Connected, but not heard for rpc_silence_max.
  kRefused,      // Another cluster, another protocol, not authentic, or it sent damaged frames.
};
const char* PeerStateName(PeerState state);

class RpcClient {
 public:
  // `identity` is what peers are told; a process that only calls may leave it empty.
  // REQUIRES: `env` outlives this, and its knobs have RpcKnobs.
  RpcClient(Env& env, RpcIdentity identity);
  ~RpcClient();

  // Calls `method` at `to` and gives its reply. Nothing happens before it is awaited. `timeout`
  // bounds everything, connecting included. Cancel-safe: destroying the Task abandons the call and
  // tells the peer, which destroys the handler where it waits; the request may have had any part
  // of its effect.
  template <class Req, class Rep>
  Task<absl::StatusOr<Message<Rep>>> Call(Endpoint to, Method<Req, Rep> method,
                                          Message<Req> request, Duration timeout,
                                          CallContext context = {}) {
    absl::StatusOr<Frame> frame = co_await CallRaw(to, method.id, method.name, request.header,
                                                   std::move(request.attachment), timeout, context);
    if (!frame.ok()) co_return std::move(frame).status();
    Message<Rep> reply;
    if (!ParseMessage(frame->message(), reply.header)) {
      co_return Error(ErrorCode::corrupt_frame, "the reply's message does not parse");
    }
    reply.attachment = frame->attachment();
    co_return reply;
  }

  // The same without types. REQUIRES: `header` and `context` live until the call has ended;
  // awaited at once.
  rpc_internal::RawCall CallRaw(const Endpoint& to, uint16_t method, const char* method_name,
                                const google::protobuf::MessageLite& header, Buffer attachment,
                                Duration timeout, const CallContext& context);

  // What is known of the peer at this address, whatever its incarnation. Sends nothing.
  PeerState StateOf(const Endpoint& at) const;

  // Keeps a connection to `to`, with heartbeats, until it fails, and says how: one of the failures
  // of PeerState. kClosed, too, when another incarnation than the endpoint's answers. At once when
  // the peer is failed now. Cancel-safe.
  Task<PeerState> WaitForFailure(Endpoint to);

 private:
  std::unique_ptr<rpc_internal::ClientCore> core_;
};

}  // namespace orrery
