// One end of a stream: sending, arrival, windows, breaking.
#include "sim/network/stream.h"

#include <algorithm>
#include <cstring>

#include "core/base/hash.h"
#include "core/base/invariant.h"
#include "sim/network/wire.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;

// Uniform over [0, bound) by a drawn word. REQUIRES: bound > 0.
uint64_t Below(uint64_t draw, uint64_t bound) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(draw) * bound) >> 64);
}

}  // namespace

StreamEnd::StreamEnd(Stream& of, int which)
    : stream(of),
      side(which),
      draw_key_(HashWords(of.wire.draw_key, of.key, static_cast<uint64_t>(which))) {
  flush_.end = window_.end = patience_.end = arrival_.end = this;
  flush_.run = [](ReadyNode* node) { static_cast<Node*>(node)->end->Flush(); };
  window_.run = [](ReadyNode* node) { static_cast<Timer*>(node)->end->OpenWindow(); };
  patience_.run = [](ReadyNode* node) { static_cast<Timer*>(node)->end->LosePatience(); };
  arrival_.run = [](ReadyNode* node) { static_cast<Timer*>(node)->end->Arrive(); };
}

StreamEnd& StreamEnd::peer() const { return stream.end(1 - side); }
Wire& StreamEnd::wire() const { return stream.wire; }
uint64_t StreamEnd::NextDraw() { return MixWord(draw_key_ + ++draws_ * kGolden); }
// Apart from the others, so that without a fault the latencies of the stream are the same.
uint64_t StreamEnd::NextFaultDraw() { return HashWords(draw_key_, ++fault_draws_); }

void StreamEnd::AttachTo(Loop& on, HostId at, NetworkAddress own_address, State begin) {
  loop = &on;
  host = at;
  address = own_address;
  state = begin;
}

void StreamEnd::Establish() {
  state = State::kOpen;
  EndPatience();
  stream.EndHandshake();
  wire().Note(ConnectStep::kEstablished, *this);
  if (connector != nullptr) std::exchange(connector, nullptr)->Wake();
}

// --- Sending ---

void StreamEnd::Write(Buffer bytes) {
  INVARIANT(!finishing_, stream.key);
  if (state != State::kOpen || bytes.empty()) return;
  unsent_bytes_ += bytes.size();
  unsent_.push_back(std::move(bytes));
  if (!flush_.queued()) loop->AtTurnEnd(flush_);
}

void StreamEnd::FinishWriting() {
  if (state != State::kOpen || finishing_) return;
  finishing_ = true;
  if (!flush_.queued()) loop->AtTurnEnd(flush_);
}

absl::Status StreamEnd::WriteStatus() const {
  return Ended() ? Error(ErrorCode::connection_failed) : absl::OkStatus();
}

void StreamEnd::Flush() {
  StreamEnd& to = peer();
  size_t room = out->window_bytes;
  room -= std::min(room, to.outstanding_bytes_);
  uint32_t buffers = 0;
  uint32_t bytes = 0;
  while (room > 0 && !unsent_.empty()) {
    Buffer& front = unsent_.front();
    const size_t size = std::min(room, front.size());
    if (size == front.size()) {
      to.incoming_.push_back(unsent_.pop_front());
    } else {
      to.incoming_.push_back(front.Slice(0, size));
      front = front.Slice(size, front.size() - size);
    }
    room -= size;
    bytes += static_cast<uint32_t>(size);
    ++buffers;
  }
  if (buffers > 0) {
    unsent_bytes_ -= bytes;
    to.outstanding_bytes_ += bytes;
    Send(Kind::kData, buffers, bytes);
  }
  if (finishing_ && !finish_sent_ && unsent_.empty()) {
    finish_sent_ = true;
    Send(Kind::kFinish, 0, 0);
  }
  WakeWriter();
}

void StreamEnd::Send(Kind kind, uint32_t buffers, uint32_t bytes) {
  StreamEnd& to = peer();
  to.last_due_ = std::max(to.last_due_, wire().ArrivalTime(*out, bytes, NextDraw()));
  to.segments_.push_back({to.last_due_, buffers, bytes, kind});
  if (to.segments_.size() == 1) to.ArmArrival();
}

void StreamEnd::SendReset() {
  if (reset_sent_ || out == nullptr) return;
  reset_sent_ = true;
  Send(Kind::kReset, 0, 0);
}

// The receiver has room again, and the sender hears of it.
void StreamEnd::OpenWindow() {
  if (state != State::kOpen) return;
  if (wire().IsBlocked(in())) {
    wire().CountStop(in());
    window_stopped_ = true;
    if (wire().IsCutOff(in())) ArmPatience();
    return;
  }
  Flush();
}

void StreamEnd::WakeWriter() {
  if (writer != nullptr && WriteReady()) std::exchange(writer, nullptr)->Wake();
}

// --- Receiving ---

void StreamEnd::WakeReader() {
  if (reader != nullptr) std::exchange(reader, nullptr)->Wake();
}

absl::StatusOr<Buffer> StreamEnd::TakeRead() {
  if (arrived_buffers_ == 0) {
    if (finished_) return Buffer();
    return Error(ErrorCode::connection_failed);
  }
  Buffer bytes;
  Buffer& front = incoming_.front();
  const uint32_t cut_one_in = wire().parameters.cut_reads_one_in;
  if (cut_one_in > 0 && front.size() > 1) {
    const uint64_t draw = MixWord(~draw_key_ + ++read_draws_ * kGolden);
    if (Below(draw, cut_one_in) == 0) {
      const size_t size = 1 + Below(MixWord(draw), front.size() - 1);
      bytes = front.Slice(0, size);
      front = front.Slice(size, front.size() - size);
    }
  }
  if (bytes.empty()) {
    bytes = incoming_.pop_front();
    --arrived_buffers_;
  }
  outstanding_bytes_ -= bytes.size();
  StreamEnd& from = peer();
  if (!from.unsent_.empty() && !from.window_.armed() && !from.window_stopped_ &&
      outstanding_bytes_ <= in().window_bytes / 2) {
    wire().loop.ArmAt(from.window_, wire().ArrivalTime(*out, 0, NextDraw()));
  }
  return bytes;
}

void StreamEnd::ArmArrival() {
  (loop != nullptr ? *loop : wire().loop).ArmAt(arrival_, segments_.front().due);
}

void StreamEnd::Arrive() {
  while (!segments_.empty()) {
    if (segments_.front().due > wire().timeline.Now()) {
      ArmArrival();
      return;
    }
    if (wire().IsBlocked(in())) {
      Stop();
      return;
    }
    // Bytes for an end that waits for the answer to its attempt imply the answer.
    if (state == State::kConnecting) Establish();
    if (state != State::kOpen) {
      ArriveAtDead();
      return;
    }
    const Segment segment = segments_.pop_front();
    switch (segment.kind) {
      case Kind::kData:
        Deliver(segment);
        break;
      case Kind::kFinish:
        finished_ = true;
        wire().Note(ConnectStep::kFinished, *this);
        WakeReader();
        break;
      case Kind::kReset:
        wire().Note(ConnectStep::kReset, *this);
        Break();
        break;
      case Kind::kProbe:
        break;
    }
  }
}

void StreamEnd::Deliver(const Segment& segment) {
  if (in().hurts_deliveries) {
    if (wire().Spend(NetworkFaultKind::kBitFlip, in())) FlipBit(segment);
    if (wire().Spend(NetworkFaultKind::kReset, in())) {
      CutShort(segment);
      return;
    }
  }
  HaveArrived(segment.buffers);
  WakeReader();
}

void StreamEnd::HaveArrived(uint32_t buffers) {
  uint64_t hash = 0;
  for (uint32_t i = 0; i < buffers; ++i) {
    hash = HashBytes(incoming_[arrived_buffers_++].view(), hash);
  }
  wire().timeline.Note(Happening::kDelivery, loop->key(), hash,
                       stream.key ^ static_cast<uint64_t>(side));
}

// Nobody is here any more: what arrives is lost, and answered with a reset unless a fault swallows
// it.
void StreamEnd::ArriveAtDead() {
  const bool was_reset = segments_.front().kind == Kind::kReset;
  LoseUnderWay();
  if (was_reset || peer().Ended()) return;
  if (swallows) {
    peer().ArmPatience();
  } else {
    SendReset();
  }
}

void StreamEnd::LoseUnderWay() {
  for (; !segments_.empty(); segments_.pop_front()) outstanding_bytes_ -= segments_.front().bytes;
  incoming_.truncate(arrived_buffers_);
  stopped_ = false;
  if (arrival_.armed()) arrival_.clock->Disarm(arrival_);
}

void StreamEnd::FlipBit(const Segment& segment) {
  const uint64_t draw = NextFaultDraw();
  size_t byte = Below(draw, segment.bytes);
  size_t index = arrived_buffers_;
  while (byte >= incoming_[index].size()) byte -= incoming_[index++].size();
  Buffer& hurt = incoming_[index];
  MutableBuffer copy(hurt.size());  // The bytes are shared with the sender's process.
  std::memcpy(copy.data(), hurt.data(), hurt.size());
  copy.data()[byte] = static_cast<char>(copy.data()[byte] ^ (1 << (draw & 7)));
  const size_t size = hurt.size();
  hurt = std::move(copy).Freeze(size);
}

// The first bytes of a piece arrive, then the stream is reset on both sides.
void StreamEnd::CutShort(const Segment& segment) {
  size_t left = Below(NextFaultDraw(), segment.bytes);
  outstanding_bytes_ -= segment.bytes - left;
  uint32_t kept = 0;
  for (; left > 0; ++kept) {
    Buffer& buffer = incoming_[arrived_buffers_ + kept];
    if (left < buffer.size()) buffer = buffer.Slice(0, left);
    left -= buffer.size();
  }
  HaveArrived(kept);
  LoseUnderWay();  // With what is behind the cut.
  wire().Note(ConnectStep::kReset, *this);
  SendReset();
  Break();
}

// --- Blockades and patience ---

void StreamEnd::Stop() {
  stopped_ = true;
  wire().CountStop(in());
  wire().Note(ConnectStep::kStopped, *this);
  if (!wire().IsCutOff(in())) return;
  if (peer().Abandoned()) {
    LoseUnderWay();  // No kernel tries again on behalf of an end that is gone.
  } else {
    peer().ArmPatience();
  }
}

void StreamEnd::Recheck() {
  if (window_stopped_ && !wire().IsBlocked(in())) {
    window_stopped_ = false;
    EndPatience();
    Flush();
  }
  if (!stopped_) return;
  if (wire().IsBlocked(in())) {
    if (!wire().IsCutOff(in())) {
      peer().EndPatience();
    } else if (peer().Abandoned()) {
      LoseUnderWay();
    } else {
      peer().ArmPatience();
    }
    return;
  }
  stopped_ = false;
  peer().EndPatience();
  const uint64_t retry_max = static_cast<uint64_t>(wire().parameters.retransmit_max.count());
  Segment& next = segments_.front();
  next.due = wire().ArrivalTime(in(), 0, NextFaultDraw()) +
             Duration(static_cast<int64_t>(Below(NextFaultDraw(), retry_max + 1)));
  last_due_ = std::max(last_due_, next.due);
  wire().Note(ConnectStep::kMoved, *this);
  ArmArrival();
}

void StreamEnd::Hasten() {
  Time last{};
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    const Time sooner = wire().ArrivalTime(in(), segment.bytes, NextFaultDraw());
    last = segment.due = std::min(segment.due, std::max(last, sooner));
  }
  if (segments_.empty()) return;
  last_due_ = last;
  if (!arrival_.armed()) return;
  arrival_.clock->Disarm(arrival_);
  ArmArrival();
}

void StreamEnd::ArmPatience() {
  if (patience_.armed()) return;
  const NetworkParameters& parameters = wire().parameters;
  const uint64_t span =
      static_cast<uint64_t>((parameters.stuck_max - parameters.stuck_min).count());
  StartPatience(wire().timeline.Now() + parameters.stuck_min +
                Duration(static_cast<int64_t>(Below(NextFaultDraw(), span + 1))));
}

void StreamEnd::StartPatience(Time until) { wire().loop.ArmAt(patience_, until); }

void StreamEnd::EndPatience() {
  if (patience_.armed()) wire().loop.Disarm(patience_);
}

void StreamEnd::LosePatience() {
  if (state == State::kConnecting) {
    wire().Note(ConnectStep::kGaveUp, *this);
    stream.EndHandshake();
  } else {
    wire().Note(ConnectStep::kTimedOut, *this);
    ++wire().effects.streams_timed_out;
    peer().LoseUnderWay();
  }
  Break();
  LetPeerProbe();
}

// --- Ends ---

void StreamEnd::Break() {
  if (Ended()) return;
  state = State::kBroken;
  unsent_.truncate(0);
  unsent_bytes_ = 0;
  if (flush_.queued()) flush_.queue->Remove(flush_);
  if (window_.armed()) wire().loop.Disarm(window_);
  window_stopped_ = false;
  EndPatience();
  WakeReader();
  WakeWriter();
  if (connector != nullptr) std::exchange(connector, nullptr)->Wake();
}

void StreamEnd::LetPeerProbe() {
  StreamEnd& from = peer();
  if (segments_.empty() && from.state == State::kOpen && !from.unsent_.empty()) {
    from.Send(Kind::kProbe, 0, 0);
  }
}

void StreamEnd::Close(bool loud) {
  if (state == State::kClosed || state == State::kNone) return;
  const State before = state;
  orderly_ = loud && before == State::kOpen && finished_ && finish_sent_;
  Break();
  state = State::kClosed;
  wire().Note(ConnectStep::kClosed, *this);
  if (loop != nullptr) {
    loop = nullptr;
    if (arrival_.armed()) arrival_.clock->Disarm(arrival_);
    if (!segments_.empty() && !stopped_) ArmArrival();
  }
  if (before == State::kConnecting) stream.EndHandshake();
  LetPeerProbe();
  StreamEnd& to = peer();
  if (to.state == State::kNone) return;
  if (before != State::kBroken && loud && !orderly_) SendReset();
  if (to.stopped_ && wire().IsCutOff(*out) && Abandoned()) to.LoseUnderWay();
}

}  // namespace orrery::sim
