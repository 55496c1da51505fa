// Calls, and the peers of a client.
#include "core/rpc/client.h"

#include <utility>

#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/call_trace.h"
#include "core/rpc/peer.h"

namespace orrery {

const char* PeerStateName(PeerState state) {
  switch (state) {
    case PeerState::kIdle:
      return "idle";
    case PeerState::kConnecting:
      return "connecting";
    case PeerState::kConnected:
      return "connected";
    case PeerState::kClosed:
      return "closed";
    case PeerState::kUnreachable:
      return "unreachable";
    case PeerState::kSilent:
      return "silent";
    case PeerState::kRefused:
      return "refused";
  }
  return "unknown";
}

namespace rpc_internal {
namespace {

PeerKey KeyOf(const Endpoint& to) {
  const uint16_t port = static_cast<uint16_t>(to.address.port() + to.loop);
  return {to.address.WithPort(port), to.host};
}

}  // namespace

ClientCore::ClientCore(Env& environment, RpcIdentity own)
    : env(environment),
      knobs(env.knobs().Get<RpcKnobs>()),
      identity(std::move(own)),
      metrics(env.metrics(), Side::kClient),
      random(env.random("rpc.client")),
      tasks_(env.executor(), [this](std::string_view task, absl::Status status) {
        if (auto e = env.trace().Error("RpcTaskFailed")) e.Add("task", task).Add("reason", status);
      }) {}

ClientCore::~ClientCore() { tasks_.Cancel(); }

Peer* ClientCore::PeerFor(const Endpoint& to) {
  PeerKey key = KeyOf(to);
  if (const auto at = peers_.find(key); at != peers_.end()) return at->second.get();
  if (peers_.size() >= static_cast<size_t>(knobs.rpc_peers_max)) return nullptr;
  auto peer = std::make_unique<Peer>(*this, key);
  Peer* const out = peer.get();
  peers_.emplace(std::move(key), std::move(peer));
  tasks_.Spawn("rpc.peer", out->Run());
  return out;
}

const Peer* ClientCore::FindPeer(const Endpoint& at) const {
  const auto found = peers_.find(KeyOf(at));
  return found == peers_.end() ? nullptr : found->second.get();
}

MethodMetrics& ClientCore::MetricsOf(uint16_t method, const char* name) {
  std::unique_ptr<MethodMetrics>& slot = methods_[method];
  if (slot == nullptr) slot = std::make_unique<MethodMetrics>(env.metrics(), Side::kClient, name);
  return *slot;
}

RawCall::RawCall(ClientCore& core, const Endpoint& to, uint16_t method, const char* method_name,
                 const google::protobuf::MessageLite& header, Buffer attachment, Duration timeout,
                 const CallContext& call_context)
    : core_(core),
      header_(header),
      call_context_(call_context),
      attachment_(std::move(attachment)),
      method_(method),
      method_name_(method_name),
      token_(to.token),
      incarnation_(to.incarnation),
      start_(core.env.clock().Now()),
      metrics_(core.MetricsOf(method, method_name)) {
  metrics_.calls.Add();
  if (absl::Status begun = Begin(to, timeout); !begun.ok()) Complete(std::move(begun));
}

absl::Status RawCall::Begin(const Endpoint& to, Duration timeout) {
  if (timeout <= Duration(0)) return Error(ErrorCode::timed_out);
  due_ = timeout > kNever - start_ ? kNever : start_ + timeout;
  Peer* const peer = core_.PeerFor(to);
  if (peer == nullptr) return Error(ErrorCode::overloaded);
  RETURN_IF_ERROR(peer->Submit(*this));
  deadline_.run = &OnDeadline;
  core_.env.clock().Arm(deadline_, due_);
  return absl::OkStatus();
}

RawCall::~RawCall() {
  if (peer_ == nullptr) return;
  if (TracesCalls(core_.env)) TraceFailed(Error(ErrorCode::operation_cancelled));
  peer_->Abandon(*this);
}

void RawCall::TraceFailed(const absl::Status& reason) const {
  TraceCallFailed(core_.env, sent_ ? &peer_->path() : nullptr, id_, method_name_,
                  peer_ != nullptr ? peer_->Name() : std::string(), reason);
}

void RawCall::OnDeadline(ReadyNode* node) {
  RawCall& call = static_cast<Timer*>(node)->call;
  call.peer_->Abandon(call);
  call.CompleteAndWake(Error(ErrorCode::timed_out));
}

void RawCall::Complete(absl::StatusOr<Frame> result) {
  if (!result.ok() && !answered_ && TracesCalls(core_.env)) TraceFailed(result.status());
  peer_ = nullptr;
  if (deadline_.armed()) deadline_.clock->Disarm(deadline_);
  if (!result.ok()) metrics_.errors.Add();
  metrics_.latency.Record(core_.env.clock().Now() - start_);
  result_.emplace(std::move(result));
}

void RawCall::CompleteAndWake(absl::StatusOr<Frame> result) {
  Complete(std::move(result));
  if (suspended_) Wake();
}

}  // namespace rpc_internal

RpcClient::RpcClient(Env& env, RpcIdentity identity)
    : core_(std::make_unique<rpc_internal::ClientCore>(env, std::move(identity))) {}

RpcClient::~RpcClient() = default;

rpc_internal::RawCall RpcClient::CallRaw(const Endpoint& to, uint16_t method,
                                         const char* method_name,
                                         const google::protobuf::MessageLite& header,
                                         Buffer attachment, Duration timeout,
                                         const CallContext& context) {
  return rpc_internal::RawCall(*core_, to, method, method_name, header, std::move(attachment),
                               timeout, context);
}

PeerState RpcClient::StateOf(const Endpoint& at) const {
  const rpc_internal::Peer* const peer = core_->FindPeer(at);
  return peer == nullptr ? PeerState::kIdle : peer->state();
}

Task<PeerState> RpcClient::WaitForFailure(Endpoint to) {
  rpc_internal::Peer* const peer = core_->PeerFor(to);
  if (peer == nullptr) co_return PeerState::kUnreachable;
  co_return co_await peer->WaitForFailure(to.incarnation);
}

}  // namespace orrery
