// Serialises messages straight into the piece that leaves.
#include "core/rpc/frame_writer.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/base/invariant.h"

namespace orrery::rpc_internal {
namespace {

constexpr size_t kPieceBytesMin = 256;
constexpr size_t kPieceBytesMax = 64 << 10;

}  // namespace

FrameWriter::FrameWriter(Executor& executor, const RpcKnobs& knobs, Connection& connection,
                         Counter& sent_bytes)
    : executor_(executor), knobs_(knobs), connection_(connection), sent_bytes_(sent_bytes) {}

absl::Status FrameWriter::Add(FrameType type, uint16_t method, uint64_t id,
                              const google::protobuf::MessageLite* envelope,
                              const google::protobuf::MessageLite* message, Buffer attachment) {
  const size_t envelope_bytes = envelope != nullptr ? envelope->ByteSizeLong() : 0;
  const size_t message_bytes = message != nullptr ? message->ByteSizeLong() : 0;
  const size_t head_bytes = envelope_bytes + message_bytes;
  const size_t body_bytes = head_bytes + attachment.size();
  if (envelope_bytes > UINT16_MAX || body_bytes > static_cast<size_t>(knobs_.rpc_frame_bytes_max)) {
    return Error(ErrorCode::message_too_large);
  }
  const bool copy =
      attachment.size() <= static_cast<size_t>(knobs_.rpc_inline_attachment_bytes_max);
  char* const frame = Room(kFrameHeaderBytes + head_bytes + (copy ? attachment.size() : 0));
  char* const head = frame + kFrameHeaderBytes;
  uint8_t* end = reinterpret_cast<uint8_t*>(head);
  if (envelope_bytes > 0) end = envelope->SerializeWithCachedSizesToArray(end);
  if (message_bytes > 0) end = message->SerializeWithCachedSizesToArray(end);
  INVARIANT(reinterpret_cast<char*>(end) == head + head_bytes, head_bytes);
  const FrameHeader header = {type,
                              method,
                              id,
                              static_cast<uint16_t>(envelope_bytes),
                              static_cast<uint32_t>(message_bytes),
                              static_cast<uint32_t>(body_bytes)};
  WriteFrameHeader(header, {head, head_bytes}, attachment.view(), frame);
  open_bytes_ += kFrameHeaderBytes + head_bytes;
  if (copy) {
    if (!attachment.empty()) std::memcpy(end, attachment.data(), attachment.size());
    open_bytes_ += attachment.size();
  } else {
    Seal();
    sealed_.push_back(std::move(attachment));
  }
  Added(kFrameHeaderBytes + body_bytes);
  return absl::OkStatus();
}

void FrameWriter::AddBare(FrameType type, uint64_t id) {
  WriteFrameHeader({.type = type, .request_id = id}, {}, {}, Room(kFrameHeaderBytes));
  open_bytes_ += kFrameHeaderBytes;
  Added(kFrameHeaderBytes);
}

char* FrameWriter::Room(size_t bytes) {
  if (open_.capacity() - open_bytes_ < bytes) {
    Seal();
    const size_t wanted = std::clamp(last_turn_bytes_, kPieceBytesMin, kPieceBytesMax);
    open_ = MutableBuffer(std::max(bytes, std::bit_ceil(wanted)));
  }
  return open_.data() + open_bytes_;
}

void FrameWriter::Seal() {
  if (open_bytes_ == 0) return;
  sealed_.push_back(std::exchange(open_, MutableBuffer(0)).Freeze(open_bytes_));
  open_bytes_ = 0;
}

void FrameWriter::Added(size_t bytes) {
  gathered_bytes_ += bytes;
  added_bytes_ += bytes;
  sent_bytes_.Add(bytes);
  if (!flusher_.queued()) executor_.AtTurnEnd(flusher_);
}

void FrameWriter::Flush() {
  Seal();
  for (Buffer& piece : sealed_) connection_.Write(std::move(piece));
  sealed_.clear();
  last_turn_bytes_ = gathered_bytes_;
  gathered_bytes_ = 0;
}

}  // namespace orrery::rpc_internal
