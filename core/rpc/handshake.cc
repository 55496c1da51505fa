// Encoding of Hello, and the choice of a version.
#include "core/rpc/handshake.h"

#include <algorithm>
#include <cstring>

#include "core/rpc/rpc.pb.h"

namespace orrery {
namespace {

std::string Range(const RpcIdentity& identity) {
  return std::to_string(identity.protocol_min) + " to " + std::to_string(identity.protocol_max);
}

}  // namespace

Buffer EncodeHello(const Hello& hello) {
  rpc::Hello message;
  message.set_protocol_min(hello.identity.protocol_min);
  message.set_protocol_max(hello.identity.protocol_max);
  message.set_cluster_id(hello.identity.cluster_id);
  message.set_process(hello.identity.process);
  message.set_incarnation(hello.identity.incarnation);
  message.set_lane(hello.lane == Lane::kHeartbeat ? rpc::Hello::HEARTBEAT : rpc::Hello::DATA);

  const std::string body = message.SerializeAsString();
  FrameHeader header;
  header.type = FrameType::kHello;
  header.message_bytes = header.body_bytes = static_cast<uint32_t>(body.size());
  MutableBuffer out(kPreamble.size() + kFrameHeaderBytes + body.size());
  char* const frame = out.data() + kPreamble.size();
  std::memcpy(out.data(), kPreamble.data(), kPreamble.size());
  WriteFrameHeader(header, body, {}, frame);
  std::memcpy(frame + kFrameHeaderBytes, body.data(), body.size());
  const size_t bytes = out.capacity();
  return std::move(out).Freeze(bytes);
}

std::optional<Hello> DecodeHello(const Frame& frame) {
  rpc::Hello message;
  const std::string_view bytes = frame.message();
  if (frame.header.type != FrameType::kHello ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  Hello hello;
  hello.identity.protocol_min = message.protocol_min();
  hello.identity.protocol_max = message.protocol_max();
  hello.identity.cluster_id = message.cluster_id();
  hello.identity.process = message.process();
  hello.identity.incarnation = message.incarnation();
  hello.lane = message.lane() == rpc::Hello::HEARTBEAT ? Lane::kHeartbeat : Lane::kData;
  if (hello.identity.protocol_min > hello.identity.protocol_max) return std::nullopt;
  return hello;
}

absl::StatusOr<uint32_t> Agree(const RpcIdentity& ours, const RpcIdentity& theirs) {
  const uint32_t version = std::min(ours.protocol_max, theirs.protocol_max);
  if (version < std::max(ours.protocol_min, theirs.protocol_min)) {
    return Error(ErrorCode::protocol_mismatch,
                 "we speak " + Range(ours) + ", the peer " + Range(theirs));
  }
  if (!ours.cluster_id.empty() && !theirs.cluster_id.empty() &&
      ours.cluster_id != theirs.cluster_id) {
    return Error(ErrorCode::wrong_cluster,
                 "ours is " + ours.cluster_id + ", the peer's " + theirs.cluster_id);
  }
  return version;
}

}  // namespace orrery
