// The shell around VersionAssigner: requests that must wait do so here, until the request before
// them came, more is committed, or their caller gives up.
#include "txn/sequencer/sequencer.h"

#include <optional>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/env/buggify.h"
#include "core/observe/expect_rare.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "txn/sequencer/sequencer_knobs.h"
#include "txn/sequencer/sequencer_methods.h"
#include "txn/sequencer/version_assigner.h"

namespace orrery {
namespace {

template <class M>
using Reply = Task<absl::StatusOr<Message<M>>>;

class Sequencer {
 public:
  Sequencer(Env& env, const SequencerOptions& options)
      : env_(env),
        assigner_({.first_version = options.first_version,
                   .window = options.window,
                   .uncommitted_max = kGenerationJump / 2,
                   .unanswered_max = static_cast<size_t>(
                       env.knobs().Get<SequencerKnobs>().sequencer_unanswered_requests_max),
                   .proxy_ids = options.proxy_ids},
                  env.clock().Now()),
        versions_(env.metrics().AddCounter("sequencer_versions", "versions",
                                           "links of the version chain given out")) {}

  Reply<CommitVersionReply> GetCommitVersion(Message<CommitVersionRequest> request, CallInfo) {
    const uint64_t proxy = request.header.proxy_id();
    const uint64_t number = request.header.request_number();
    if (Buggify(env_, "sequencer.slow", OneIn(200))) {
      co_await Sleep(env_.clock(), env_.random("sequencer.slow").Between({}, Milliseconds(100)));
    }
    const bool leap = Buggify(env_, "sequencer.leap", OneIn(1000));
    for (;;) {
      const Version last = assigner_.last_version();
      CO_ASSIGN_OR_RETURN(const std::optional<VersionLink> link,
                          assigner_.Request(proxy, number, request.header.answered_through(),
                                            env_.clock().Now(), leap));
      if (!link.has_value()) {
        PROBE(env_, "sequencer.request_waited");
        co_await changed_.Wait();
        continue;
      }
      if (assigner_.last_version() == last) {
        PROBE(env_, "sequencer.request_repeated");
      } else {
        versions_.Add();
        changed_.NotifyAll();
      }
      Message<CommitVersionReply> reply;
      reply.header.set_previous_version(link->previous);
      reply.header.set_version(link->version);
      reply.header.set_committed_version(assigner_.committed());
      co_return reply;
    }
  }

  Reply<ReportCommittedReply> ReportCommitted(Message<ReportCommittedRequest> request, CallInfo) {
    const absl::StatusOr<bool> news = assigner_.Report(request.header.version());
    EXPECT_RARE(env_, news.ok(), "a version was reported that nobody was given");
    if (!news.ok()) co_return news.status();
    if (*news) changed_.NotifyAll();
    Message<ReportCommittedReply> reply;
    reply.header.set_committed_version(assigner_.committed());
    co_return reply;
  }

  Reply<CommittedVersionReply> GetCommittedVersion(Message<CommittedVersionRequest>, CallInfo) {
    Message<CommittedVersionReply> reply;
    reply.header.set_committed_version(assigner_.committed());
    co_return reply;
  }

 private:
  Env& env_;
  VersionAssigner assigner_;
  Counter& versions_;
  Notify changed_;  // A link was given, or more is committed.
};

}  // namespace

Task<absl::Status> RunSequencer(RoleContext context, SequencerOptions options) {
  Sequencer sequencer(context.env, options);
  Promise<absl::Status> never;
  const HandlersUntilEnd handlers(context.server, context.token);
  context.server.Handle<kGetCommitVersion, &Sequencer::GetCommitVersion>(&sequencer, context.token);
  context.server.Handle<kReportCommitted, &Sequencer::ReportCommitted>(&sequencer, context.token);
  context.server.Handle<kGetCommittedVersion, &Sequencer::GetCommittedVersion>(&sequencer,
                                                                               context.token);
  if (auto e = context.env.trace().Info("SequencerStarted")) {
    e.Add("generation", options.generation).Add("first_version", options.first_version);
  }
  context.ready.Set(absl::OkStatus());
  co_return co_await never.future();
}

}  // namespace orrery
