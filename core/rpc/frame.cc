// The frame codec: see frame.h for the format.
#include "core/rpc/frame.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/hash.h"
#include "core/base/invariant.h"

namespace orrery {
namespace {

constexpr size_t kBodyChecksumAt = 24;
constexpr size_t kHeaderChecksumAt = 32;
constexpr size_t kPartialBytesMin = 4096;

template <class T>
void Put(char* out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>(value >> (8 * i));
}

template <class T>
T Get(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<uint8_t>(in[i])) << (8 * i));
  }
  return value;
}

uint64_t BodyChecksum(std::string_view head, std::string_view attachment) {
  const uint64_t hash = HashBytes(head);
  return attachment.empty() ? hash : HashBytes(attachment, hash);
}

uint32_t HeaderChecksum(const char* header) {
  return static_cast<uint32_t>(HashBytes({header, kHeaderChecksumAt}));
}

bool IsFrameType(uint8_t type) {
  return type >= static_cast<uint8_t>(FrameType::kHello) &&
         type <= static_cast<uint8_t>(FrameType::kPong);
}

}  // namespace

void WriteFrameHeader(const FrameHeader& header, std::string_view head, std::string_view attachment,
                      char* out) {
  INVARIANT(head.size() + attachment.size() == header.body_bytes, head.size(), attachment.size());
  Put(out + 0, header.body_bytes);
  Put(out + 4, header.message_bytes);
  Put(out + 8, header.envelope_bytes);
  Put(out + 10, header.method);
  out[12] = static_cast<char>(header.type);
  std::memset(out + 13, 0, 3);
  Put(out + 16, header.request_id);
  Put(out + kBodyChecksumAt, BodyChecksum(head, attachment));
  Put(out + kHeaderChecksumAt, HeaderChecksum(out));
}

const char* FrameDefectName(FrameDefect defect) {
  switch (defect) {
    case FrameDefect::kNone:
      return "none";
    case FrameDefect::kForeign:
      return "foreign";
    case FrameDefect::kOversized:
      return "oversized";
    case FrameDefect::kCorrupt:
      return "corrupt";
  }
  return "unknown";
}

void FrameDecoder::Feed(Buffer piece) {
  INVARIANT(rest() == 0 || defect_ != FrameDefect::kNone, rest());
  input_ = std::move(piece);
  at_ = 0;
}

std::optional<Frame> FrameDecoder::Next() {
  if (defect_ != FrameDefect::kNone) return std::nullopt;
  if (expect_preamble_ && !TakePreamble()) return std::nullopt;
  if (partial_bytes_ > 0) return NextFromPartial();
  if (rest() >= kFrameHeaderBytes) {
    const char* const bytes = input_.data() + at_;
    FrameHeader header;
    if (!ReadHeader(bytes, header)) return std::nullopt;
    if (rest() - kFrameHeaderBytes >= header.body_bytes) {
      Frame frame{header, input_.Slice(at_ + kFrameHeaderBytes, header.body_bytes)};
      if (!CheckBody(header, bytes, frame.body.view())) return std::nullopt;
      at_ += frame.wire_bytes();
      if (rest() == 0) Feed(Buffer());
      return frame;
    }
  }
  if (rest() == 0) return std::nullopt;
  return NextFromPartial();
}

// True when the whole preamble has been seen. A stranger is known by its first wrong byte.
bool FrameDecoder::TakePreamble() {
  const size_t bytes = std::min(rest(), kPreamble.size() - partial_bytes_);
  if (input_.view().substr(at_, bytes) != kPreamble.substr(partial_bytes_, bytes)) {
    defect_ = FrameDefect::kForeign;
    return false;
  }
  at_ += bytes;
  partial_bytes_ += bytes;
  if (partial_bytes_ < kPreamble.size()) return false;
  partial_bytes_ = 0;
  expect_preamble_ = false;
  return true;
}

bool FrameDecoder::ReadHeader(const char* bytes, FrameHeader& out) {
  defect_ = FrameDefect::kCorrupt;
  if (Get<uint32_t>(bytes + kHeaderChecksumAt) != HeaderChecksum(bytes)) return false;
  const uint8_t type = static_cast<uint8_t>(bytes[12]);
  if (!IsFrameType(type) || bytes[13] != 0 || bytes[14] != 0 || bytes[15] != 0) return false;
  out.type = static_cast<FrameType>(type);
  out.body_bytes = Get<uint32_t>(bytes + 0);
  out.message_bytes = Get<uint32_t>(bytes + 4);
  out.envelope_bytes = Get<uint16_t>(bytes + 8);
  out.method = Get<uint16_t>(bytes + 10);
  out.request_id = Get<uint64_t>(bytes + 16);
  if (uint64_t{out.envelope_bytes} + out.message_bytes > out.body_bytes) return false;
  if (out.body_bytes > body_bytes_max_) {
    defect_ = FrameDefect::kOversized;
    return false;
  }
  defect_ = FrameDefect::kNone;
  return true;
}

bool FrameDecoder::CheckBody(const FrameHeader& header, const char* header_bytes,
                             std::string_view body) {
  const size_t head = size_t{header.envelope_bytes} + header.message_bytes;
  if (Get<uint64_t>(header_bytes + kBodyChecksumAt) ==
      BodyChecksum(body.substr(0, head), body.substr(head))) {
    return true;
  }
  defect_ = FrameDefect::kCorrupt;
  return false;
}

// Moves input into `partial_` until that holds `wanted` bytes or the input is used up.
void FrameDecoder::FillPartial(size_t wanted) {
  if (partial_bytes_ >= wanted || rest() == 0) return;
  const size_t bytes = std::min(rest(), wanted - partial_bytes_);
  const size_t needed = partial_bytes_ + bytes;
  if (partial_.capacity() < needed) {
    // Doubling bounds the copying; never more than the frame needs.
    const size_t grown = std::max({needed, 2 * partial_.capacity(), kPartialBytesMin});
    const size_t frame_max = std::max(wanted, kFrameHeaderBytes);
    MutableBuffer larger(std::max(needed, std::min(grown, frame_max)));
    std::memcpy(larger.data(), partial_.data(), partial_bytes_);
    partial_ = std::move(larger);
  }
  std::memcpy(partial_.data() + partial_bytes_, input_.data() + at_, bytes);
  at_ += bytes;
  partial_bytes_ = needed;
  if (rest() == 0) Feed(Buffer());
}

std::optional<Frame> FrameDecoder::NextFromPartial() {
  FillPartial(kFrameHeaderBytes);
  if (partial_bytes_ < kFrameHeaderBytes) return std::nullopt;
  FrameHeader header;
  if (!ReadHeader(partial_.data(), header)) return std::nullopt;
  const size_t total = kFrameHeaderBytes + header.body_bytes;
  FillPartial(total);
  if (partial_bytes_ < total) return std::nullopt;
  const Buffer whole = std::exchange(partial_, MutableBuffer(0)).Freeze(total);
  partial_bytes_ = 0;
  Frame frame{header, whole.Slice(kFrameHeaderBytes, header.body_bytes)};
  if (!CheckBody(header, whole.data(), frame.body.view())) return std::nullopt;
  return frame;
}

}  // namespace orrery
