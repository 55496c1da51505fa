// The attachment of a CommitRequest: one transaction.
//
//   magic            fixed16  0x5854, the bytes "TX"
//   written by       fixed8   the format of the writer
//   minimum          fixed8   the oldest format whose reader can read this
//   read version     fixed64  (as int64; -1: none, then there are no reads)
//   reads, writes    varint counts
//   mutations        varint count
//   ranges           each: begin and end, varint length and bytes; reads, then writes
//   mutations        each: type fixed8, key and value, varint length and bytes
//
// A reader refuses every truncation, every byte too many and every unknown type. It checks form;
// limits of sizes are checked by CheckTransaction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "storage/log/mutation.h"

namespace orrery {

// Limits, exact to the byte. A value's is kValueBytesMax.
inline constexpr size_t kKeyBytesMax = 10'000;
inline constexpr size_t kSystemKeyBytesMax = 30'000;
inline constexpr size_t kTransactionBytesMax = 10'000'000;

// Views into somebody's bytes.
struct CommitTransactionRef {
  Version read_version = kInvalidVersion;
  std::vector<KeyRangeRef> reads;
  std::vector<KeyRangeRef> writes;
  std::vector<MutationRef> mutations;
};

std::string EncodeTransaction(const CommitTransactionRef& transaction);

// The views point into `bytes`. Errors: invalid_argument, protocol_mismatch.
absl::StatusOr<CommitTransactionRef> DecodeTransaction(std::string_view bytes);

// What counts towards kTransactionBytesMax: keys and values of mutations and of conflict ranges,
// except those of the attempt's id.
size_t TransactionBytes(const CommitTransactionRef& transaction);

// What a proxy refuses, and a client before it: key_too_large, value_too_large,
// transaction_too_large, inverted_range, key_outside_legal_range (a system key without access),
// client_invalid_operation (a bad versionstamp position), invalid_mutation_type.
absl::Status CheckTransaction(const CommitTransactionRef& transaction, bool access_system_keys);

}  // namespace orrery
