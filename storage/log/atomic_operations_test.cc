// Goal: every rule of every operation, absent and empty values and all relations of lengths.
// Method: a table of literal cases; addition, maximum and minimum also against machine integers.
#include "storage/log/atomic_operations.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/encoding.h"
#include "core/base/error_codes.h"
#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

using enum MutationType;
using std::string_view_literals::operator""sv;

constexpr std::optional<std::string_view> kAbsent;

struct Case {
  MutationType type;
  std::optional<std::string_view> existing;
  std::string_view operand;
  std::optional<std::string_view> expected;
};

const std::vector<Case> kCases = {
    {kAdd, kAbsent, ""sv, ""sv},
    {kAdd, kAbsent, "\x05\x00"sv, "\x05\x00"sv},
    {kAdd, ""sv, "\x05"sv, "\x05"sv},
    {kAdd, "\x07"sv, ""sv, ""sv},
    {kAdd, "\xff"sv, "\x01"sv, "\x00"sv},                  // Wraps.
    {kAdd, "\xff"sv, "\x01\x00"sv, "\x00\x01"sv},          // Carries into the extension.
    {kAdd, "\xff\xff\xff"sv, "\x02\x00"sv, "\x01\x00"sv},  // Cut to the operand, then wraps.
    {kAdd, "\x01\x02\x03"sv, "\xff"sv, "\x00"sv},
    {kAdd, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"sv, "\x03\x00\x00\x00\x00\x00\x00\x00\x01"sv,
     "\x01\x00\x00\x00\x00\x00\x00\x00\x01"sv},  // Nine bytes: no machine integer.

    {kAnd, kAbsent, "\xf0"sv, "\xf0"sv},
    {kAnd, kAbsent, ""sv, ""sv},
    {kAnd, ""sv, "\xf0\x0f"sv, "\x00\x00"sv},
    {kAnd, "\x3c"sv, "\xf0\x0f"sv, "\x30\x00"sv},
    {kAnd, "\x3c\xff\xff"sv, "\xf0\x0f"sv, "\x30\x0f"sv},
    {kAnd, "\x3c"sv, ""sv, ""sv},

    {kOr, kAbsent, "\xf0"sv, "\xf0"sv},
    {kOr, ""sv, "\xf0\x0f"sv, "\xf0\x0f"sv},
    {kOr, "\x3c"sv, "\xf0\x0f"sv, "\xfc\x0f"sv},
    {kOr, "\x3c\x10\xff"sv, "\xf0\x0f"sv, "\xfc\x1f"sv},
    {kOr, "\x3c"sv, ""sv, ""sv},

    {kXor, kAbsent, "\xf0"sv, "\xf0"sv},
    {kXor, ""sv, "\xf0\x0f"sv, "\xf0\x0f"sv},
    {kXor, "\x3c"sv, "\xf0\x0f"sv, "\xcc\x0f"sv},
    {kXor, "\x3c\x1f\xff"sv, "\xf0\x0f"sv, "\xcc\x10"sv},
    {kXor, "\x3c"sv, ""sv, ""sv},

    {kAppendIfFits, kAbsent, "b"sv, "b"sv},
    {kAppendIfFits, kAbsent, ""sv, ""sv},
    {kAppendIfFits, ""sv, "b"sv, "b"sv},
    {kAppendIfFits, "a"sv, ""sv, "a"sv},
    {kAppendIfFits, "a"sv, "b"sv, "ab"sv},

    {kMax, kAbsent, "\x01"sv, "\x01"sv},
    {kMax, kAbsent, ""sv, ""sv},
    {kMax, ""sv, "\x01"sv, "\x01"sv},
    {kMax, "\x09"sv, ""sv, ""sv},
    {kMax, "\x02"sv, "\x01"sv, "\x02"sv},
    {kMax, "\x80"sv, "\x7f"sv, "\x80"sv},              // Unsigned.
    {kMax, "\x01\x02"sv, "\x02\x01"sv, "\x01\x02"sv},  // The last byte weighs most.
    {kMax, "\x09"sv, "\x01\x00"sv, "\x09\x00"sv},      // Existing extended.
    {kMax, "\x09\xff"sv, "\x0a"sv, "\x0a"sv},          // Existing cut to 9.
    {kMax, "\x0b\xff"sv, "\x0a"sv, "\x0b"sv},          // Existing cut to 11.

    {kMin, kAbsent, "\x01"sv, "\x01"sv},
    {kMin, kAbsent, ""sv, ""sv},
    {kMin, ""sv, "\x01"sv, "\x00"sv},
    {kMin, "\x09"sv, ""sv, ""sv},
    {kMin, "\x02"sv, "\x01"sv, "\x01"sv},
    {kMin, "\x80"sv, "\x7f"sv, "\x7f"sv},
    {kMin, "\x01\x02"sv, "\x02\x01"sv, "\x02\x01"sv},
    {kMin, "\x09"sv, "\x01\x01"sv, "\x09\x00"sv},
    {kMin, "\x09\x00"sv, "\x0a"sv, "\x09"sv},
    {kMin, "\x0b\x00"sv, "\x0a"sv, "\x0a"sv},

    {kByteMin, kAbsent, "b"sv, "b"sv},
    {kByteMin, ""sv, "b"sv, ""sv},
    {kByteMin, "b"sv, ""sv, ""sv},
    {kByteMin, "abc"sv, "b"sv, "abc"sv},
    {kByteMin, "b"sv, "ab"sv, "ab"sv},
    {kByteMin, "a"sv, "a\x00"sv, "a"sv},
    {kByteMin, "\x80"sv, "\x7f"sv, "\x7f"sv},

    {kByteMax, kAbsent, "b"sv, "b"sv},
    {kByteMax, kAbsent, ""sv, ""sv},
    {kByteMax, ""sv, "b"sv, "b"sv},
    {kByteMax, "b"sv, ""sv, "b"sv},
    {kByteMax, "abc"sv, "b"sv, "b"sv},
    {kByteMax, "a"sv, "a\x00"sv, "a\x00"sv},
    {kByteMax, "\x80"sv, "\x7f"sv, "\x80"sv},

    {kCompareAndClear, kAbsent, "a"sv, kAbsent},
    {kCompareAndClear, kAbsent, ""sv, kAbsent},
    {kCompareAndClear, ""sv, ""sv, kAbsent},
    {kCompareAndClear, "a"sv, "a"sv, kAbsent},
    {kCompareAndClear, "a"sv, "a\x00"sv, "a"sv},
    {kCompareAndClear, "a"sv, ""sv, "a"sv},
    {kCompareAndClear, ""sv, "a"sv, ""sv},
};

TEST(AtomicOperations, Table) {
  for (size_t i = 0; i < kCases.size(); ++i) {
    const Case& c = kCases[i];
    EXPECT_EQ(ApplyAtomic(c.type, c.existing, c.operand), c.expected) << "case " << i;
  }
}

TEST(AtomicOperations, AppendStopsAtTheLimitToTheByte) {
  const std::string almost(kValueBytesMax - 1, 'a');
  EXPECT_EQ(ApplyAtomic(kAppendIfFits, almost, "b"), almost + "b");
  EXPECT_EQ(ApplyAtomic(kAppendIfFits, almost, "bc"), almost);
  EXPECT_EQ(ApplyAtomic(kAppendIfFits, almost + "b", ""), almost + "b");
  EXPECT_EQ(ApplyAtomic(kAppendIfFits, almost + "b", "c"), almost + "b");
}

TEST(AtomicOperations, AgreeWithMachineIntegers) {
  Random random(21);
  const auto bytes = [](uint64_t number) {
    std::string out;
    AppendFixed<uint64_t>(out, number);
    return out;
  };
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t a = random.Next() >> random.Below(64);
    const uint64_t b = random.Next() >> random.Below(64);
    EXPECT_EQ(ApplyAtomic(kAdd, bytes(a), bytes(b)), bytes(a + b));
    EXPECT_EQ(ApplyAtomic(kMax, bytes(a), bytes(b)), bytes(std::max(a, b)));
    EXPECT_EQ(ApplyAtomic(kMin, bytes(a), bytes(b)), bytes(std::min(a, b)));
  }
}

TEST(AtomicOperations, NumbersArePublic) {
  int count = 0;
  for (int number = 0; number < 256; ++number) count += IsMutationType(uint8_t(number)) ? 1 : 0;
  EXPECT_EQ(count, 14);
  for (const MutationType type :
       {kSet, kClearRange, kAdd, kAnd, kOr, kXor, kAppendIfFits, kMax, kMin, kSetVersionstampedKey,
        kSetVersionstampedValue, kByteMin, kByteMax, kCompareAndClear}) {
    EXPECT_TRUE(IsMutationType(static_cast<uint8_t>(type)));
  }
}

TEST(Versionstamps, Substitution) {
  EXPECT_EQ(MakeVersionstamp(0x0102030405060708, 0x090a),
            "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a"sv);
  EXPECT_LT(MakeVersionstamp(255, 65535), MakeVersionstamp(256, 0));

  const std::string operand = "ab" + std::string(10, '?') + "cd";
  const auto at = [](std::string bytes, uint32_t position) {
    AppendFixed<uint32_t>(bytes, position);
    return bytes;
  };
  const std::string stamp = MakeVersionstamp(7, 3);

  absl::StatusOr<Mutation> set =
      SubstituteVersionstamp({kSetVersionstampedKey, at(operand, 2), "value"}, 7, 3);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(*set, (Mutation{kSet, "ab" + stamp + "cd", "value"}));

  set = SubstituteVersionstamp({kSetVersionstampedValue, "key", at(operand, 2)}, 7, 3);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(*set, (Mutation{kSet, "key", "ab" + stamp + "cd"}));

  set = SubstituteVersionstamp({kSetVersionstampedValue, "key", at(std::string(10, '?'), 0)}, 7, 3);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->value, stamp);
}

TEST(Versionstamps, PositionsAreCheckedToTheByte) {
  const auto code = [](size_t body, uint32_t position) {
    std::string operand(body, '?');
    AppendFixed<uint32_t>(operand, position);
    const MutationRef of_key{kSetVersionstampedKey, operand, "v"};
    const MutationRef of_value{kSetVersionstampedValue, "k", operand};
    EXPECT_EQ(CodeOf(CheckVersionstamped(of_key)), CodeOf(CheckVersionstamped(of_value)));
    EXPECT_EQ(CodeOf(CheckVersionstamped(of_key)),
              CodeOf(SubstituteVersionstamp(of_key, 1, 1).status()));
    return CodeOf(CheckVersionstamped(of_key));
  };
  EXPECT_EQ(code(12, 2), ErrorCode::ok);
  EXPECT_EQ(code(12, 3), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(10, 0), ErrorCode::ok);
  EXPECT_EQ(code(9, 0), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(0, 0), ErrorCode::client_invalid_operation);
  EXPECT_EQ(code(12, UINT32_MAX), ErrorCode::client_invalid_operation);
  for (size_t size = 0; size < 4; ++size) {
    const std::string part(size, '\0');
    EXPECT_FALSE(CheckVersionstamped({kSetVersionstampedKey, part, "v"}).ok());
  }
  EXPECT_TRUE(CheckVersionstamped({kSet, "", ""}).ok());
}

}  // namespace
}  // namespace orrery
