// One long poll at each coordinator, and a count of whom they name: for those who watch and for
// those who stand.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/async/task_group.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "txn/coordinator/coordinator_backoff.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_knobs.h"
#include "txn/coordinator/coordinator_methods.h"

namespace orrery {

namespace {

using Answer = absl::StatusOr<Message<NomineeReply>>;

uint64_t Microseconds64(Duration d) { return static_cast<uint64_t>(d / Microseconds(1)); }

// The polls of a candidate. `self` and the references outlive it.
class Candidacy {
 public:
  Candidacy(Env& env, RpcClient& rpc, const ClusterFile& cluster, const Nominee& self, bool leads)
      : env_(env),
        rpc_(rpc),
        cluster_(cluster),
        self_(self),
        leads_(leads),
        knobs_(env.knobs().Get<CoordinatorKnobs>()),
        named_by_(cluster.coordinators.size(), leads),
        polls_(env.executor(), [](std::string_view, absl::Status) {}) {  // None ends.
    for (size_t c = 0; c < named_by_.size(); ++c) polls_.Spawn("nominate", Poll(c));
  }

  bool has_majority() const {
    const auto naming = std::count(named_by_.begin(), named_by_.end(), true);
    return static_cast<size_t>(naming) > named_by_.size() / 2;
  }

  // Until has_majority() is not `while_it_is`.
  Task<absl::Status> Run(bool while_it_is) {
    while (has_majority() == while_it_is) co_await changed_.Wait();
    co_return absl::OkStatus();
  }

 private:
  // For ever.
  Task<absl::Status> Poll(size_t coordinator) {
    Backoff backoff(env_);
    uint64_t known = 0;
    Time heard = env_.clock().Now();
    for (;;) {
      Message<NominateRequest> request;
      *request.header.mutable_candidate() = self_;
      request.header.set_known_candidate_id(known);
      request.header.set_wait_us(Microseconds64(knobs_.nominate_wait));
      request.header.set_leads(leads_);
      Answer answer =
          co_await rpc_.Call(cluster_.coordinators[coordinator], kNominate, std::move(request),
                             knobs_.nominate_wait + knobs_.coordinator_call_timeout);
      const Time now = env_.clock().Now();
      if (answer.ok()) {
        heard = now;
        known = answer->header.nominee().candidate_id();
        Set(coordinator, known == self_.candidate_id());
        backoff.Reset();
        continue;
      }
      known = 0;
      if (!leads_ || now - heard >= knobs_.leader_unreachable_max) Set(coordinator, false);
      co_await backoff.Pause();
    }
  }

  void Set(size_t coordinator, bool names_self) {
    if (named_by_[coordinator] == names_self) return;
    named_by_[coordinator] = names_self;
    changed_.NotifyAll();
  }

  Env& env_;
  RpcClient& rpc_;
  const ClusterFile& cluster_;
  const Nominee& self_;
  const bool leads_;
  const CoordinatorKnobs& knobs_;
  std::vector<bool> named_by_;
  Notify changed_;
  TaskGroup polls_;
};

}  // namespace

Task<absl::Status> BecomeLeader(Env& env, RpcClient& rpc, const ClusterFile& cluster,
                                Nominee self) {
  Candidacy candidacy(env, rpc, cluster, self, /*leads=*/false);
  co_return co_await candidacy.Run(/*while_it_is=*/false);
}

Task<absl::Status> KeepLeading(Env& env, RpcClient& rpc, const ClusterFile& cluster, Nominee self) {
  Candidacy candidacy(env, rpc, cluster, self, /*leads=*/true);
  co_return co_await candidacy.Run(/*while_it_is=*/true);
}

LeaderWatch::LeaderWatch(Env& env, RpcClient& rpc, const ClusterFile& cluster)
    : env_(env), rpc_(rpc), cluster_(cluster), named_(cluster.coordinators.size()) {}

Task<absl::Status> LeaderWatch::Run() {
  TaskGroup polls(env_.executor(), [](std::string_view, absl::Status) {});  // None ends.
  for (size_t c = 0; c < named_.size(); ++c) polls.Spawn("watch leader", Poll(c));
  co_await polls.Join();
  co_return absl::OkStatus();
}

// For ever.
Task<absl::Status> LeaderWatch::Poll(size_t coordinator) {
  const CoordinatorKnobs& knobs = env_.knobs().Get<CoordinatorKnobs>();
  Backoff backoff(env_);
  for (;;) {
    Message<GetNomineeRequest> request;
    request.header.set_known_candidate_id(named_[coordinator].candidate_id());
    request.header.set_wait_us(Microseconds64(knobs.leader_watch_wait));
    Answer answer =
        co_await rpc_.Call(cluster_.coordinators[coordinator], kGetNominee, std::move(request),
                           knobs.leader_watch_wait + knobs.coordinator_call_timeout);
    if (!answer.ok()) {
      co_await backoff.Pause();
      continue;
    }
    backoff.Reset();
    named_[coordinator] = answer->header.nominee();
    Count(named_[coordinator]);
  }
}

void LeaderWatch::Count(const Nominee& nominee) {
  if (nominee.candidate_id() == 0 || nominee.candidate_id() == leader_.candidate_id()) return;
  const auto naming = std::count_if(named_.begin(), named_.end(), [&](const Nominee& each) {
    return each.candidate_id() == nominee.candidate_id();
  });
  if (static_cast<size_t>(naming) <= named_.size() / 2) return;
  leader_ = nominee;
  if (auto e = env_.trace().Info("LeaderSeen")) e.Add("candidate", leader_.candidate_id());
  changed_.NotifyAll();
}

}  // namespace orrery
