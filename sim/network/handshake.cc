// A stream as a whole: how it comes to be, and when it goes.
#include "core/base/hash.h"
#include "sim/network/process_network.h"
#include "sim/network/stream.h"
#include "sim/network/wire.h"

namespace orrery::sim {
namespace {

// When a listener's queue is full, the attempt is repeated after this long, as TCP does.
constexpr Duration kBacklogRetry = Seconds(1);

}  // namespace

Stream::Stream(Wire& on, uint64_t stream_key, size_t stream_slot)
    : wire(on), key(stream_key), slot(stream_slot), client_(*this, 0), server_(*this, 1) {
  handshake_.stream = this;
  handshake_.run = [](ReadyNode* node) { static_cast<Timer*>(node)->stream->HandshakeStep(); };
}

void Stream::Unpin() {
  if (--pins_ == 0) wire.Free(*this);
}

void Stream::BeginConnect(NetworkAddress target) {
  server_.address = target;
  wire.Note(ConnectStep::kAttempt, client_);
  client_.StartPatience(wire.timeline.Now() + wire.parameters.connect_give_up);
  const HostId* const found =
      IsLoopback(target) ? &client_.host : wire.FindHost(target.WithPort(0));
  if (found == nullptr) return;  // Nobody answers.
  server_.host = *found;
  client_.out = &wire.LinkBetween(client_.host, *found);
  server_.out = &wire.LinkBetween(*found, client_.host);
  SendHandshake(Phase::kRequest, *client_.out);
}

void Stream::SendHandshake(Phase phase, Link& link) {
  phase_ = phase;
  const uint64_t draw = HashWords(wire.draw_key, key, HashName("handshake"), ++handshake_draws_);
  wire.loop.ArmAt(handshake_, wire.ArrivalTime(link, 0, draw));
}

void Stream::EndHandshake() {
  phase_ = Phase::kDone;
  handshake_stopped_ = false;
  if (handshake_.armed()) wire.loop.Disarm(handshake_);
}

void Stream::HandshakeStep() {
  const Link& link = phase_ == Phase::kRequest ? *client_.out : *server_.out;
  const bool held_up = phase_ == Phase::kRequest && link.hangs;
  if (held_up || wire.IsBlocked(link)) {
    handshake_stopped_ = true;
    if (held_up) {
      wire.Count(NetworkFaultKind::kHangConnect);
    } else {
      wire.CountStop(link);
    }
    return;
  }
  switch (phase_) {
    case Phase::kRequest:
      ReachHost();
      break;
    case Phase::kAnswer:
      client_.Establish();
      break;
    case Phase::kRefusal:
      wire.Note(ConnectStep::kRefused, client_);
      EndHandshake();
      client_.Break();
      break;
    case Phase::kDone:
      break;
  }
}

void Stream::ReachHost() {
  if (client_.out->refuses) wire.Count(NetworkFaultKind::kRefuseConnect);
  ListenerState* const listener =
      client_.out->refuses ? nullptr : wire.FindListener(server_.host, server_.address);
  if (listener == nullptr) {
    SendHandshake(Phase::kRefusal, *server_.out);
    return;
  }
  if (listener->IsFull(wire.parameters.backlog_max)) {
    wire.loop.ArmAt(handshake_, wire.timeline.Now() + kBacklogRetry);
    return;
  }
  server_.AttachTo(listener->loop(), server_.host, server_.address, StreamEnd::State::kOpen);
  wire.Note(ConnectStep::kReached, server_);
  SendHandshake(Phase::kAnswer, *server_.out);
  listener->Queue(server_);
}

void Stream::RecheckHandshake() {
  if (!handshake_stopped_) return;
  const Link& link = phase_ == Phase::kRequest ? *client_.out : *server_.out;
  if ((phase_ == Phase::kRequest && link.hangs) || wire.IsBlocked(link)) return;
  handshake_stopped_ = false;
  SendHandshake(phase_, phase_ == Phase::kRequest ? *client_.out : *server_.out);
}

}  // namespace orrery::sim
