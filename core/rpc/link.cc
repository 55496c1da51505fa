// Handshake and reading of frames over a Connection.
#include "core/rpc/link.h"

#include <utility>

#include "core/observe/probe.h"
#include "core/observe/trace.h"

namespace orrery::rpc_internal {

Link::Link(Env& env, const RpcKnobs& knobs, ConnectionMetrics& metrics,
           std::unique_ptr<Connection> connection)
    : env_(env),
      knobs_(knobs),
      metrics_(metrics),
      connection_(std::move(connection)),
      decoder_(static_cast<size_t>(knobs.rpc_handshake_bytes_max)),
      writer_(env.executor(), knobs, *connection_, metrics.sent_bytes),
      heard_at_(env.clock().Now()) {
  peer_.address = connection_->peer_address();
  peer_.certificate = connection_->peer_name();
  metrics_.open.Add(1);
  metrics_.opened.Add();
}

Link::~Link() { metrics_.open.Add(-1); }

Task<absl::Status> Link::Greet(Hello ours) {
  lane_ = ours.lane;
  connection_->Write(EncodeHello(ours));
  CO_ASSIGN_OR_RETURN(Hello theirs, co_await ReceiveHello());
  co_return Accept(ours.identity, theirs);
}

Task<absl::Status> Link::Welcome(RpcIdentity ours) {
  CO_ASSIGN_OR_RETURN(Hello theirs, co_await ReceiveHello());
  lane_ = theirs.lane;
  connection_->Write(EncodeHello({ours, theirs.lane}));
  absl::Status accepted = Accept(ours, theirs);
  if (!accepted.ok()) {
    // The answer, which tells the client why, leaves before the connection is destroyed.
    connection_->FinishWriting();
    while (true) {
      CO_ASSIGN_OR_RETURN(Buffer rest, co_await connection_->Read());
      if (rest.empty()) break;
    }
  }
  co_return accepted;
}

Task<absl::StatusOr<Hello>> Link::ReceiveHello() {
  while (true) {
    if (const std::optional<Frame> frame = decoder_.Next()) {
      std::optional<Hello> hello = DecodeHello(*frame);
      if (!hello.has_value()) co_return Unexpected(*frame);
      decoder_.set_body_bytes_max(static_cast<size_t>(knobs_.rpc_frame_bytes_max));
      co_return *std::move(hello);
    }
    CO_RETURN_IF_ERROR(Check());
    CO_RETURN_IF_ERROR(co_await Receive());
  }
}

absl::Status Link::Accept(const RpcIdentity& ours, const Hello& theirs) {
  const absl::StatusOr<uint32_t> version = Agree(ours, theirs.identity);
  if (!version.ok()) {
    metrics_.refused.Add();
    if (auto e = env_.trace().Warn("RpcHandshakeRefused")) {
      e.Add("peer", peer_.address.ToString()).Add("reason", version.status());
    }
    return version.status();
  }
  peer_.process = theirs.identity.process;
  peer_.incarnation = theirs.identity.incarnation;
  peer_.protocol = *version;
  return absl::OkStatus();
}

Task<absl::Status> Link::Receive() {
  CO_ASSIGN_OR_RETURN(Buffer piece, co_await connection_->Read());
  if (piece.empty()) {
    if (!decoder_.at_boundary()) {
      metrics_.truncated.Add();
      TraceDefect("truncated");
    }
    co_return Error(ErrorCode::connection_failed);
  }
  metrics_.received_bytes.Add(piece.size());
  heard_at_ = env_.clock().Now();
  decoder_.Feed(std::move(piece));
  co_return absl::OkStatus();
}

absl::Status Link::Check() {
  if (decoder_.defect() == FrameDefect::kNone) return HoldPartial();
  switch (decoder_.defect()) {
    case FrameDefect::kNone:
      break;
    case FrameDefect::kForeign:
      metrics_.foreign.Add();
      break;
    case FrameDefect::kOversized:
      metrics_.oversized.Add();
      break;
    case FrameDefect::kCorrupt:
      metrics_.corrupt.Add();
      break;
  }
  TraceDefect(FrameDefectName(decoder_.defect()));
  return Error(ErrorCode::corrupt_frame);
}

absl::Status Link::HoldPartial() {
  const size_t bytes = decoder_.memory_bytes();
  if (bytes <= partial_.bytes()) {
    partial_.Shrink(partial_.bytes() - bytes);
    return absl::OkStatus();
  }
  if (partial_.bytes() > 0) {
    if (partial_.TryGrow(bytes - partial_.bytes())) return absl::OkStatus();
  } else if (auto held = env_.memory().TryReserve(bytes)) {
    partial_ = *std::move(held);
    return absl::OkStatus();
  }
  PROBE(env_, "rpc.partial_frame_memory_full");
  return Error(ErrorCode::memory_limit);
}

absl::Status Link::Unexpected(const Frame& frame) {
  metrics_.corrupt.Add();
  if (auto e = env_.trace().Warn("RpcFrameUnexpected")) {
    e.Add("peer", peer_.address.ToString()).Add("type", static_cast<int>(frame.header.type));
  }
  return Error(ErrorCode::corrupt_frame);
}

void Link::TraceDefect(const char* defect) {
  PROBE(env_, "rpc.frame_defect");
  if (auto e = env_.trace().Warn("RpcFrameDefect")) {
    e.Add("peer", peer_.address.ToString()).Add("defect", defect);
  }
}

}  // namespace orrery::rpc_internal
