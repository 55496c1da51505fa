// One task asks the sequencer and answers, batch after batch; one task for each log asks it when
// the proof under way has use for its answer. So a log that is silent has one question open, not
// one for each batch, and costs nothing while enough others answer.
#include "txn/proxy/grv_proxy.h"

#include <string>
#include <utility>
#include <vector>

#include "core/async/future.h"
#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/base/version.h"
#include "core/env/buggify.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/log_methods.h"
#include "txn/proxy/end_of_role.h"
#include "txn/proxy/grv_proxy_knobs.h"
#include "txn/proxy/grv_proxy_state.h"
#include "txn/proxy/proxy_methods.h"
#include "txn/sequencer/sequencer_methods.h"

namespace orrery {
namespace {

std::vector<std::string> ZonesOf(const LogSet& logs) {
  std::vector<std::string> zones;
  for (const LogMember& log : logs.logs()) zones.push_back(log.zone());
  return zones;
}

class GrvProxy {
 public:
  GrvProxy(Env& env, RpcClient& rpc, const GrvProxyOptions& options)
      : env_(env),
        rpc_(rpc),
        options_(options),
        knobs_(env.knobs().Get<GrvProxyKnobs>()),
        queues_(static_cast<size_t>(knobs_.grv_proxy_waiting_requests_max)),
        proof_(ZonesOf(options.logs), options.logs.replication()),
        transactions_(env.metrics().AddCounter("grv_proxy_transactions", "transactions",
                                               "transactions that were given a read version")),
        proofs_(
            env.metrics().AddCounter("grv_proxy_proofs", "proofs", "batches of requests answered")),
        proof_time_(env.metrics().AddHistogram("grv_proxy_proof_ns", "ns",
                                               "from a batch's begin to its answer")),
        tasks_(env.executor(), [this](std::string_view, absl::Status status) {
          if (!ended_.is_set()) ended_.Set(std::move(status));
        }) {}

  // Ends with the error that ended the generation.
  Task<absl::Status> Run() {
    tasks_.Spawn("answer", AnswerBatches());
    for (int i = 0; i < options_.logs.logs_size(); ++i) {
      tasks_.Spawn("confirm", ConfirmLog(static_cast<size_t>(i)));
    }
    co_return co_await ended_.future();
  }

  Task<absl::StatusOr<Message<ReadVersionReply>>> GetReadVersion(
      Message<ReadVersionRequest> request, CallInfo) {
    Promise<absl::StatusOr<Version>> answer;
    Future<absl::StatusOr<Version>> version = answer.future();
    Waiting waiting{std::move(answer), request.header.transactions()};
    if (!queues_.Add(request.header.priority(), std::move(waiting))) {
      PROBE(env_, "grv_proxy.overloaded");
      co_return Error(ErrorCode::overloaded);
    }
    arrived_.NotifyAll();
    CO_ASSIGN_OR_RETURN(const Version known, co_await std::move(version));
    Message<ReadVersionReply> reply;
    reply.header.set_version(known);
    co_return reply;
  }

 private:
  struct Waiting {
    Promise<absl::StatusOr<Version>> answer;
    uint64_t transactions;
  };

  Task<absl::Status> AnswerBatches() {
    for (;;) {
      while (queues_.empty()) co_await arrived_.Wait();
      const Time begin = env_.clock().Now();
      std::vector<Waiting> batch =
          queues_.Take(static_cast<size_t>(knobs_.grv_proxy_batch_requests_max));
      proof_.Begin();
      wanted_.NotifyAll();
      CO_ASSIGN_OR_RETURN(const Version version, co_await AskSequencer());
      while (!proof_.complete()) co_await confirmed_.Wait();
      for (Waiting& each : batch) {
        transactions_.Add(each.transactions);
        each.answer.Set(version);
      }
      proofs_.Add();
      proof_time_.Record(env_.clock().Now() - begin);
    }
  }

  Task<absl::StatusOr<Version>> AskSequencer() {
    const Time give_up = After(env_.clock().Now(), knobs_.grv_proxy_sequencer_silence_max);
    for (;;) {
      const absl::StatusOr<Message<CommittedVersionReply>> reply =
          co_await rpc_.Call(options_.sequencer, kGetCommittedVersion, {CommittedVersionRequest()},
                             knobs_.grv_proxy_call_timeout);
      if (reply.ok()) co_return reply->header.committed_version();
      if (IsEndOfRole(reply.status()) || env_.clock().Now() >= give_up) {
        PROBE(env_, "grv_proxy.sequencer_gone");
        co_return reply.status();
      }
      co_await Sleep(env_.clock(), knobs_.grv_proxy_retry_delay);
    }
  }

  Task<absl::Status> ConfirmLog(size_t log) {
    const Endpoint endpoint = FromMessage(options_.logs.logs(static_cast<int>(log)).endpoint());
    for (;;) {
      while (!proof_.Wants(log)) co_await wanted_.Wait();
      const uint64_t asked = proof_.number();
      if (Buggify(env_, "grv_proxy.confirm.slow", OneIn(200))) {
        co_await Sleep(env_.clock(), env_.random("grv_proxy.confirm").Between({}, Seconds(1)));
      }
      const absl::StatusOr<Message<ConfirmReply>> reply = co_await rpc_.Call(
          endpoint, kConfirmRunning, {ConfirmRequest()}, knobs_.grv_proxy_call_timeout);
      if (reply.ok()) {
        if (asked != proof_.number()) PROBE(env_, "grv_proxy.confirmed_late");
        proof_.Confirm(log, asked);
        if (proof_.complete()) confirmed_.NotifyAll();
        continue;
      }
      if (CodeOf(reply.status()) == ErrorCode::generation_ended) {
        PROBE(env_, "grv_proxy.log_locked");
        co_return reply.status();
      }
      PROBE(env_, "grv_proxy.log_silent");
      co_await Sleep(env_.clock(), knobs_.grv_proxy_retry_delay);
    }
  }

  Env& env_;
  RpcClient& rpc_;
  const GrvProxyOptions& options_;
  const GrvProxyKnobs& knobs_;
  ReadVersionQueues<Waiting> queues_;
  LivenessProof proof_;
  Counter& transactions_;
  Counter& proofs_;
  Histogram& proof_time_;

  Notify arrived_;    // A request waits.
  Notify wanted_;     // A proof began.
  Notify confirmed_;  // It is complete, as far as the logs go.
  Promise<absl::Status> ended_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> RunGrvProxy(RoleContext context, GrvProxyOptions options) {
  INVARIANT(options.logs.replication() > 0);
  GrvProxy proxy(context.env, context.rpc, options);
  const HandlersUntilEnd handlers(context.server, context.token);
  context.server.Handle<kGetReadVersion, &GrvProxy::GetReadVersion>(&proxy, context.token);
  if (auto e = context.env.trace().Info("GrvProxyStarted")) {
    e.Add("generation", options.generation).Add("logs", options.logs.logs_size());
  }
  context.ready.Set(absl::OkStatus());
  absl::Status ended = co_await proxy.Run();
  if (auto e = context.env.trace().Info("GrvProxyEnded")) {
    e.Add("generation", options.generation).Add("why", ended);
  }
  co_return ended;
}

}  // namespace orrery
