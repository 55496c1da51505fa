// The life of a connection to one peer.
#include "core/rpc/peer.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/async/when_any.h"
#include "core/base/invariant.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/rpc.pb.h"

namespace orrery::rpc_internal {
namespace {

bool IsFailure(PeerState state) {
  return state == PeerState::kClosed || state == PeerState::kUnreachable ||
         state == PeerState::kSilent || state == PeerState::kRefused;
}

bool IsRefusal(const absl::Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::protocol_mismatch:
    case ErrorCode::wrong_cluster:
    case ErrorCode::authentication_failed:
    case ErrorCode::corrupt_frame:
      return true;
    default:
      return false;
  }
}

void Fill(const CallContext& from, Duration left, uint64_t token, rpc::RequestHeader& out) {
  if ((from.trace_id_high | from.trace_id_low) != 0) {
    out.set_trace_id_high(from.trace_id_high);
    out.set_trace_id_low(from.trace_id_low);
  }
  if (from.span_id != 0) out.set_span_id(from.span_id);
  out.set_deadline_us(static_cast<uint64_t>(std::max<int64_t>(left.count() / 1000, 1)));
  if (from.priority != Priority::kDefault) {
    out.set_priority_plus_one(static_cast<uint32_t>(from.priority) + 1);
  }
  if (from.tenant_id >= 0) out.set_tenant_id_plus_one(static_cast<uint64_t>(from.tenant_id) + 1);
  if (!from.auth_token.empty()) out.set_auth_token(from.auth_token);
  if (!from.throttling_tag.empty()) out.set_throttling_tag(from.throttling_tag);
  if (from.generation != 0) out.set_generation(from.generation);
  if (from.feature_level != 0) out.set_feature_level(from.feature_level);
  if (token != 0) out.set_endpoint_token(token);
}

}  // namespace

// Counts who waits for a failure: the peer is used as long as somebody does.
class Peer::Watcher {
 public:
  explicit Watcher(Peer& peer) : peer_(peer) {
    ++peer_.watchers_;
    peer_.used_.NotifyAll();
  }
  Watcher(const Watcher&) = delete;
  ~Watcher() { --peer_.watchers_; }

 private:
  Peer& peer_;
};

Peer::Peer(ClientCore& core, PeerKey key) : core_(core), key_(std::move(key)) {}

Peer::~Peer() { FailAll(Error(ErrorCode::connection_failed)); }

absl::Status Peer::Submit(RawCall& call) {
  const bool stranger = link_ != nullptr && IsForAnotherLife(call);
  if (stranger && !Suspect()) {
    PROBE(core_.env, "rpc.stale_endpoint");
    return Error(ErrorCode::stale_endpoint);
  }
  if (link_ != nullptr && !stranger) {
    if (link_->writer().queued_bytes() > static_cast<size_t>(core_.knobs.rpc_queue_bytes_max)) {
      PROBE(core_.env, "rpc.client_queue_full");
      return Error(ErrorCode::overloaded);
    }
    call.id_ = calls_.Add(&call);
    absl::Status sent = Send(call);
    if (!sent.ok()) {
      calls_.Remove(call.id_);
      return sent;
    }
    call.peer_ = this;
    used_.NotifyAll();
    return sent;
  }
  const size_t bytes = call.header_.ByteSizeLong() + call.attachment_.size() + kFrameHeaderBytes;
  if (waiting_bytes_ + bytes > static_cast<size_t>(core_.knobs.rpc_queue_bytes_max)) {
    PROBE(core_.env, "rpc.client_queue_full");
    return Error(ErrorCode::overloaded);
  }
  call.id_ = calls_.Add(&call);
  call.peer_ = this;
  call.waiting_bytes_ = bytes;
  waiting_bytes_ += bytes;
  waiting_.PushBack(call);
  used_.NotifyAll();
  return absl::OkStatus();
}

absl::Status Peer::Send(RawCall& call) {
  rpc::RequestHeader envelope;
  Fill(call.call_context_, call.due_ - core_.env.clock().Now(), call.token_, envelope);
  call.metrics_.request_bytes.Add(call.attachment_.size());
  const Buffer attachment = std::move(call.attachment_);
  RETURN_IF_ERROR(link_->writer().Add(FrameType::kRequest, call.method_, call.id_, &envelope,
                                      &call.header_, attachment));
  call.sent_ = true;
  call.end_in_stream_ = link_->writer().added_bytes();
  if (TracesCalls(core_.env)) {
    TraceRequestSent(core_.env, path_, call.id_, call.method_name_, process_, call.header_,
                     attachment.view());
  }
  return absl::OkStatus();
}

void Peer::Abandon(RawCall& call) {
  calls_.Remove(call.id_);
  if (call.waiting()) {
    waiting_.Remove(call);
    waiting_bytes_ -= call.waiting_bytes_;
  } else if (link_ != nullptr) {
    link_->writer().AddBare(FrameType::kCancel, call.id_);
  }
}

// The connection stands: sends what waited for it.
void Peer::SendWaiting() {
  while (!waiting_.empty()) {
    RawCall& call = static_cast<RawCall&>(*waiting_.first());
    waiting_.Remove(call);
    waiting_bytes_ -= call.waiting_bytes_;
    const absl::Status sent =
        IsForAnotherLife(call) ? Error(ErrorCode::stale_endpoint) : Send(call);
    if (!sent.ok()) {
      calls_.Remove(call.id_);
      call.CompleteAndWake(sent);
    }
  }
}

// REQUIRES: connected.
bool Peer::IsForAnotherLife(const RawCall& call) const {
  return call.incarnation_ != kAnyIncarnation && call.incarnation_ != link_->peer().incarnation;
}

// Somebody names another life of the peer than the one that is connected: either he is out of date,
// or this connection is, and nobody told. A fresh connection for heartbeats tells; his call waits
// for that. False: it has just told.
bool Peer::Suspect() {
  if (core_.env.clock().Now() < trusted_until_) return false;
  suspected_ = true;
  suspicion_.NotifyAll();
  return true;
}

Task<absl::Status> Peer::WaitSuspected() {
  while (!suspected_) co_await suspicion_.Wait();
  suspected_ = false;
  co_return absl::OkStatus();
}

// The connection broke. What waited for another life of the peer goes on waiting.
void Peer::FailSent(const absl::Status& status) {
  uint32_t from = 0;
  while (const uint64_t id = calls_.FirstFrom(from)) {
    from = SlotOf(id) + 1;
    if ((*calls_.Find(id)).waiting()) continue;
    calls_.Remove(id)->CompleteAndWake(status);
  }
}

void Peer::FailAll(const absl::Status& status) {
  uint32_t from = 0;
  while (const uint64_t id = calls_.FirstFrom(from)) {
    from = SlotOf(id) + 1;
    RawCall& call = *calls_.Remove(id);
    if (call.waiting()) {
      waiting_.Remove(call);
      waiting_bytes_ -= call.waiting_bytes_;
    }
    call.CompleteAndWake(status);
  }
}

std::string Peer::Name() const {
  if (!process_.empty()) return process_;
  return key_.host.empty() ? key_.address.ToString() : key_.host;
}

void Peer::SetState(PeerState state) {
  if (state_ == state) return;
  state_ = state;
  changed_.NotifyAll();
}

Task<absl::Status> Peer::WaitUsed() {
  while (!used()) co_await used_.Wait();
  co_return absl::OkStatus();
}

Task<PeerState> Peer::WaitForFailure(uint64_t incarnation) {
  const Watcher watcher(*this);
  while (true) {
    if (IsFailure(state_) && !resting_) co_return state_;
    if (link_ != nullptr && incarnation != kAnyIncarnation &&
        incarnation != link_->peer().incarnation) {
      co_return PeerState::kClosed;
    }
    co_await changed_.Wait();
  }
}

Task<absl::Status> Peer::Run() {
  Clock& clock = core_.env.clock();
  while (true) {
    resting_ = true;
    const absl::Status wanted =
        co_await Timeout(clock, core_.knobs.rpc_client_idle_max, WaitUsed());
    if (!wanted.ok() && !used()) break;
    resting_ = false;
    SetState(PeerState::kConnecting);
    absl::StatusOr<std::unique_ptr<Link>> link =
        co_await Timeout(clock, core_.knobs.rpc_connect_timeout, Open(Lane::kData));
    absl::Status end;
    const bool was_connected = link.ok();
    PeerState failure = PeerState::kUnreachable;
    if (link.ok()) {
      link_ = *std::move(link);
      read_through_ = 0;
      data_ping_ = DataPing();
      path_ = {link_->connection().local_address(), link_->connection().peer_address()};
      process_ = link_->peer().process;
      SetState(PeerState::kConnected);
      SendWaiting();
      do {
        end = co_await RunConnected();
      } while (end.ok() && used());  // A call may have come after the watch had given up.
      link_.reset();
      if (end.ok()) break;
      failure = CodeOf(end) == ErrorCode::timed_out ? PeerState::kSilent : PeerState::kClosed;
    } else {
      end = std::move(link).status();
    }
    if (IsRefusal(end)) failure = PeerState::kRefused;
    if (CodeOf(end) == ErrorCode::timed_out) end = Error(ErrorCode::connection_failed);
    if (auto e = core_.env.trace().Info("RpcPeerFailed")) {
      e.Add("peer", key_.host.empty() ? key_.address.ToString() : key_.host)
          .Add("state", PeerStateName(failure))
          .Add("calls", calls_.size())
          .Add("reason", end);
    }
    if (was_connected) {
      FailSent(end);
    } else {
      FailAll(end);
    }
    SetState(failure);
    co_await Sleep(clock, NextDelay());
  }
  core_.Forget(key_);  // Destroys this.
  co_return absl::OkStatus();
}

Duration Peer::NextDelay() {
  Duration delay = core_.knobs.rpc_reconnect_delay_min;
  for (uint32_t i = 0; i < failures_ && delay < core_.knobs.rpc_reconnect_delay_max; ++i) {
    delay *= 2;
  }
  ++failures_;
  delay = std::min(delay, core_.knobs.rpc_reconnect_delay_max);
  return delay - core_.random.Between(Duration(0), delay / 2);
}

Task<absl::StatusOr<std::unique_ptr<Link>>> Peer::Open(Lane lane) {
  Network& network = core_.env.network();
  std::vector<NetworkAddress> addresses{key_.address};
  if (!key_.host.empty()) {
    CO_ASSIGN_OR_RETURN(addresses, co_await network.Resolve(key_.host, key_.address.port()));
  }
  absl::Status last = Error(ErrorCode::name_not_found);
  for (size_t i = 0; i < addresses.size(); ++i) {
    // Another one first at each attempt: the first may take all the time and never answer.
    const NetworkAddress address = addresses[(failures_ + i) % addresses.size()];
    absl::StatusOr<std::unique_ptr<Connection>> connection = co_await network.Connect(address);
    if (!connection.ok()) {
      last = std::move(connection).status();
      continue;
    }
    auto link =
        std::make_unique<Link>(core_.env, core_.knobs, core_.metrics, *std::move(connection));
    last = co_await link->Greet({core_.identity, lane});
    if (last.ok()) co_return link;
  }
  co_return last;
}

// While connected. ok: not used any more. timed_out: silent. Otherwise: why it broke.
Task<absl::Status> Peer::RunConnected() {
  std::variant<absl::Status, absl::Status> first = co_await WhenAny(ReadReplies(), KeepWatch());
  co_return first.index() == 0 ? std::get<0>(std::move(first)) : std::get<1>(std::move(first));
}

Task<absl::Status> Peer::ReadReplies() {
  while (true) {
    // First what came behind the handshake: a peer may say more than it was asked.
    while (std::optional<Frame> frame = link_->NextFrame()) {
      CO_RETURN_IF_ERROR(OnFrame(*std::move(frame)));
    }
    CO_RETURN_IF_ERROR(link_->Check());
    CO_RETURN_IF_ERROR(co_await link_->Receive());
  }
}

absl::Status Peer::OnFrame(Frame frame) {
  if (frame.header.type == FrameType::kPong) {
    if (frame.header.request_id == data_ping_.id) {
      read_through_ = std::max(read_through_, data_ping_.begin_in_stream);
    }
    return absl::OkStatus();
  }
  if (frame.header.type != FrameType::kReply) return link_->Unexpected(frame);
  if (Buggify(core_.env, "rpc.client.reply_lost", OneIn(5000))) {
    return Error(ErrorCode::connection_failed);  // As if the stream had broken just before.
  }
  failures_ = 0;
  const uint64_t id = frame.header.request_id;
  RawCall* const call = calls_.Remove(id);
  const auto trace = [&](const absl::Status& status) {
    if (TracesCalls(core_.env)) TraceReplyReceived(core_.env, path_, id, status, call == nullptr);
  };
  if (call == nullptr) {  // Abandoned.
    trace(absl::OkStatus());
    return absl::OkStatus();
  }
  call->answered_ = true;
  read_through_ = std::max(read_through_, call->end_in_stream_);
  if (frame.header.envelope_bytes == 0) {
    trace(absl::OkStatus());
    call->metrics_.reply_bytes.Add(frame.body.size());
    call->CompleteAndWake(std::move(frame));
    return absl::OkStatus();
  }
  rpc::ReplyHeader envelope;
  if (!ParseMessage(frame.envelope(), envelope)) {
    call->CompleteAndWake(Error(ErrorCode::corrupt_frame));
    return link_->Unexpected(frame);
  }
  if (envelope.error_code() == 0) {
    trace(absl::OkStatus());
    call->CompleteAndWake(std::move(frame));
    return absl::OkStatus();
  }
  const ErrorCode code = InfoOf(static_cast<ErrorCode>(envelope.error_code())).code;
  trace(Error(code));
  call->CompleteAndWake(envelope.error_message().empty() ? Error(code)
                                                         : Error(code, envelope.error_message()));
  return absl::OkStatus();
}

// Heartbeats as long as the peer is used, and until it was heard since. ok: it was not used for
// rpc_client_idle_max.
Task<absl::Status> Peer::KeepWatch() {
  Clock& clock = core_.env.clock();
  const RpcKnobs& knobs = core_.knobs;
  std::unique_ptr<Link> heartbeat;
  Time used_from = clock.Now();
  Time heard_at = used_from;
  bool trouble = false;
  while (true) {
    // Callers that gave up may have asked what nobody hears any more: the watch goes on until the
    // peer is heard. Else calls that end before silence is seen would keep a dead connection alive.
    const bool unheard = link_->heard_at() < used_from;
    if (!used() && !unheard) {
      const absl::Status wanted = co_await Timeout(clock, knobs.rpc_client_idle_max, WaitUsed());
      if (!wanted.ok()) co_return absl::OkStatus();
      used_from = heard_at = clock.Now();
    }
    if (trouble || clock.Now() - link_->heard_at() > knobs.rpc_silence_max / 2) PingData();
    // Two tries within rpc_silence_max: a heartbeat connection may be the only thing that is stuck.
    const Duration left = heard_at + knobs.rpc_silence_max - clock.Now();
    std::optional<absl::Status> ended;
    const bool fresh = heartbeat == nullptr;  // Its handshake will say which life answers.
    const absl::Status in_time = co_await Timeout(clock, std::min(left, knobs.rpc_silence_max / 2),
                                                  BeatUnlessSuspected(&heartbeat, &ended));
    if (in_time.ok() && !ended.has_value()) {
      heartbeat.reset();
      continue;
    }
    const absl::Status beat = ended.value_or(in_time);
    trouble = !beat.ok();
    if (trouble) {
      PROBE(core_.env, "rpc.heartbeat_missed");
      heartbeat.reset();
      if (IsRefusal(beat)) co_return beat;
      if (CodeOf(beat) == ErrorCode::stale_endpoint) {
        co_return Error(ErrorCode::connection_failed, "another life of the peer answers");
      }
    } else {
      heard_at = clock.Now();
      failures_ = 0;
      if (fresh) {
        trusted_until_ = After(clock.Now(), knobs.rpc_heartbeat_interval / 4);
        SendWaiting();  // Those who asked for another life hear that there is none.
      }
    }
    heard_at = std::max(heard_at, link_->heard_at());
    if (clock.Now() - heard_at >= knobs.rpc_silence_max || (!trouble && DataIsSilent())) {
      core_.metrics.silent.Add();
      PROBE(core_.env, "rpc.peer_silent");
      co_return Error(ErrorCode::timed_out);
    }
    // A peer in trouble is asked again sooner, so that silence is seen in time.
    const absl::Status suspected = co_await Timeout(
        clock, trouble ? knobs.rpc_heartbeat_interval / 4 : knobs.rpc_heartbeat_interval,
        WaitSuspected());
    if (suspected.ok()) heartbeat.reset();
  }
}

// One at a time: the connection loses nothing of what it delivers.
void Peer::PingData() {
  if (data_ping_.at > link_->heard_at()) return;
  data_ping_ = {++beats_, core_.env.clock().Now(), link_->writer().added_bytes()};
  link_->writer().AddBare(FrameType::kPing, data_ping_.id);
}

// While heartbeats pass, what keeps a ping among the data from its pong is either what was to be
// read before it, or that nobody reads this connection any more. The first is given time: as much
// for each byte as a largest frame gets.
bool Peer::DataIsSilent() const {
  if (data_ping_.at <= link_->heard_at()) return false;
  const RpcKnobs& knobs = core_.knobs;
  const double unread = static_cast<double>(data_ping_.begin_in_stream - read_through_) /
                        static_cast<double>(knobs.rpc_frame_bytes_max);
  const Duration for_unread = Nanoseconds(static_cast<int64_t>(
      std::min(unread, 1.0) *
      static_cast<double>((knobs.rpc_data_silence_max - knobs.rpc_silence_max).count())));
  return core_.env.clock().Now() - data_ping_.at >= knobs.rpc_silence_max + for_unread;
}

// Sets `ended` when the beat has, and not when a suspicion came first.
Task<absl::Status> Peer::BeatUnlessSuspected(std::unique_ptr<Link>* heartbeat,
                                             std::optional<absl::Status>* ended) {
  std::variant<absl::Status, absl::Status> first =
      co_await WhenAny(Beat(heartbeat), WaitSuspected());
  if (first.index() == 0) *ended = std::get<0>(std::move(first));
  co_return absl::OkStatus();
}

// One ping and its pong, on a connection for heartbeats, made when there is none.
Task<absl::Status> Peer::Beat(std::unique_ptr<Link>* heartbeat) {
  if (*heartbeat == nullptr) {
    CO_ASSIGN_OR_RETURN(*heartbeat, co_await Open(Lane::kHeartbeat));
    if ((*heartbeat)->peer().incarnation != link_->peer().incarnation) {
      co_return Error(ErrorCode::stale_endpoint);
    }
  }
  Link& link = **heartbeat;
  const uint64_t id = ++beats_;
  link.writer().AddBare(FrameType::kPing, id);
  bool answered = false;
  while (true) {
    while (const std::optional<Frame> frame = link.NextFrame()) {
      if (frame->header.type != FrameType::kPong) co_return link.Unexpected(*frame);
      answered = answered || frame->header.request_id == id;
    }
    CO_RETURN_IF_ERROR(link.Check());
    if (answered) co_return absl::OkStatus();
    CO_RETURN_IF_ERROR(co_await link.Receive());
  }
}

}  // namespace orrery::rpc_internal
