// Ages of commit ids are measured by when a version was seen, not in versions, which jump.
#include "txn/client/id_expiry.h"

#include <deque>
#include <optional>
#include <utility>

#include "core/async/sleep.h"
#include "core/base/encoding.h"
#include "core/knobs/knobs.h"
#include "core/observe/trace.h"
#include "txn/client/client_knobs.h"
#include "txn/proxy/commit_ids.h"

namespace orrery {
namespace {

// A version that was current at a time of this process: everything at or below it is older. Ages
// are measured so, and not in versions, since versions jump.
struct Sample {
  Time time;
  Version version;
};

Task<absl::Status> ExpireThrough(Transaction& transaction, Version through) {
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> before,
                      co_await transaction.Get(Key(kCommittedExpiredKey)));
  if (before.has_value()) {
    uint64_t version = 0;
    ByteReader reader(*before);
    if (reader.ReadOrdered64(version) && static_cast<Version>(version) >= through) {
      co_return absl::OkStatus();
    }
  }
  CO_RETURN_IF_ERROR(transaction.Clear(CommittedRange(kInvalidVersion, through)));
  std::string encoded;
  AppendOrdered64(encoded, static_cast<uint64_t>(through));
  co_return transaction.Set(kCommittedExpiredKey, encoded);
}

}  // namespace

Task<absl::Status> ExpireCommitIds(Env& env, Database& database) {
  const ClientKnobs& knobs = env.knobs().Get<ClientKnobs>();
  TransactionOptions options;
  options.access_system_keys = true;
  options.exactly_once = false;  // To do it twice is to do it once.
  options.timeout = knobs.client_commit_id_expiry_interval;
  std::deque<Sample> samples;  // Oldest first; the first is the last one that was old enough.
  for (;;) {
    co_await Sleep(env.clock(), knobs.client_commit_id_expiry_interval);
    Transaction now = database.Begin();
    now.options() = options;
    const absl::StatusOr<Version> version = co_await now.GetReadVersion();
    if (!version.ok()) continue;  // No cluster for now: tried again later.
    samples.push_back({env.clock().Now(), *version});
    const Time old = env.clock().Now() - knobs.client_commit_id_age;
    while (samples.size() > 1 && samples[1].time <= old) samples.pop_front();
    if (samples.front().time > old) continue;
    const Version through = samples.front().version;
    const absl::Status expired = co_await database.Run(
        [through](Transaction& transaction) { return ExpireThrough(transaction, through); },
        options);
    if (!expired.ok()) {
      if (auto e = env.trace().Warn("CommitIdExpiryFailed")) e.Add("error", expired);
    }
  }
}

}  // namespace orrery
