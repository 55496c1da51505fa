// The rules of the header's table, one case each.
#include "storage/log/atomic_operations.h"

#include <algorithm>
#include <cstddef>

#include "core/base/encoding.h"
#include "core/base/error_codes.h"
#include "core/base/invariant.h"
#include "core/base/status.h"

namespace orrery {

namespace {

constexpr size_t kPositionBytes = 4;

uint8_t ByteAt(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

std::string Fit(std::string_view existing, size_t size) {
  std::string fitted(existing.substr(0, size));
  fitted.resize(size, '\0');
  return fitted;
}

// The order of numbers, little endian, of the same length.
bool LittleEndianLess(std::string_view a, std::string_view b) {
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return ByteAt(a, i) < ByteAt(b, i);
  }
  return false;
}

std::string Add(std::string fitted, std::string_view operand) {
  unsigned carry = 0;
  for (size_t i = 0; i < operand.size(); ++i) {
    carry += ByteAt(fitted, i) + ByteAt(operand, i);
    fitted[i] = static_cast<char>(carry);
    carry >>= 8;
  }
  return fitted;
}

template <class Combine>
std::string BitByBit(std::string fitted, std::string_view operand, Combine combine) {
  for (size_t i = 0; i < operand.size(); ++i) {
    fitted[i] = static_cast<char>(combine(ByteAt(fitted, i), ByteAt(operand, i)));
  }
  return fitted;
}

std::string_view StampedPart(const MutationRef& mutation) {
  return mutation.type == MutationType::kSetVersionstampedKey ? mutation.key : mutation.value;
}

absl::StatusOr<std::string> Stamp(std::string_view part, std::string_view stamp) {
  if (part.size() < kPositionBytes) {
    return Error(ErrorCode::client_invalid_operation,
                 "a versionstamped operand ends with a position of 4 bytes");
  }
  std::string result(part.substr(0, part.size() - kPositionBytes));
  uint32_t position = 0;
  ByteReader reader(part.substr(result.size()));
  INVARIANT(reader.ReadFixed32(position));
  if (result.size() < stamp.size() || position > result.size() - stamp.size()) {
    return Error(ErrorCode::client_invalid_operation,
                 "the position of a versionstamp leaves no room for its 10 bytes");
  }
  result.replace(position, stamp.size(), stamp);
  return result;
}

}  // namespace

std::optional<std::string> ApplyAtomic(MutationType type, std::optional<std::string_view> existing,
                                       std::string_view operand) {
  INVARIANT(IsReadModifyWrite(type), type);
  if (!existing.has_value()) {
    if (type == MutationType::kCompareAndClear) return std::nullopt;
    return std::string(operand);
  }
  const auto fitted = [&] { return Fit(*existing, operand.size()); };
  switch (type) {
    case MutationType::kAdd:
      return Add(fitted(), operand);
    case MutationType::kAnd:
      return BitByBit(fitted(), operand, [](uint8_t a, uint8_t b) { return a & b; });
    case MutationType::kOr:
      return BitByBit(fitted(), operand, [](uint8_t a, uint8_t b) { return a | b; });
    case MutationType::kXor:
      return BitByBit(fitted(), operand, [](uint8_t a, uint8_t b) { return a ^ b; });
    case MutationType::kAppendIfFits: {
      std::string result(*existing);
      if (result.size() + operand.size() <= kValueBytesMax) result.append(operand);
      return result;
    }
    case MutationType::kMax: {
      std::string number = fitted();
      return LittleEndianLess(number, operand) ? std::string(operand) : number;
    }
    case MutationType::kMin: {
      std::string number = fitted();
      return LittleEndianLess(operand, number) ? std::string(operand) : number;
    }
    case MutationType::kByteMin:
      return std::string(std::min(*existing, operand));
    case MutationType::kByteMax:
      return std::string(std::max(*existing, operand));
    case MutationType::kCompareAndClear:
      if (*existing == operand) return std::nullopt;
      return std::string(*existing);
    case MutationType::kSet:
    case MutationType::kClearRange:
    case MutationType::kSetVersionstampedKey:
    case MutationType::kSetVersionstampedValue:
      break;
  }
  INVARIANT(false, type);
  return std::nullopt;
}

std::string MakeVersionstamp(Version version, uint16_t batch_order) {
  std::string stamp;
  AppendOrdered64(stamp, static_cast<uint64_t>(version));
  AppendOrdered16(stamp, batch_order);
  return stamp;
}

absl::Status CheckVersionstamped(const MutationRef& mutation) {
  if (!IsVersionstamped(mutation.type)) return absl::OkStatus();
  return Stamp(StampedPart(mutation), MakeVersionstamp(0, 0)).status();
}

absl::StatusOr<Mutation> SubstituteVersionstamp(const MutationRef& mutation, Version version,
                                                uint16_t batch_order) {
  INVARIANT(IsVersionstamped(mutation.type), mutation.type);
  ASSIGN_OR_RETURN(std::string stamped,
                   Stamp(StampedPart(mutation), MakeVersionstamp(version, batch_order)));
  if (mutation.type == MutationType::kSetVersionstampedKey) {
    return Mutation{MutationType::kSet, std::move(stamped), std::string(mutation.value)};
  }
  return Mutation{MutationType::kSet, std::string(mutation.key), std::move(stamped)};
}

}  // namespace orrery
