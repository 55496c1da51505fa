// Goal: the codec gives back what was written, and nothing else: no damage is taken for a frame,
// none makes it hold more than the limit.
// Method: every split, truncation and bit flip of small streams; a replay of a small corpus.
#include "core/rpc/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/rpc/frame_corpus.h"
#include "core/rpc/slot_table.h"

namespace orrery {
namespace {

constexpr size_t kLimit = 1 << 16;

std::string Encode(FrameHeader header, std::string_view head, std::string_view attachment) {
  header.body_bytes = static_cast<uint32_t>(head.size() + attachment.size());
  std::string out(kFrameHeaderBytes, '\0');
  WriteFrameHeader(header, head, attachment, out.data());
  out += head;
  out += attachment;
  return out;
}

std::string Request(uint64_t id, std::string_view attachment) {
  return Encode({.type = FrameType::kRequest,
                 .method = 0x1234,
                 .request_id = id,
                 .envelope_bytes = 3,
                 .message_bytes = 5},
                "envmessa", attachment);
}

std::string Bare(FrameType type, uint64_t id) {
  return Encode({.type = type, .request_id = id}, {}, {});
}

struct Seen {
  std::vector<std::string> frames;
  FrameDefect defect = FrameDefect::kNone;
  bool at_boundary = false;
  size_t memory_bytes_max = 0;
};

std::string Show(const Frame& f) {
  return std::to_string(static_cast<int>(f.header.type)) + "/" + std::to_string(f.header.method) +
         "/" + std::to_string(f.header.request_id) + "/" + std::string(f.envelope()) + "/" +
         std::string(f.message()) + "/" + std::string(f.attachment().view());
}

// Decodes `stream` given in pieces that end at `cuts`.
Seen Decode(std::string_view stream, const std::vector<size_t>& cuts, size_t limit = kLimit) {
  Seen seen;
  FrameDecoder decoder(limit);
  size_t from = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t to = i < cuts.size() ? cuts[i] : stream.size();
    decoder.Feed(Buffer::Copy(stream.substr(from, to - from)));
    from = to;
    while (const auto frame = decoder.Next()) seen.frames.push_back(Show(*frame));
    seen.memory_bytes_max = std::max(seen.memory_bytes_max, decoder.memory_bytes());
  }
  seen.defect = decoder.defect();
  seen.at_boundary = decoder.at_boundary();
  return seen;
}

std::string ThreeFrames() {
  return std::string(kPreamble) + Request(7, "attachment") + Bare(FrameType::kPing, 8) +
         Request(uint64_t{9} << 32 | 1, "");
}

const std::vector<std::string> kThree = {"2/4660/7/env/messa/attachment", "5/0/8///",
                                         "2/4660/38654705665/env/messa/"};

TEST(FrameTest, DecodesWhateverThePieces) {
  const std::string stream = ThreeFrames();
  EXPECT_EQ(Decode(stream, {}).frames, kThree);
  for (size_t a = 0; a <= stream.size(); ++a) {
    for (size_t b = a; b <= stream.size(); ++b) {
      const Seen seen = Decode(stream, {a, b});
      ASSERT_EQ(seen.frames, kThree) << a << " " << b;
      ASSERT_TRUE(seen.at_boundary);
    }
  }
  std::vector<size_t> each_byte;
  for (size_t i = 1; i < stream.size(); ++i) each_byte.push_back(i);
  EXPECT_EQ(Decode(stream, each_byte).frames, kThree);
}

TEST(FrameTest, ATruncatedStreamIsNoDefectAndNoBoundary) {
  const std::string stream = ThreeFrames();
  const size_t first_end = kPreamble.size() + kFrameHeaderBytes + 18;
  const size_t second_end = first_end + kFrameHeaderBytes;
  for (size_t size = 0; size < stream.size(); ++size) {
    const Seen seen = Decode(std::string_view(stream).substr(0, size), {});
    ASSERT_EQ(seen.defect, FrameDefect::kNone) << size;
    ASSERT_EQ(seen.frames.size(), size_t{size >= first_end} + size_t{size >= second_end}) << size;
    ASSERT_EQ(seen.at_boundary, size == kPreamble.size() || size == first_end || size == second_end)
        << size;
  }
}

TEST(FrameTest, EveryBitFlipIsSeen) {
  const std::string stream = ThreeFrames();
  for (size_t bit = 0; bit < stream.size() * 8; ++bit) {
    std::string damaged = stream;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    for (const std::vector<size_t>& cuts : {std::vector<size_t>{}, {stream.size() / 2}}) {
      const Seen seen = Decode(damaged, cuts);
      ASSERT_EQ(seen.defect,
                bit / 8 < kPreamble.size() ? FrameDefect::kForeign : FrameDefect::kCorrupt)
          << bit;
      // What came before the damage was right, and nothing after it is believed.
      ASSERT_LT(seen.frames.size(), kThree.size());
      for (size_t i = 0; i < seen.frames.size(); ++i) ASSERT_EQ(seen.frames[i], kThree[i]);
    }
  }
}

TEST(FrameTest, OversizedIsSeenFromTheHeaderAlone) {
  const std::string body(101, 'x');
  const std::string stream = std::string(kPreamble) + Encode({.type = FrameType::kReply}, {}, body);
  const Seen seen = Decode(stream.substr(0, kPreamble.size() + kFrameHeaderBytes), {}, 100);
  EXPECT_EQ(seen.defect, FrameDefect::kOversized);
  EXPECT_EQ(Decode(stream, {}, 100).frames.size(), 0u);
  EXPECT_EQ(Decode(stream, {}, 101).frames.size(), 1u);
}

TEST(FrameTest, LengthsThatDoNotAddUpAreCorrupt) {
  const std::string stream =
      std::string(kPreamble) +
      Encode({.type = FrameType::kReply, .envelope_bytes = 4, .message_bytes = 1}, "four", {});
  EXPECT_EQ(Decode(stream, {}).defect, FrameDefect::kCorrupt);
  const std::string huge =
      std::string(kPreamble) +
      Encode({.type = FrameType::kReply, .envelope_bytes = 4, .message_bytes = UINT32_MAX}, "four",
             {});
  EXPECT_EQ(Decode(huge, {}).defect, FrameDefect::kCorrupt);
}

TEST(FrameTest, UnknownTypesAreCorrupt) {
  for (const int type : {0, 7, 255}) {
    const std::string stream = std::string(kPreamble) + Bare(static_cast<FrameType>(type), 1);
    EXPECT_EQ(Decode(stream, {}).defect, FrameDefect::kCorrupt) << type;
  }
}

TEST(FrameTest, ForeignIsSeenAtItsFirstByte) {
  EXPECT_EQ(Decode("G", {}).defect, FrameDefect::kForeign);
  EXPECT_EQ(Decode("ORRERX", {3}).defect, FrameDefect::kForeign);
  EXPECT_EQ(Decode("", {}).defect, FrameDefect::kNone);
}

TEST(FrameTest, MemoryGrowsWithWhatArrivesAndStaysBelowTheLimit) {
  const std::string stream = std::string(kPreamble) + Request(1, std::string(60000, 'x'));
  EXPECT_LE(Decode(stream.substr(0, 100), {50}).memory_bytes_max, 4096u);
  std::vector<size_t> cuts;
  for (size_t at = 1000; at < stream.size(); at += 1000) cuts.push_back(at);
  const Seen seen = Decode(stream, cuts);
  EXPECT_EQ(seen.frames.size(), 1u);
  EXPECT_LE(seen.memory_bytes_max, kLimit + kFrameHeaderBytes);
}

TEST(FrameTest, GarbageIsNeverAFrame) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string stream(kPreamble);
    const uint64_t size = random.Below(300);
    for (uint64_t i = 0; i < size; ++i) stream += static_cast<char>(random.Next());
    const Seen seen = Decode(stream, {static_cast<size_t>(random.Below(stream.size() + 1))});
    ASSERT_TRUE(seen.frames.empty());
    ASSERT_EQ(seen.defect, size < kFrameHeaderBytes ? FrameDefect::kNone : FrameDefect::kCorrupt);
  }
}

TEST(FrameTest, ReplaysTheCorpus) {
  for (const std::string& input : FrameCorpus()) CheckFrameInput(input);
}

TEST(SlotTableTest, LateIdsFindNothing) {
  SlotTable<int> table;
  int a = 1, b = 2;
  const uint64_t first = table.Add(&a);
  EXPECT_EQ(table.Find(first), &a);
  EXPECT_EQ(table.Remove(first), &a);
  EXPECT_EQ(table.Remove(first), nullptr);
  const uint64_t second = table.Add(&b);
  EXPECT_EQ(SlotOf(second), SlotOf(first));
  EXPECT_NE(second, first);
  EXPECT_EQ(table.Find(first), nullptr);
  EXPECT_EQ(table.Find(second), &b);
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_EQ(table.Find(UINT64_MAX), nullptr);
  EXPECT_EQ(table.FirstFrom(0), second);
  EXPECT_EQ(table.FirstFrom(1), 0u);
}

}  // namespace
}  // namespace orrery
