// TransactionModel: what a transaction must answer: a plain map, read and written by the rules of
// txn/client/transaction.h. Pure.
//
// It knows the rows of one key space, [begin, end), of which it has all that the database has at
// the transaction's version. Operations stay within it, but for those that must be refused.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/keys.h"
#include "core/base/status.h"
#include "storage/log/mutation.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

struct Operation {
  enum Kind : uint8_t {
    kGet,
    kGetKey,
    kGetRange,          // Of `range`.
    kGetSelectedRange,  // From `begin` to `end`.
    kSet,
    kClear,
    kClearRange,
    kAtomic,  // Versionstamped ones too.
    kReadConflict,
    kWriteConflict,
    kSetReadVersion,
  };
  // As txn/client/key_selector.h.
  struct Selector {
    Key key;
    bool or_equal = false;
    int32_t offset = 1;
  };

  Kind kind = kGet;
  Key key = {};
  std::string value = {};  // Or operand.
  KeyRange range = {};
  Selector begin = {};  // kGetKey: the only one.
  Selector end = {};
  MutationType type = MutationType::kSet;
  bool snapshot = false;
  bool reverse = false;
  int32_t rows = 0;
  int32_t bytes = 0;
  int32_t mode = -2;  // StreamingMode.
  int64_t version = 0;
  // What it must be refused with; then it changes nothing.
  ErrorCode refused = ErrorCode::ok;
};

// For messages.
std::string Describe(const Operation& operation);

struct Answer {
  absl::Status status;
  std::optional<std::string> value;               // kGet.
  Key key;                                        // kGetKey.
  std::vector<std::pair<Key, std::string>> rows;  // Of range reads.
  bool more = false;
};

class TransactionModel {
 public:
  struct Options {
    bool read_your_writes = true;
    bool snapshot_read_your_writes = true;
  };

  TransactionModel(KeyRange space, Rows database, Options options)
      : space_(std::move(space)),
        database_(std::move(database)),
        view_(database_),
        options_(options) {}

  // Whether `answer` is one that the operation may have; then the operation is applied. An error
  // that says nothing of the operation is none of its business: the caller ends the attempt.
  absl::Status CheckAndApply(const Operation& operation, const Answer& answer);

  // The database after the transaction was committed with this versionstamp. false: the stamp is
  // none.
  bool Commit(std::string_view versionstamp, Rows& database) const;

  // Where a selector leads; nothing if out of the space.
  std::optional<Key> Resolve(const Operation::Selector& selector, bool snapshot) const;

  const KeyRange& space() const { return space_; }
  const Rows& view() const { return view_; }
  bool has_unreadable() const { return !unreadable_.empty(); }
  bool wrote() const { return !mutations_.empty(); }
  bool wrote_stamped_key() const { return wrote_stamped_key_; }

 private:
  bool SeesOwn(bool snapshot) const {
    return options_.read_your_writes && (!snapshot || options_.snapshot_read_your_writes);
  }
  const Rows& Seen(bool snapshot) const { return SeesOwn(snapshot) ? view_ : database_; }
  absl::Status CheckRead(const Operation& operation, const Answer& answer) const;
  absl::Status CheckRows(const Operation& operation, const KeyRange& range,
                         const Answer& answer) const;
  void Apply(const Operation& operation);

  KeyRange space_;
  Rows database_;             // At its version.
  Rows view_;                 // With its own writes, but for those that need the stamp.
  std::set<Key> unreadable_;  // Their keys.
  std::vector<Mutation> mutations_;
  bool wrote_stamped_key_ = false;
  Options options_;
};

}  // namespace orrery::workloads
