// Transaction: reads at one version and writes that happen at one version, all or none, as if
// transactions ran one after the other in the order of their commits (strict serialisability).
//
// A transaction sees its own writes. Nothing leaves the client before Commit. Every call that can
// be wrong is checked where it is made: an error changes nothing.
//
// Reads are cancel-safe: destroying the Task abandons the read. A Transaction is used by one loop;
// reads of it may be under way side by side. Calls while Commit is under way give
// used_during_commit. A Transaction must outlive the Tasks it gave.
//
// Limits, exact to the byte: key 10,000 bytes (key_too_large; system keys 30,000), value 100,000
// (value_too_large), transaction 10,000,000 of keys and values written and of conflict ranges
// (transaction_too_large, at Commit), age 5 s of versions (transaction_too_old). As in FoundationDB
// only what would be written can be too large: no longer key exists, so Get finds nothing there,
// Clear does nothing, and the ends of ranges and the keys of selectors are cut to one byte more
// than the limit. The stamped part of a versionstamped key or value is without its last 4 bytes.
// Keys at or above "\xff" need an option to be read or written (key_outside_legal_range).
//
// A key whose value depends on the versionstamp cannot be read (accessed_unreadable): one written
// by kSetVersionstampedValue, and all that kSetVersionstampedKey may turn out to write, until they
// are cleared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/future.h"
#include "core/async/task.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/base/version.h"
#include "storage/log/mutation.h"
#include "txn/client/key_selector.h"
#include "txn/client/range_result.h"
#include "txn/client/transaction_options.h"

namespace orrery {

class DatabaseCore;

struct CommitResult {
  Version version = kInvalidVersion;  // kInvalidVersion when there was nothing to commit.
  std::string versionstamp;           // 10 bytes; empty when there was nothing to commit.
};

class Transaction {
 public:
  explicit Transaction(std::shared_ptr<DatabaseCore> database);
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  // May be changed at any time before Commit; kept by OnError, gone with Reset.
  TransactionOptions& options();

  // The version of all reads: asked for once, at the first read or here. At least the version of
  // every commit that had been acknowledged, to anyone, before it was asked for.
  Task<absl::StatusOr<Version>> GetReadVersion();
  // read_version_already_set; version_invalid for one that is not positive.
  absl::Status SetReadVersion(Version version);

  Task<absl::StatusOr<std::optional<std::string>>> Get(Key key, bool snapshot = false);
  // The key that the selector names; "" before the first key, and the end of the legal range
  // ("\xff", or "\xff\xff" with system keys) after the last.
  Task<absl::StatusOr<Key>> GetKey(KeySelector selector, bool snapshot = false);
  // Rows of [begin, end) after both are resolved; begin at or after end gives no rows.
  Task<absl::StatusOr<RangeResult>> GetRange(KeySelector begin, KeySelector end,
                                             RangeOptions options = {});
  // Errors besides: inverted_range.
  Task<absl::StatusOr<RangeResult>> GetRange(KeyRange range, RangeOptions options = {});

  absl::Status Set(KeyRef key, std::string_view value);
  absl::Status Clear(KeyRef key);
  absl::Status Clear(KeyRangeRef range);  // inverted_range; an empty one does nothing.
  // Any type of atomic_operations.h, and versionstamped keys and values.
  absl::Status Atomic(MutationType type, KeyRef key, std::string_view operand);

  // inverted_range. As in FoundationDB a read conflict leaves out what this transaction has set or
  // cleared before: as with a read, nobody else decides it.
  absl::Status AddReadConflictRange(KeyRangeRef range);
  absl::Status AddWriteConflictRange(KeyRangeRef range);

  // Commits. Ok: durable, at this version, once. not_committed: something that was read has been
  // written since; or the answer was lost and it turned out that it was not committed, and never
  // will be. With exactly_once an unknown result is resolved before this returns; the error
  // outcome_unknown says that it cannot be any more, or not within the timeout. After ok, and after
  // an error other than of arguments, only Reset and OnError are of use. Waits for the reads that
  // are under way.
  Task<absl::StatusOr<CommitResult>> Commit();

  // The versionstamp of the commit, for whoever waits while Commit is made.
  // client_invalid_operation when there was nothing to commit.
  Future<absl::StatusOr<std::string>> GetVersionstamp();

  // For retry loops. If `error` can be helped by trying again: waits (longer each time, jittered),
  // resets everything but options, and gives ok. Otherwise gives `error` back.
  Task<absl::Status> OnError(absl::Status error);

  // As new, options too.
  void Reset();
  // Reads under way, and all calls from now on until Reset, give transaction_cancelled.
  void Cancel();

  // Bytes that count towards the limit so far.
  size_t ApproximateBytes() const;
  // Bytes in the range, about. And keys that cut it into pieces of about `chunk_bytes`, the range's
  // ends included.
  Task<absl::StatusOr<uint64_t>> EstimateBytes(KeyRange range);
  Task<absl::StatusOr<std::vector<Key>>> SplitPoints(KeyRange range, uint64_t chunk_bytes);
  // Addresses of the servers that have the key, "ip:port".
  Task<absl::StatusOr<std::vector<std::string>>> AddressesOf(Key key);
  // After not_committed with report_conflicting_keys: the ranges read that conflicted.
  const std::vector<KeyRange>& conflicting_ranges() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery
