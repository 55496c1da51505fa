// Database: a client's connection to a cluster. Finds proxies through the coordinators, remembers
// which servers have which keys, and makes transactions.
//
//   Database db(env, rpc, cluster);
//   absl::Status done = co_await db.Run([](Transaction& tr) -> Task<absl::Status> {
//     CO_ASSIGN_OR_RETURN(std::optional<std::string> value, co_await tr.Get("key"));
//     co_return tr.Set("key", value.value_or("") + "x");
//   });
//
// Run is the retry loop: it runs the function, commits, and does both again while the error can be
// helped by that. Exactly once: when Run gives ok, the effects of exactly one run of the function
// were committed. (The function itself may run many times, and must not have other effects.)
#pragma once

#include <memory>
#include <utility>

#include "core/async/task.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/client/transaction.h"
#include "txn/coordinator/cluster_file.h"

namespace orrery {

class Database {
 public:
  // Talks over `rpc`. Does not wait for anything: a cluster that cannot be reached is waited for by
  // the calls that need it, within the transaction's timeout. REQUIRES: both outlive the database;
  // the knobs of `env` have ClientKnobs and RpcKnobs.
  Database(Env& env, RpcClient& rpc, ClusterFile cluster);
  // Of another kind of connection than through coordinators.
  explicit Database(std::shared_ptr<DatabaseCore> core) : core_(std::move(core)) {}
  Database(Database&&) = default;
  Database& operator=(Database&&) = default;
  // REQUIRES: no call of a transaction is under way.
  ~Database() = default;

  Transaction Begin() { return Transaction(core_); }

  // `fn(Transaction&)` gives Task<absl::Status>; an ok one is followed by Commit. `fn` lives until
  // Run has ended. `options` are those of the transaction.
  template <class Fn>
  Task<absl::Status> Run(Fn fn, TransactionOptions options = {}) {
    Transaction transaction = Begin();
    transaction.options() = options;
    for (;;) {
      absl::Status status = co_await fn(transaction);
      if (status.ok()) status = (co_await transaction.Commit()).status();
      if (status.ok()) co_return status;
      status = co_await transaction.OnError(std::move(status));
      if (!status.ok()) co_return status;
    }
  }

 private:
  std::shared_ptr<DatabaseCore> core_;
};

}  // namespace orrery
