// The check behind the fuzzer.
#include "core/rpc/frame_corpus.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/invariant.h"
#include "core/rpc/frame.h"

namespace orrery {
namespace {

constexpr size_t kLimit = 4096;

std::string Encode(FrameHeader header, std::string_view head, std::string_view attachment) {
  header.body_bytes = static_cast<uint32_t>(head.size() + attachment.size());
  std::string out(kFrameHeaderBytes, '\0');
  WriteFrameHeader(header, head, attachment, out.data());
  out += head;
  out += attachment;
  return out;
}

// Everything that could be decoded, encoded again, and the defect.
std::string Recode(std::string_view stream, size_t piece_bytes) {
  std::string out(kPreamble);
  FrameDecoder decoder(kLimit);
  while (!stream.empty() && decoder.defect() == FrameDefect::kNone) {
    const size_t bytes = std::min(piece_bytes, stream.size());
    decoder.Feed(Buffer::Copy(stream.substr(0, bytes)));
    stream.remove_prefix(bytes);
    while (const auto frame = decoder.Next()) {
      const size_t head = frame->envelope().size() + frame->message().size();
      const std::string_view body = frame->body.view();
      out += Encode(frame->header, body.substr(0, head), body.substr(head));
    }
    INVARIANT(decoder.memory_bytes() <= kLimit + kFrameHeaderBytes, decoder.memory_bytes());
  }
  return out + "|" + FrameDefectName(decoder.defect());
}

template <class T>
void Put(std::string& out, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out[at + i] = static_cast<char>(value >> (8 * i));
}

// `input` with a preamble before it and checksums that are right for whatever its first frame says,
// so that what lies behind them is reached too.
std::string Repair(std::string_view input) {
  std::string frame(input);
  if (frame.size() >= kFrameHeaderBytes) {
    const auto byte = [&frame](size_t i) { return size_t{static_cast<uint8_t>(frame[i])}; };
    const size_t head = byte(4) + (byte(5) << 8) + byte(8) + (byte(9) << 8);
    const size_t body = byte(0) + (byte(1) << 8);
    if (head <= body && body <= frame.size() - kFrameHeaderBytes) {
      const auto bytes = std::string_view(frame).substr(kFrameHeaderBytes, body);
      const uint64_t hash = HashBytes(bytes.substr(0, head));
      Put(frame, 24, head == body ? hash : HashBytes(bytes.substr(head), hash));
    }
    Put(frame, 32, static_cast<uint32_t>(HashBytes(std::string_view(frame).substr(0, 32))));
  }
  return std::string(kPreamble) + frame;
}

void CheckStream(std::string_view stream, size_t piece_bytes) {
  const std::string whole = Recode(stream, std::max<size_t>(stream.size(), 1));
  INVARIANT(whole == Recode(stream, piece_bytes), piece_bytes);
  const std::string_view frames = std::string_view(whole).substr(0, whole.rfind('|'));
  if (frames.size() > kPreamble.size()) {
    INVARIANT(stream.substr(0, frames.size()) == frames, "decoded what was not there");
  }
}

}  // namespace

void CheckFrameInput(std::string_view input) {
  if (input.empty()) return;
  const size_t piece_bytes = static_cast<size_t>(static_cast<uint8_t>(input[0])) + 1;
  CheckStream(input.substr(1), piece_bytes);
  CheckStream(Repair(input.substr(1)), piece_bytes);
}

std::vector<std::string> FrameCorpus() {
  const std::string preamble(kPreamble);
  const std::string ping = Encode({.type = FrameType::kPing, .request_id = 1}, {}, {});
  const std::string request = Encode({.type = FrameType::kRequest,
                                      .method = 3,
                                      .request_id = 1,
                                      .envelope_bytes = 2,
                                      .message_bytes = 4},
                                     "enmess", "attached");
  const std::string oversized =
      Encode({.type = FrameType::kReply, .message_bytes = 5000}, std::string(5000, 'x'), {});
  std::string damaged = request;
  damaged[40] ^= 1;
  std::vector<std::string> out = {"", std::string(1, '\0'), "\x01GET / HTTP/1.1\r\n"};
  for (const char piece : {'\x00', '\x10', '\xff'}) {
    for (const std::string& body :
         {ping, request, ping + request + ping, request.substr(0, 40), oversized, damaged,
          ping + damaged + ping, std::string(64, '\0')}) {
      out.push_back(piece + preamble + body);
    }
  }
  return out;
}

}  // namespace orrery
