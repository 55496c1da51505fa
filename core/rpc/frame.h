// Frames: how messages lie on a byte stream. Pure: no Env, no I/O.
//
// Each direction of a connection begins with the 8 bytes of kPreamble. Then frames follow, without
// gaps. All integers are little-endian:
//
//   offset  bytes
//        0      4  body length B, at most the reader's limit
//        4      4  message length M
//        8      2  envelope length E; E + M <= B
//       10      2  method id (requests; 0 otherwise)
//       12      1  type
//       13      3  zero
//       16      8  request id
//       24      8  body checksum: XXH3-64 of the attachment, seeded with XXH3-64 of what precedes
//       it 32      4  header checksum: low half of XXH3-64 of bytes 0 to 31 36      B  body:
//       envelope (E bytes), message (M), attachment (the rest)
//
// The header checksum is checked before a length in it is believed, so that damage is seen at once
// and costs no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/buffer.h"

namespace orrery {

inline constexpr std::string_view kPreamble = "ORRERY\r\n";
inline constexpr size_t kFrameHeaderBytes = 36;

enum class FrameType : uint8_t {
  kHello = 1,    // Handshake; the message is rpc.Hello.
  kRequest = 2,  // The envelope is rpc.RequestHeader.
  kReply = 3,    // The envelope is rpc.ReplyHeader; the id is the request's.
  kCancel = 4,   // Nobody waits for the reply to this id any more. No body.
  kPing = 5,     // To be answered by kPong with the same id. No body.
  kPong = 6,
};

struct FrameHeader {
  FrameType type = FrameType::kHello;
  uint16_t method = 0;
  uint64_t request_id = 0;
  uint16_t envelope_bytes = 0;
  uint32_t message_bytes = 0;
  uint32_t body_bytes = 0;
};

// Writes the header of a frame whose body is `head` (envelope and message) and `attachment`.
// REQUIRES: room for kFrameHeaderBytes at `out`; header.body_bytes is the sum of both.
void WriteFrameHeader(const FrameHeader& header, std::string_view head, std::string_view attachment,
                      char* out);

struct Frame {
  FrameHeader header;
  Buffer body;

  std::string_view envelope() const { return body.view().substr(0, header.envelope_bytes); }
  std::string_view message() const {
    return body.view().substr(header.envelope_bytes, header.message_bytes);
  }
  Buffer attachment() const {
    const size_t before = size_t{header.envelope_bytes} + header.message_bytes;
    return before == body.size() ? Buffer() : body.Slice(before, body.size() - before);
  }
  size_t wire_bytes() const { return kFrameHeaderBytes + body.size(); }
};

// Why a stream cannot be read on.
enum class FrameDefect : uint8_t {
  kNone,
  kForeign,    // It does not begin with the preamble.
  kOversized,  // A body longer than the limit.
  kCorrupt,    // A checksum or a field is wrong.
};
const char* FrameDefectName(FrameDefect defect);

// Finds the frames in a stream that arrives in pieces. A frame that lies in one piece is a slice of
// it; others are put together in memory that grows with what has arrived, never beyond the limit.
class FrameDecoder {
 public:
  explicit FrameDecoder(size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  void set_body_bytes_max(size_t bytes) { body_bytes_max_ = bytes; }

  // Adds the next piece of the stream. REQUIRES: the last Next returned nothing.
  void Feed(Buffer piece);

  // The next frame; nullopt when the rest of it has not arrived or the stream is defective. A
  // defect stays for ever.
  std::optional<Frame> Next();

  FrameDefect defect() const { return defect_; }

  // True between frames, and after the preamble: where a stream may end.
  bool at_boundary() const { return !expect_preamble_ && partial_bytes_ == 0 && rest() == 0; }

  // Bytes held for a frame whose end has not arrived.
  size_t memory_bytes() const { return partial_.capacity(); }

 private:
  size_t rest() const { return input_.size() - at_; }
  bool TakePreamble();
  bool ReadHeader(const char* bytes, FrameHeader& out);
  bool CheckBody(const FrameHeader& header, const char* header_bytes, std::string_view body);
  void FillPartial(size_t wanted);
  std::optional<Frame> NextFromPartial();

  size_t body_bytes_max_;
  FrameDefect defect_ = FrameDefect::kNone;
  bool expect_preamble_ = true;
  Buffer input_;   // The last piece,
  size_t at_ = 0;  // read up to here.
  MutableBuffer partial_{0};
  size_t partial_bytes_ = 0;
};

}  // namespace orrery
