// Link: one established, shaken-hands connection, as client and server both use it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/async/task.h"
#include "core/env/env.h"
#include "core/observe/memory_budget.h"
#include "core/rpc/frame.h"
#include "core/rpc/frame_writer.h"
#include "core/rpc/handshake.h"
#include "core/rpc/method.h"
#include "core/rpc/rpc_metrics.h"

namespace orrery::rpc_internal {

class Link {
 public:
  // REQUIRES: all references outlive this.
  Link(Env& env, const RpcKnobs& knobs, ConnectionMetrics& metrics,
       std::unique_ptr<Connection> connection);
  ~Link();

  // The client's part of the handshake: says Hello, checks the answer. Errors as in Agree,
  // corrupt_frame, connection_failed. The caller bounds it.
  Task<absl::Status> Greet(Hello ours);

  // The server's part: waits for a Hello, and answers it even when the answer is no.
  Task<absl::Status> Welcome(RpcIdentity ours);

  // Waits for bytes; afterwards NextFrame gives what is complete. connection_failed when the stream
  // ended or broke. Cancel-safe.
  Task<absl::Status> Receive();

  // The next complete frame. nullopt: Receive more, unless defect() says that it is of no use.
  std::optional<Frame> NextFrame() { return decoder_.Next(); }

  // To be asked when NextFrame has nothing more. corrupt_frame: the stream cannot be read on; it is
  // counted and traced. memory_limit: the budget does not hold the part of a frame that is here.
  absl::Status Check();

  // For a frame that decodes but makes no sense here.
  absl::Status Unexpected(const Frame& frame);

  FrameWriter& writer() { return writer_; }
  Connection& connection() const { return *connection_; }
  const PeerIdentity& peer() const { return peer_; }
  Lane lane() const { return lane_; }
  Time heard_at() const { return heard_at_; }  // When bytes last came.

 private:
  Task<absl::StatusOr<Hello>> ReceiveHello();
  absl::Status Accept(const RpcIdentity& ours, const Hello& theirs);
  absl::Status HoldPartial();
  void TraceDefect(const char* defect);

  Env& env_;
  const RpcKnobs& knobs_;
  ConnectionMetrics& metrics_;
  std::unique_ptr<Connection> connection_;
  FrameDecoder decoder_;
  MemoryBudget::Reservation partial_;  // What the decoder holds.
  FrameWriter writer_;
  PeerIdentity peer_;
  Lane lane_ = Lane::kData;
  Time heard_at_;
};

}  // namespace orrery::rpc_internal
