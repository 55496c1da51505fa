// Stream: one connection, from the first attempt until nobody holds an end of it; what two kernels
// and the cable between them know of it.
//
// A direction is a queue of pieces at its receiving end: first buffers that have arrived and wait
// for a Read, behind them those under way, described by Segments in order of sending. One timer,
// on the receiver's loop, stands for the next arrival. Everything else that moves (handshake,
// window updates, patience) is a timer on the wire's own loop, as kernels work whatever their
// processes do.
//
// Invariants:
// - The number of buffers under way is the sum over the segments of an end.
// - segments is not empty  <=>  the arrival timer is armed, or the end is stalled.
// - outstanding_bytes == bytes arrived and unread + bytes under way.
// - An end that is not open sends nothing but at most one reset.
#pragma once

#include <cstdint>

#include "core/async/clock.h"
#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/env/address.h"
#include "sim/network/connect_step.h"
#include "sim/network/faults.h"
#include "sim/network/ring.h"

namespace orrery::sim {

class Loop;
class Stream;
class Wire;
struct Link;

class StreamEnd {
 public:
  enum class State : uint8_t { kNone, kConnecting, kOpen, kBroken, kClosed };

  StreamEnd(Stream& of, int which);

  // For the process that holds it.
  void Write(Buffer bytes);
  void FinishWriting();
  size_t queued_bytes() const { return unsent_bytes_; }
  bool ReadReady() const { return arrived_buffers_ > 0 || finished_ || Ended(); }
  absl::StatusOr<Buffer> TakeRead();
  bool WriteReady() const { return unsent_bytes_ <= kWritableBytes || Ended(); }
  absl::Status WriteStatus() const;
  // The holder lets go. Loud: a reset follows what has left, unless both sides had finished.
  void Close(bool loud);

  // For the wire.
  void AttachTo(Loop& loop, HostId host, NetworkAddress address, State state);
  void Establish();
  void Break();  // Locally: wakes the holder; nobody else is told.
  // After an end: a peer that waits for room sends something, and so finds out that none comes.
  void LetPeerProbe();
  // After a change of faults: moves on, or begins to lose patience.
  void Recheck();
  // The link to this end carries more than before: what is under way comes sooner.
  void Hasten();
  void ArmPatience();
  void StartPatience(Time until);
  void EndPatience();
  bool Ended() const { return state == State::kBroken || state == State::kClosed; }
  // Ended, and its kernel does not try any more to get through what it had sent.
  bool Abandoned() const { return Ended() && !orderly_; }
  void WakeReader();

  static constexpr size_t kWritableBytes = 128 << 10;

  Stream& stream;
  const int side;  // 0 connects, 1 accepts.
  State state = State::kNone;
  bool swallows = false;  // Not open, and does not even answer with a reset: half-open fault.
  Loop* loop = nullptr;   // nullptr when its process is gone.
  HostId host{};
  NetworkAddress address;
  Link* out = nullptr;  // To the peer's host; nullptr when no host has the peer's address.

  Waiter* reader = nullptr;
  Waiter* writer = nullptr;
  Waiter* connector = nullptr;

 private:
  friend class Stream;
  enum class Kind : uint8_t { kData, kFinish, kReset, kProbe };
  struct Segment {
    Time due{};
    uint32_t buffers = 0;
    uint32_t bytes = 0;
    Kind kind = Kind::kData;
  };
  struct Node : ReadyNode {
    StreamEnd* end = nullptr;
  };
  struct Timer : TimerNode {
    StreamEnd* end = nullptr;
  };

  StreamEnd& peer() const;
  Link& in() const { return *peer().out; }
  Wire& wire() const;
  uint64_t NextDraw();
  uint64_t NextFaultDraw();

  void Flush();
  void Send(Kind kind, uint32_t buffers, uint32_t bytes);
  void SendReset();
  void OpenWindow();

  void ArmArrival();
  void Arrive();
  void ArriveAtDead();
  void Deliver(const Segment& segment);
  void HaveArrived(uint32_t buffers);
  void Stop();
  void LoseUnderWay();
  void FlipBit(const Segment& segment);
  void CutShort(const Segment& segment);
  void LosePatience();
  void WakeWriter();

  const uint64_t draw_key_;
  uint64_t draws_ = 0;
  uint64_t fault_draws_ = 0;
  uint64_t read_draws_ = 0;

  // Sending.
  Ring<Buffer> unsent_;
  size_t unsent_bytes_ = 0;
  bool finishing_ = false;
  bool finish_sent_ = false;
  bool reset_sent_ = false;
  bool orderly_ = false;  // Was let go after both sides had finished.
  bool window_stopped_ = false;
  Node flush_;
  Timer window_;
  Timer patience_;

  // Receiving.
  Ring<Buffer> incoming_;
  Ring<Segment> segments_;
  size_t arrived_buffers_ = 0;
  size_t outstanding_bytes_ = 0;
  bool finished_ = false;
  bool stopped_ = false;  // The next segment cannot get through.
  Time last_due_{};
  Timer arrival_;
};

class Stream {
 public:
  Stream(Wire& on, uint64_t stream_key, size_t stream_slot);

  // The connecting side: sends the first packet and begins to wait.
  void BeginConnect(NetworkAddress target);
  void RecheckHandshake();

  // Who holds a pin keeps the stream; the last one frees it.
  void Pin() { ++pins_; }
  void Unpin();

  StreamEnd& end(int side) { return side == 0 ? client_ : server_; }

  Wire& wire;
  const uint64_t key;
  const size_t slot;  // Among the wire's streams.

 private:
  friend class StreamEnd;
  enum class Phase : uint8_t { kRequest, kAnswer, kRefusal, kDone };
  struct Timer : TimerNode {
    Stream* stream = nullptr;
  };

  void HandshakeStep();
  void ReachHost();
  void SendHandshake(Phase phase, Link& link);
  void EndHandshake();

  int pins_ = 0;
  Phase phase_ = Phase::kDone;
  bool handshake_stopped_ = false;
  uint64_t handshake_draws_ = 0;
  Timer handshake_;
  StreamEnd client_;
  StreamEnd server_;
};

// Keeps a stream while an operation or a handle uses one end of it.
class StreamPin {
 public:
  explicit StreamPin(StreamEnd& end) : end_(&end) { end.stream.Pin(); }
  StreamPin(StreamPin&& other) noexcept : end_(other.end_) { other.end_ = nullptr; }
  StreamPin& operator=(StreamPin&&) = delete;
  ~StreamPin() {
    if (end_ != nullptr) end_->stream.Unpin();
  }
  StreamEnd& operator*() const { return *end_; }
  StreamEnd* operator->() const { return end_; }
  explicit operator bool() const { return end_ != nullptr; }

 private:
  StreamEnd* end_;
};

}  // namespace orrery::sim
