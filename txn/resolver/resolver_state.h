// ResolverState: the version chain as one resolver has walked it, the answers it may be asked for
// again, and the state transactions that not every proxy has yet. Pure: no Env, no coroutine.
//
// Invariants
//  1. Batches are resolved strictly along the chain, each once.
//  2. A batch that comes again gets its first answer, word for word, until its proxy has said that
//     it arrived.
//  3. A proxy is given every state transaction of a version above what it said had arrived, in
//     order, or is refused: it never misses one unawares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "txn/resolver/conflict_set.h"
#include "txn/resolver/resolver.pb.h"

namespace orrery {

class ResolverState {
 public:
  struct Options {
    Version first_version = kInvalidVersion;
    Version window = 0;
    std::vector<uint64_t> proxy_ids;
    bool keep_mutations = false;  // Resolver 0 sends the mutations of state transactions.
    size_t state_bytes_max = 0;
    size_t answers_max = 0;  // Of one proxy, kept for repeats.
  };

  enum class Standing : uint8_t {
    kTurn,       // Resolve it now.
    kEarly,      // The batch before it has not come.
    kAnswered,   // answer() has what was said.
    kForgotten,  // Answered, and the answer was trimmed: it gets none.
    kRefused,    // Not a proxy of this generation, or one that lags too far: it has ended.
    kBroken,     // Does not continue the chain: some part of the generation is defective.
  };

  explicit ResolverState(Options options);

  // How a request stands. Trims what it says has arrived.
  Standing Arrive(const ResolveRequest& request);

  // The answer to a request that Arrive said was answered. Valid until the next call.
  const ResolveReply& answer(const ResolveRequest& request) const;

  // Resolves the batch in `attachment` and keeps the answer. Errors: file_corrupt when it does not
  // parse, and nothing has changed. REQUIRES: Arrive said kTurn, and nothing was called since.
  absl::StatusOr<ResolveReply> Resolve(const ResolveRequest& request, std::string_view attachment);

  Version last_version() const { return last_; }
  size_t state_bytes() const { return state_bytes_; }
  size_t state_transactions() const { return state_.size(); }
  size_t answers() const;
  const ConflictSet& conflicts() const { return conflicts_; }

 private:
  struct Proxy {
    Version answered_through = kInvalidVersion;
    absl::btree_map<Version, ResolveReply> answers;
  };

  static size_t BytesOf(const StateTransaction& transaction);
  void Trim();

  const Options options_;
  ConflictSet conflicts_;
  absl::btree_map<uint64_t, Proxy> proxies_;
  Version last_;
  // Of versions above every proxy's answered_through, in order of (version, order).
  std::deque<StateTransaction> state_;
  size_t state_bytes_ = 0;
  // A proxy to which not everything up to here has arrived has missed state transactions.
  Version state_forgotten_through_ = kInvalidVersion;
};

}  // namespace orrery
