// ResolverSplit: one batch as the resolvers see it. Each resolver judges its part of the key space:
// it gets every transaction of the batch, with its conflict ranges cut to that part, and a
// transaction commits only if all of them say so. Pure: no Env, no coroutine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "txn/resolver/conflict_set.h"
#include "txn/resolver/resolve_codec.h"
#include "txn/resolver/resolver.pb.h"

namespace orrery {

class ResolverSplit {
 public:
  // Resolver i has the keys from begins[i] up to begins[i + 1]; begins[0] is "". Outlives this.
  explicit ResolverSplit(const std::vector<Key>& begins);

  // The next transaction of the batch, with its whole ranges.
  void Add(const ResolveTransactionRef& transaction);

  uint32_t transactions() const { return transactions_; }

  // The attachment for one resolver. Once for each.
  std::string TakePart(size_t resolver) { return std::move(parts_[resolver].bytes); }

  // The verdict on each transaction, given the answers in the order of the resolvers: a conflict
  // anywhere, else too old anywhere, else committed. Conflicting reads by their place in the whole
  // transaction. Errors: corrupt_frame (not answers to this batch).
  absl::StatusOr<BatchVerdicts> Combine(const std::vector<ResolveReply>& replies) const;

 private:
  struct Part {
    std::string bytes;
    // Of transactions that asked: by transaction, the place of each of its reads here in the whole.
    std::vector<std::vector<uint32_t>> reads;
  };

  void AddToPart(size_t resolver, const ResolveTransactionRef& transaction);

  const std::vector<Key>& begins_;
  std::vector<Part> parts_;
  uint32_t transactions_ = 0;
};

// The state transactions above `after` that committed, in order, as all resolvers say. Views into
// `replies`. Errors: generation_ended when the resolvers do not tell of the same transactions.
struct AgreedStateTransaction {
  Version version;
  std::string_view mutations;  // mutation_codec.h
};
absl::StatusOr<std::vector<AgreedStateTransaction>> AgreeOnState(
    const std::vector<ResolveReply>& replies, Version after);

}  // namespace orrery
