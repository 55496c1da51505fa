// Drawing operations for a TransactionModel: mostly of few, short keys, so that they meet; some at
// the limits of sizes; and, if wanted, such as must be refused.
#pragma once

#include "core/base/random.h"
#include "workloads/transaction_model.h"

namespace orrery::workloads {

struct DrawOptions {
  bool limits = false;      // Keys and values of the longest size, now and then.
  bool mistakes = false;    // Operations that must be refused.
  Key stamped_keys = {};    // Prefix for versionstamped keys, outside of the space; empty: none.
  bool has_version = true;  // The transaction has a read version.
};

// A key of the space whose own part has few bytes, of "\x00", "a", "b" and "\xff".
Key DrawKey(Random& random, const KeyRange& space);

Operation DrawOperation(Random& random, const TransactionModel& model, const DrawOptions& options);

}  // namespace orrery::workloads
