// What the atomic operations do. Their meaning is that of FoundationDB's public interface from its
// version 5.1 on. `existing` is the value before, absent when the key has none; "fitted" means cut,
// or extended by zero bytes, to the length of the operand.
//
//                      existing present                               existing absent
//   kAdd               fitted existing + operand, little endian,      operand
//                      modulo 2^(8 * length of the operand)
//   kAnd kOr kXor      fitted existing, bit by bit with the operand   operand
//   kAppendIfFits      existing then operand; existing alone if that  operand
//                      were longer than kValueBytesMax
//   kMax kMin          the larger or smaller of fitted existing and   operand
//                      operand, as unsigned little-endian numbers
//   kByteMax kByteMin  the later or earlier of existing and operand   operand
//                      in the order of keys
//   kCompareAndClear   absent if existing equals the operand, else    absent
//                      existing
//
// So except for kAppendIfFits, kByteMax, kByteMin and kCompareAndClear the result is always as
// long as the operand, even when that is empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/version.h"
#include "storage/log/mutation.h"

namespace orrery {

// The value after the operation; nothing if the key is then absent.
// REQUIRES: IsReadModifyWrite(type).
std::optional<std::string> ApplyAtomic(MutationType type, std::optional<std::string_view> existing,
                                       std::string_view operand);

// A versionstamp is 10 bytes: the version of the commit and the transaction's order in its batch,
// both big endian, so that stamps sort as their transactions were committed.
inline constexpr size_t kVersionstampBytes = 10;

std::string MakeVersionstamp(Version version, uint16_t batch_order);

// Whether the stamped part of a versionstamped mutation (its key or its value) is well formed: its
// last 4 bytes are a position, little endian, and 10 bytes from there on lie within what remains
// without those 4. Other mutations are well formed.
// Errors: client_invalid_operation.
absl::Status CheckVersionstamped(const MutationRef& mutation);

// The set that the versionstamped `mutation` stands for: position removed, stamp in place. The
// result may be over a limit of sizes only if the mutation without its last 4 bytes was.
// Errors: client_invalid_operation. REQUIRES: IsVersionstamped(mutation.type).
absl::StatusOr<Mutation> SubstituteVersionstamp(const MutationRef& mutation, Version version,
                                                uint16_t batch_order);

}  // namespace orrery
