// The attachment of a ResolveRequest: transactions one after the other,
//
//   transaction  read version     fixed64 (as int64)
//                flags            fixed8   1: report conflicting reads, 2: state transaction
//                reads, writes    varint counts
//                ranges           each: begin and end, varint length and bytes; reads, then writes
//                mutations        state transactions only: varint length, mutation_codec.h
//
// A reader refuses every truncation and every byte too many.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/version.h"

namespace orrery {

struct ResolveTransactionRef {
  Version read_version = kInvalidVersion;
  bool report_reads = false;
  bool is_state = false;
  std::vector<KeyRangeRef> reads;
  std::vector<KeyRangeRef> writes;
  std::string_view state_mutations;  // is_state: mutation_codec.h.
};

void AppendResolveTransaction(const ResolveTransactionRef& transaction, std::string& out);

// The views point into `bytes`. Errors: file_corrupt.
absl::StatusOr<std::vector<ResolveTransactionRef>> ParseResolveTransactions(std::string_view bytes,
                                                                            uint32_t count);

}  // namespace orrery
