// The shell around GenerationRegister and Nomination: handlers, the task that writes the register's
// file, the task that forgets silent candidates.
//
// Changes of the register are made in memory at once, and a task writes its image; changes that
// come while it writes share the next write. Every answer waits until all that the register held
// when it was made is durable: an answer that changed nothing may tell of a change under way too.
#include "txn/coordinator/coordinator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "txn/coordinator/coordinator_knobs.h"
#include "txn/coordinator/coordinator_methods.h"
#include "txn/coordinator/nomination.h"
#include "txn/coordinator/register_file.h"
#include "txn/coordinator/register_messages.h"

namespace orrery {

namespace {

template <class M>
using Reply = Task<absl::StatusOr<Message<M>>>;

class Coordinator {
 public:
  Coordinator(RoleContext context, std::string path, GenerationRegister opened)
      : env_(context.env),
        server_(context.server),
        knobs_(env_.knobs().Get<CoordinatorKnobs>()),
        token_(context.token),
        ready_(std::move(context.ready)),
        register_(std::move(opened)),
        file_(env_, std::move(path)),
        handlers_(server_, token_),
        tasks_(env_.executor(),
               [this](std::string_view, absl::Status status) { Stop(std::move(status)); }) {}

  // Serves until Stop, and gives its status.
  Task<absl::Status> Run() {
    server_.Handle<kReadRegister, &Coordinator::Read>(this, token_);
    server_.Handle<kWriteRegister, &Coordinator::Write>(this, token_);
    server_.Handle<kFormRegister, &Coordinator::Form>(this, token_);
    server_.Handle<kNominate, &Coordinator::Nominate>(this, token_);
    server_.Handle<kGetNominee, &Coordinator::GetNominee>(this, token_);
    if (auto e = env_.trace().Info("CoordinatorStarted")) {
      e.Add("state", static_cast<uint64_t>(register_.state()));
    }
    tasks_.Spawn("write register", WriteChanges());
    tasks_.Spawn("forget candidates", ForgetCandidates());
    ready_.Set(absl::OkStatus());
    co_return co_await stopped_.future();
  }

 private:
  void Stop(absl::Status status) {
    if (!stopped_.is_set()) stopped_.Set(std::move(status));
  }

  // ---- The register.

  void Changed() {
    ++changes_;
    if (changes_ - durable_changes_ > 1) PROBE(env_, "coordinator.changes_share_a_write");
    changed_.NotifyAll();
  }

  Task<absl::Status> WriteChanges() {
    for (;;) {
      while (changes_ == durable_changes_) co_await changed_.Wait();
      const uint64_t changes = changes_;
      absl::Status written = co_await file_.Replace(register_.Image());
      if (!written.ok()) {
        PROBE(env_, "coordinator.write_failed");
        if (auto e = env_.trace().Warn("RegisterWriteFailed")) e.Add("why", written);
        co_return written;
      }
      durable_changes_ = changes;
      durable_.NotifyAll();
    }
  }

  Task<void> AwaitDurable(uint64_t changes) {
    while (durable_changes_ < changes) co_await durable_.Wait();
  }

  Reply<ReadRegisterReply> Read(Message<ReadRegisterRequest> request, CallInfo) {
    const GenerationRegister::ReadAnswer answer =
        register_.Read(FromMessage(request.header.id()), FromMessage(request.header.generation()));
    if (answer.changed) Changed();
    Message<ReadRegisterReply> reply{ToMessage(answer)};
    co_await AwaitDurable(changes_);
    co_return reply;
  }

  Reply<WriteRegisterReply> Write(Message<WriteRegisterRequest> request, CallInfo) {
    const RegisterGeneration generation = FromMessage(request.header.generation());
    if (generation == RegisterGeneration{} ||
        request.header.value().size() > GenerationRegister::kValueBytesMax) {
      co_return Error(ErrorCode::invalid_argument, "no generation, or too long a value");
    }
    const GenerationRegister::WriteAnswer answer =
        register_.Write(FromMessage(request.header.id()), generation, request.header.value());
    if (answer.changed) Changed();
    if (answer.ready && !answer.accepted) PROBE(env_, "coordinator.write_refused");
    Message<WriteRegisterReply> reply{ToMessage(answer)};
    co_await AwaitDurable(changes_);
    co_return reply;
  }

  Reply<FormRegisterReply> Form(Message<FormRegisterRequest> request, CallInfo) {
    const RegisterId id = FromMessage(request.header.id());
    const FormRegisterRequest::Step step = request.header.step();
    if (step != FormRegisterRequest::DESCRIBE) {
      if (id == RegisterId{}) co_return Error(ErrorCode::invalid_argument, "no register id");
      const bool form = step == FormRegisterRequest::FORM;
      const RegisterState before = register_.state();
      CO_RETURN_IF_ERROR(form ? register_.Form(id) : register_.Seal(id));
      if (register_.state() != before) Changed();
    }
    Message<FormRegisterReply> reply;
    reply.header.set_state(static_cast<uint32_t>(register_.state()));
    *reply.header.mutable_id() = ToMessage(register_.id());
    co_await AwaitDurable(changes_);
    co_return reply;
  }

  // ---- Who leads.

  // Looks again at who is named, and tells those who wait.
  void UpdateNominee() {
    const Nomination::Candidate named = nomination_.named();
    if (named.id == nominee_.candidate_id()) return;
    const auto at = candidates_.find(named.id);
    nominee_ = at == candidates_.end() ? Nominee() : at->second;
    if (auto e = env_.trace().Info("NomineeChanged")) e.Add("candidate", named.id);
    nominee_changed_.NotifyAll();
  }

  // A held poll of a candidate. Its end without an answer is a break.
  class HeldPoll {
   public:
    HeldPoll(Coordinator& coordinator, uint64_t id) : coordinator_(coordinator), id_(id) {}
    HeldPoll(const HeldPoll&) = delete;
    HeldPoll& operator=(const HeldPoll&) = delete;
    ~HeldPoll() {
      const CoordinatorKnobs& knobs = coordinator_.knobs_;
      coordinator_.nomination_.PollEnded(
          id_, After(coordinator_.env_.clock().Now(),
                     answered_ ? knobs.nominee_silence_max : knobs.nominee_reset_silence_max));
      coordinator_.poll_ended_.NotifyAll();
    }
    void Answered() { answered_ = true; }

   private:
    Coordinator& coordinator_;
    const uint64_t id_;
    bool answered_ = false;
  };

  Reply<NomineeReply> Nominate(Message<NominateRequest> request, CallInfo) {
    const Nominee& candidate = request.header.candidate();
    const uint64_t id = candidate.candidate_id();
    if (id == 0) co_return Error(ErrorCode::invalid_argument, "a candidate without id");
    if (!nomination_.PollBegan({id, candidate.priority(), request.header.leads()})) {
      co_return Error(ErrorCode::overloaded, "too many candidates");
    }
    HeldPoll poll(*this, id);
    candidates_[id] = candidate;
    UpdateNominee();
    Message<NomineeReply> reply =
        co_await AwaitNominee(request.header.known_candidate_id(), request.header.wait_us());
    poll.Answered();
    co_return reply;
  }

  Reply<NomineeReply> GetNominee(Message<GetNomineeRequest> request, CallInfo) {
    Message<NomineeReply> reply =
        co_await AwaitNominee(request.header.known_candidate_id(), request.header.wait_us());
    co_return reply;
  }

  Task<Message<NomineeReply>> AwaitNominee(uint64_t known, uint64_t wait_us) {
    const int64_t longest_us = knobs_.coordinator_wait_max / Microseconds(1);
    const auto asked_us =
        static_cast<int64_t>(std::min(wait_us, static_cast<uint64_t>(longest_us)));
    if (nominee_.candidate_id() == known && asked_us > 0) {
      // Out of time is an answer too: the same nominee as before.
      (void)co_await Timeout(env_.clock(), Microseconds(asked_us), AwaitOther(known));
    }
    Message<NomineeReply> reply;
    if (nominee_.candidate_id() != 0) *reply.header.mutable_nominee() = nominee_;
    co_return reply;
  }

  Task<absl::Status> AwaitOther(uint64_t known) {
    while (nominee_.candidate_id() == known) co_await nominee_changed_.Wait();
    co_return absl::OkStatus();
  }

  // Wakes only while some candidate's time is running. Never sleeps past the shortest of times, so
  // that a poll that broke meanwhile is not overlooked.
  Task<absl::Status> ForgetCandidates() {
    for (;;) {
      const Time next = nomination_.next_expiry();
      if (next == kNever) {
        co_await poll_ended_.Wait();
        continue;
      }
      const Time now = env_.clock().Now();
      co_await Sleep(env_.clock(), std::min(next, After(now, knobs_.nominee_reset_silence_max)));
      nomination_.Expire(env_.clock().Now());
      std::erase_if(candidates_,
                    [this](const auto& entry) { return !nomination_.IsPresent(entry.first); });
      UpdateNominee();
    }
  }

  Env& env_;
  RpcServer& server_;
  const CoordinatorKnobs& knobs_;
  const uint64_t token_;
  Promise<absl::Status> ready_;

  GenerationRegister register_;  // As changed, perhaps not durable yet.
  RegisterFile file_;
  uint64_t changes_ = 0;
  uint64_t durable_changes_ = 0;
  Notify changed_;  // changes_ grew.
  Notify durable_;  // durable_changes_ grew.

  Nomination nomination_;
  std::map<uint64_t, Nominee> candidates_;  // Those present, by id.
  Nominee nominee_;                         // Named now.
  Notify nominee_changed_;
  Notify poll_ended_;

  Promise<absl::Status> stopped_;
  HandlersUntilEnd handlers_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> RunCoordinator(RoleContext context, std::string path) {
  absl::StatusOr<GenerationRegister> opened = co_await RegisterFile::Open(context.env, path);
  if (!opened.ok()) {
    context.ready.Set(opened.status());
    co_return opened.status();
  }
  Coordinator coordinator(std::move(context), std::move(path), *std::move(opened));
  co_return co_await coordinator.Run();
}

}  // namespace orrery
