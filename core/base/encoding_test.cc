// Goal: what is appended reads back; every truncation is refused and changes nothing; varints have
// one form; ordered encodings sort. Method: boundary values and seeded random ones.
#include "core/base/encoding.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

std::vector<uint64_t> Values() {
  std::vector<uint64_t> values = {0, UINT64_MAX};
  for (int bit = 0; bit < 64; ++bit) {
    values.push_back(uint64_t{1} << bit);
    values.push_back((uint64_t{1} << bit) - 1);
  }
  Random random(7);
  for (int i = 0; i < 200; ++i) values.push_back(random.Next() >> random.Below(64));
  return values;
}

TEST(Encoding, FixedBytesAreLittleEndian) {
  std::string out;
  AppendFixed<uint8_t>(out, 0x01);
  AppendFixed<uint16_t>(out, 0x0203);
  AppendFixed<uint32_t>(out, 0x04050607);
  AppendFixed<uint64_t>(out, 0x08090a0b0c0d0e0f);
  EXPECT_EQ(out, "\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08");
  ByteReader reader(out);
  uint8_t a = 0;
  uint16_t b = 0;
  uint32_t c = 0;
  uint64_t d = 0;
  EXPECT_TRUE(reader.ReadFixed8(a) && reader.ReadFixed16(b) && reader.ReadFixed32(c) &&
              reader.ReadFixed64(d) && reader.AtEnd());
  EXPECT_EQ(a, 0x01);
  EXPECT_EQ(b, 0x0203);
  EXPECT_EQ(c, 0x04050607u);
  EXPECT_EQ(d, 0x08090a0b0c0d0e0fu);
}

TEST(Encoding, ValuesReadBackAndTruncationsAreRefused) {
  for (const uint64_t value : Values()) {
    std::string out;
    AppendVarint(out, value);
    uint64_t read = ~value;
    ByteReader whole(out);
    ASSERT_TRUE(whole.ReadVarint(read) && whole.AtEnd());
    ASSERT_EQ(read, value);
    for (size_t size = 0; size < out.size(); ++size) {
      ByteReader cut(std::string_view(out).substr(0, size));
      ASSERT_FALSE(cut.ReadVarint(read));
      ASSERT_EQ(cut.rest().size(), size);
    }
  }
}

TEST(Encoding, OnlyTheShortestVarintIsValid) {
  uint64_t value = 5;
  for (const std::string_view bad :
       {std::string_view("\x80\x00", 2), std::string_view("\xff\x80\x00", 3),
        std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10),
        std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11)}) {
    ByteReader reader(bad);
    EXPECT_FALSE(reader.ReadVarint(value));
    EXPECT_EQ(value, 5u);
    EXPECT_EQ(reader.rest(), bad);
  }
}

TEST(Encoding, PrefixedBytes) {
  std::string out;
  AppendPrefixed(out, "");
  AppendPrefixed(out, std::string(300, 'x'));
  ByteReader reader(out);
  std::string_view bytes = "y";
  ASSERT_TRUE(reader.ReadPrefixed(bytes));
  EXPECT_EQ(bytes, "");
  ASSERT_TRUE(reader.ReadPrefixed(bytes));
  EXPECT_EQ(bytes, std::string(300, 'x'));
  EXPECT_TRUE(reader.AtEnd());

  std::string lies;
  AppendVarint(lies, UINT64_MAX);  // A length far beyond the bytes.
  ByteReader liar(lies);
  EXPECT_FALSE(liar.ReadPrefixed(bytes));
  EXPECT_EQ(liar.rest(), lies);
}

TEST(Encoding, OrderedBytesSortLikeTheirNumbers) {
  for (const uint64_t a : Values()) {
    std::string of_a;
    AppendOrdered64(of_a, a);
    uint64_t read = 0;
    ByteReader reader(of_a);
    ASSERT_TRUE(reader.ReadOrdered64(read) && reader.AtEnd());
    ASSERT_EQ(read, a);
    for (const uint64_t b : Values()) {
      std::string of_b;
      AppendOrdered64(of_b, b);
      ASSERT_EQ(a < b, of_a < of_b);
    }
  }
  std::string pair;
  AppendOrdered16(pair, 0x0102);
  EXPECT_EQ(pair, "\x01\x02");
  uint16_t read = 0;
  ByteReader reader(pair);
  EXPECT_TRUE(reader.ReadOrdered16(read));
  EXPECT_EQ(read, 0x0102);
}

}  // namespace
}  // namespace orrery
