// Mutation: one change of the database. What clients send, proxies tag, logs keep and storage
// servers apply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orrery {

// The longest value, in bytes.
inline constexpr size_t kValueBytesMax = 100'000;

// The numbers of the atomic operations are FoundationDB's public ones; 0 and 1 are those of its
// wire format. Added, never renumbered. atomic_operations.h says what each one does.
enum class MutationType : uint8_t {
  kSet = 0,
  kClearRange = 1,
  kAdd = 2,
  kAnd = 6,
  kOr = 7,
  kXor = 8,
  kAppendIfFits = 9,
  kMax = 12,
  kMin = 13,
  kSetVersionstampedKey = 14,
  kSetVersionstampedValue = 15,
  kByteMin = 16,
  kByteMax = 17,
  kCompareAndClear = 20,
};

// Whether `number` is a MutationType.
constexpr bool IsMutationType(uint8_t number) {
  constexpr uint32_t kKnown = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 9 |
                              1u << 12 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 16 | 1u << 17 |
                              1u << 20;
  return number < 32 && (kKnown >> number & 1) != 0;
}

// Needs the version of the commit: replaced by a set before it is logged.
constexpr bool IsVersionstamped(MutationType type) {
  return type == MutationType::kSetVersionstampedKey ||
         type == MutationType::kSetVersionstampedValue;
}

// Needs the existing value: a storage server reads before it writes.
constexpr bool IsReadModifyWrite(MutationType type) {
  return type != MutationType::kSet && type != MutationType::kClearRange && !IsVersionstamped(type);
}

// A mutation whose bytes somebody else owns.
struct MutationRef {
  MutationType type = MutationType::kSet;
  std::string_view key;    // kClearRange: the first key of the range.
  std::string_view value;  // kClearRange: the end of the range. Atomic operations: the operand.

  friend bool operator==(const MutationRef&, const MutationRef&) = default;
};

struct Mutation {
  MutationType type = MutationType::kSet;
  std::string key;
  std::string value;

  operator MutationRef() const {  // NOLINT(google-explicit-constructor): its own view.
    return {type, key, value};
  }
  friend bool operator==(const Mutation&, const Mutation&) = default;
};

}  // namespace orrery
