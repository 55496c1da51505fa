// LedgerBook: what was written and acknowledged, kept outside of the cluster, in the order in which
// things really happened. Every key is a register: one writer at a time writes ever larger numbers
// to it, and everybody reads it.
//
// - Not older: a read that begins after a number was acknowledged, or after a read that gave it has
//   ended, gives that number or a larger one, whoever the reader is.
// - Not from nowhere: a read gives a number that had been issued before it ended.
// - A read version that is asked for after a commit was acknowledged is at least its version.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/version.h"
#include "sim/run/evidence.h"
#include "workloads/client_operation.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

class LedgerBook {
 public:
  explicit LedgerBook(std::string prefix, uint64_t value_bytes)
      : prefix_(std::move(prefix)), value_bytes_(value_bytes) {}

  // A new register; nothing is written to it yet.
  size_t Open();
  size_t size() const { return registers_.size(); }
  std::string KeyOf(size_t which) const { return NumberedKey(prefix_, which); }

  // The next value to write. REQUIRES: no write of it is under way, and it is not retired.
  std::string BeginWrite(size_t which, ClientOperation by = {});
  void Acknowledge(size_t which, Version version);
  // The write may still happen, even after later ones: nobody may write the register any more.
  void Retire(size_t which);
  bool writable(size_t which) const {
    return !registers_[which].writing && !registers_[which].retired;
  }

  // What holds for a read that begins now.
  struct Expectation {
    size_t which = 0;
    uint64_t least = 0;
    Version version = 0;
    bool own = false;
    ClientOperation by = {};  // The read.
    // What gave `least`: the write that was acknowledged at this version, or, with 0, a read.
    Version least_at = 0;
    ClientOperation least_by = {};
  };
  Expectation BeginRead(size_t which, ClientOperation by = {}) const;
  // The same by its writer, within the transaction that writes: what it acknowledged last is there
  // and nothing else.
  Expectation BeginOwnRead(size_t which, ClientOperation by = {}) const;
  // As soon as the read version is known, whatever becomes of the read.
  absl::Status CheckReadVersion(const Expectation& expected, Version read_version) const;
  absl::Status EndRead(const Expectation& expected, Version read_version,
                       const std::optional<std::string>& value);

  // At the end: all rows of the prefix, read at one version.
  absl::Status CheckAll(const Rows& rows);

 private:
  struct Register {
    uint64_t issued = 0;
    uint64_t acknowledged = 0;
    Version acknowledged_at = 0;
    uint64_t seen = 0;            // The greatest that a read gave.
    ClientOperation writer = {};  // Of the write that was begun last.
    ClientOperation acknowledged_by = {};
    ClientOperation seen_by = {};
    bool writing = false;
    bool retired = false;
  };

  sim::Evidence::Node NodeOf(ClientOperation by, std::string label) const;
  // That `number`, read at `read_version`, is older than what gave `least`.
  sim::Evidence Missed(const Expectation& expected, Version read_version, uint64_t number) const;

  std::string prefix_;
  uint64_t value_bytes_;
  std::vector<Register> registers_;
  Version acknowledged_version_ = 0;  // The greatest of any register.
};

}  // namespace orrery::workloads
