// The shell around ResolverState: batches wait here for the one before them. Between the look at
// how a batch stands and the resolving of it nothing is awaited.
#include "txn/resolver/resolver.h"

#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/env/buggify.h"
#include "core/observe/expect_rare.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "txn/resolver/resolver_knobs.h"
#include "txn/resolver/resolver_methods.h"
#include "txn/resolver/resolver_state.h"

namespace orrery {
namespace {

ResolverState::Options StateOptions(const ResolverOptions& options, const ResolverKnobs& knobs) {
  return {.first_version = options.first_version,
          .window = options.window,
          .proxy_ids = options.proxy_ids,
          .keep_mutations = options.index == 0,
          .state_bytes_max = static_cast<size_t>(knobs.resolver_state_bytes_max),
          .answers_max = static_cast<size_t>(knobs.resolver_answers_max)};
}

class Resolver {
 public:
  Resolver(Env& env, const ResolverOptions& options)
      : env_(env),
        knobs_(env.knobs().Get<ResolverKnobs>()),
        state_(StateOptions(options, knobs_)),
        batches_(env.metrics().AddCounter("resolver_batches", "batches", "batches resolved")),
        transactions_(env.metrics().AddCounter("resolver_transactions", "transactions",
                                               "transactions judged")),
        refused_(env.metrics().AddCounter("resolver_transactions_refused", "transactions",
                                          "transactions that conflicted or were too old")),
        conflict_bytes_(env.metrics().AddGauge("resolver_conflict_set_bytes", "bytes",
                                               "memory of what was written in the window")),
        state_bytes_(env.metrics().AddGauge("resolver_state_bytes", "bytes",
                                            "state transactions that not every proxy has")) {}

  Task<absl::StatusOr<Message<ResolveReply>>> Resolve(Message<ResolveRequest> request, CallInfo) {
    using Standing = ResolverState::Standing;
    if (Buggify(env_, "resolver.slow", OneIn(100))) {
      co_await Sleep(env_.clock(), env_.random("resolver.slow").Between({}, Milliseconds(200)));
    }
    Standing standing = state_.Arrive(request.header);
    if (standing == Standing::kEarly) {
      const absl::Status came = co_await Timeout(env_.clock(), knobs_.resolver_chain_wait_max,
                                                 AwaitTurn(request.header.previous_version()));
      if (!came.ok()) co_return ChainHasHole(request.header);
      standing = state_.Arrive(request.header);
    }
    switch (standing) {
      case Standing::kTurn:
        co_return ResolveNow(request);
      case Standing::kAnswered: {
        PROBE(env_, "resolver.answered_again");
        Message<ResolveReply> reply{state_.answer(request.header)};
        co_return reply;
      }
      case Standing::kForgotten:
        PROBE(env_, "resolver.answer_forgotten");
        co_return Error(ErrorCode::generation_ended);
      case Standing::kEarly:  // Not after its turn came.
      case Standing::kRefused:
      case Standing::kBroken:
        break;
    }
    EXPECT_RARE(env_, standing != Standing::kBroken, "a batch does not continue the chain");
    if (auto e = env_.trace().Warn("ResolverRefusedBatch")) {
      e.Add("proxy", request.header.proxy_id()).Add("version", request.header.version());
      e.Add("previous_version", request.header.previous_version());
      e.Add("answered_through", request.header.answered_through());
      e.Add("resolved_through", state_.last_version());
    }
    PROBE(env_, "resolver.refused");
    co_return Error(ErrorCode::generation_ended);
  }

 private:
  Task<absl::Status> AwaitTurn(Version previous) {
    while (state_.last_version() < previous) co_await resolved_.Wait();
    co_return absl::OkStatus();
  }

  absl::StatusOr<Message<ResolveReply>> ResolveNow(const Message<ResolveRequest>& request) {
    absl::StatusOr<ResolveReply> reply = state_.Resolve(request.header, request.attachment.view());
    if (!reply.ok()) {
      if (auto e = env_.trace().Error("ResolveBatchCorrupt")) e.Add("why", reply.status());
      return reply.status();
    }
    resolved_.NotifyAll();
    batches_.Add();
    transactions_.Add(reply->verdicts().size());
    for (const char verdict : reply->verdicts()) {
      refused_.Add(verdict != static_cast<char>(Verdict::committed));
    }
    conflict_bytes_.Set(static_cast<int64_t>(state_.conflicts().bytes()));
    state_bytes_.Set(static_cast<int64_t>(state_.state_bytes()));
    if (reply->state_size() > 0) PROBE(env_, "resolver.gave_state");
    return Message<ResolveReply>{*std::move(reply)};
  }

  absl::Status ChainHasHole(const ResolveRequest& request) {
    PROBE(env_, "resolver.chain_has_hole");
    if (auto e = env_.trace().Warn("ResolverChainHasHole")) {
      e.Add("resolved_through", state_.last_version());
      e.Add("previous_version", request.previous_version());
    }
    return Error(ErrorCode::generation_ended);
  }

  Env& env_;
  const ResolverKnobs& knobs_;
  ResolverState state_;
  Counter& batches_;
  Counter& transactions_;
  Counter& refused_;
  Gauge& conflict_bytes_;
  Gauge& state_bytes_;
  Notify resolved_;  // last_version() grew.
};

}  // namespace

Task<absl::Status> RunResolver(RoleContext context, ResolverOptions options) {
  Resolver resolver(context.env, options);
  Promise<absl::Status> never;
  const HandlersUntilEnd handlers(context.server, context.token);
  context.server.Handle<kResolve, &Resolver::Resolve>(&resolver, context.token);
  if (auto e = context.env.trace().Info("ResolverStarted")) {
    e.Add("generation", options.generation).Add("index", options.index);
    e.Add("first_version", options.first_version);
  }
  context.ready.Set(absl::OkStatus());
  co_return co_await never.future();
}

}  // namespace orrery
