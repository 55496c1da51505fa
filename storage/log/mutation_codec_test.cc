// Goal: a batch reads back as it was written; any truncation, any byte too many and any garbage is
// refused or reads as some batch that encodes to the very same bytes, without a crash and without
// memory beyond the input's size. Method: seeded random batches, every truncation of them, every
// change of one byte, random bytes, and a corpus of known bad inputs.
#include "storage/log/mutation_codec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error_codes.h"
#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

struct Tagged {
  std::vector<Tag> tags;
  Mutation mutation;
  bool operator==(const Tagged&) const = default;
};

std::string Encode(const std::vector<Tagged>& batch) {
  MutationBatchWriter writer;
  for (const Tagged& one : batch) writer.Add(one.tags, one.mutation);
  EXPECT_EQ(writer.count(), batch.size());
  return std::move(writer).Finish();
}

// The batch, or nothing if the bytes are refused anywhere.
std::optional<std::vector<Tagged>> Decode(std::string_view bytes) {
  absl::StatusOr<MutationBatchReader> reader = MutationBatchReader::Open(bytes);
  if (!reader.ok()) return std::nullopt;
  std::vector<Tagged> batch;
  while (reader->remaining() > 0) {
    if (!reader->Next().ok()) return std::nullopt;
    const MutationRef& m = reader->mutation();
    EXPECT_LE(reader->tags().size(), bytes.size());
    batch.push_back({std::vector<Tag>(reader->tags().begin(), reader->tags().end()),
                     {m.type, std::string(m.key), std::string(m.value)}});
  }
  return batch;
}

// Any input at all: refused, or the one encoding of what it reads as (up to the writer's format).
void CheckInput(std::string_view bytes) {
  const std::optional<std::vector<Tagged>> batch = Decode(bytes);
  if (!batch.has_value()) return;
  std::string again = Encode(*batch);
  ASSERT_GE(bytes.size(), 4u);
  again[2] = bytes[2];  // A newer writer whose batches this reader still reads.
  ASSERT_EQ(again, bytes);
}

std::string RandomBytes(Random& random, size_t size_max) {
  std::string bytes(random.Below(size_max + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

std::vector<Tagged> RandomBatch(Random& random) {
  std::vector<Tagged> batch(random.Below(5));
  for (Tagged& one : batch) {
    one.tags.resize(random.Below(4));
    for (Tag& tag : one.tags) {
      tag = {static_cast<TagKind>(random.Below(256)),
             static_cast<uint32_t>(random.Next() >> (32 + random.Below(32)))};
    }
    uint8_t type = 0;
    do {
      type = static_cast<uint8_t>(random.Below(32));
    } while (!IsMutationType(type));
    one.mutation = {static_cast<MutationType>(type), RandomBytes(random, 20),
                    RandomBytes(random, random.Chance(OneIn(10)) ? 300 : 20)};
  }
  return batch;
}

TEST(MutationCodec, TheFormat) {
  const std::string bytes = Encode(
      {{{{TagKind::kStorage, 300}, {static_cast<TagKind>(77), 1}}, {MutationType::kAdd, "k", "vw"}},
       {{}, {MutationType::kClearRange, "", ""}}});
  EXPECT_EQ(bytes, std::string_view("MB\x01\x01\x02\x00\x00\x00"
                                    "\x02\x02\x00\xac\x02\x4d\x01\x01k\x02vw"
                                    "\x01\x00\x00\x00",
                                    24));
}

TEST(MutationCodec, BatchesReadBackAndTruncationsAreRefused) {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    const std::vector<Tagged> batch = RandomBatch(random);
    const std::string bytes = Encode(batch);
    ASSERT_EQ(Decode(bytes), batch);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_FALSE(Decode(std::string_view(bytes).substr(0, size)).has_value()) << size;
    }
    ASSERT_FALSE(Decode(bytes + '\0').has_value());
  }
}

TEST(MutationCodec, ChangedBytesAreRefusedOrReadAsTheyStand) {
  Random random(12);
  for (int round = 0; round < 100; ++round) {
    const std::string bytes = Encode(RandomBatch(random));
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int change : {0x01, 0x80, 0xff, static_cast<int>(random.Below(255)) + 1}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ change);
        CheckInput(changed);
      }
    }
  }
}

TEST(MutationCodec, RandomBytes) {
  Random random(13);
  for (int round = 0; round < 20'000; ++round) {
    CheckInput(RandomBytes(random, 40));
    const std::string header("MB\x01\x01\x01\x00\x00\x00", 8);
    CheckInput(header + RandomBytes(random, 40));
  }
}

TEST(MutationCodec, CorpusOfBadInputs) {
  const std::string_view header("MB\x01\x01", 4);
  const auto bad = [&](std::string_view rest) {
    return !Decode(std::string(header) + std::string(rest)).has_value();
  };
  EXPECT_FALSE(bad(std::string_view("\x00\x00\x00\x00", 4)));
  EXPECT_TRUE(bad(std::string_view("\xff\xff\xff\xff", 4)));              // A count of 4 G.
  EXPECT_TRUE(bad(std::string_view("\x00\x00\x00\x00\x00", 5)));          // A byte too many.
  EXPECT_TRUE(bad(std::string_view("\x01\0\0\0\x03\0\0\0", 8)));          // No such type.
  EXPECT_TRUE(bad(std::string_view("\x01\0\0\0\x20\0\0\0", 8)));          // Nor this one.
  EXPECT_TRUE(bad(std::string_view("\x01\0\0\0\0\x80\0\0\0", 9)));        // Long form of 0 tags.
  EXPECT_TRUE(bad(std::string_view("\x01\0\0\0\0\xff\xff\xff\x7f", 9)));  // 256 M tags.
  EXPECT_TRUE(bad(std::string_view("\x01\0\0\0\0\0\xff\xff\xff\xff\x0f", 11)));  // A key of 4 GB.
  // A tag id of 2^32.
  EXPECT_TRUE(bad(std::string_view("\x01\0\0\0\0\x01\0\x80\x80\x80\x80\x10\0\0", 14)));
  EXPECT_FALSE(bad(std::string_view("\x01\0\0\0\0\x01\0\xff\xff\xff\xff\x0f\0\0", 14)));
}

TEST(MutationCodec, Formats) {
  const auto code = [](std::string_view bytes) {
    return CodeOf(MutationBatchReader::Open(bytes).status());
  };
  EXPECT_EQ(code(std::string_view("MB\x05\x01\0\0\0\0", 8)), ErrorCode::ok);
  EXPECT_EQ(code(std::string_view("MB\x05\x02\0\0\0\0", 8)), ErrorCode::protocol_mismatch);
  EXPECT_EQ(code(std::string_view("MB\x01\x02\0\0\0\0", 8)), ErrorCode::file_corrupt);
  EXPECT_EQ(code(std::string_view("MB\x01\x00\0\0\0\0", 8)), ErrorCode::file_corrupt);
  EXPECT_EQ(code(std::string_view("BM\x01\x01\0\0\0\0", 8)), ErrorCode::file_corrupt);
  EXPECT_EQ(code(""), ErrorCode::file_corrupt);
}

}  // namespace
}  // namespace orrery
