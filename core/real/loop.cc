// The loop on Asio's io_context, which here only waits: for descriptors (edge-triggered epoll), for
// one timer, and for posts of other threads.
#include "core/real/loop.h"

#include <time.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <utility>

#include "core/base/invariant.h"

namespace orrery::real {
namespace {

// Handlers of descriptors run in one turn, so that what they woke gets to run.
constexpr int kTurnHandlersMax = 256;

}  // namespace

struct Loop::Io {
  asio::io_context context{1};  // One thread runs it; others only post.
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer timer{context};
};

Loop::Loop(int64_t turn_nodes_max) : turn_nodes_max_(turn_nodes_max), io_(std::make_unique<Io>()) {}

Loop::~Loop() { INVARIANT(remote_first_ == nullptr, "a remote completion was left"); }

Time Loop::Now() const {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return TimeFromNanoseconds(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

int64_t Loop::WallMicros() const {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

void Loop::Arm(TimerNode& timer, Time due) noexcept {
  // Not in the pass that runs now: a sleeper in the past would keep everybody else waiting.
  timer.due = std::max(due, passed_ + Duration(1));
  timer.tie = ++last_tie_;
  timer.clock = this;
  timers_.Push(timer);
}

void Loop::Disarm(TimerNode& timer) noexcept {
  timers_.Remove(timer);
  timer.clock = nullptr;
}

void Loop::Run() {
  while (!stop_) Turn();
  stop_ = false;
}

void Loop::Stop() {
  asio::post(io_->context, [this] { stop_ = true; });
}

void Loop::PostRemote(RemoteNode& node) {
  node.next = nullptr;
  bool first;
  {
    const std::lock_guard lock(remote_mutex_);
    first = remote_first_ == nullptr;
    (first ? remote_first_ : remote_last_->next) = &node;
    remote_last_ = &node;
  }
  if (first) asio::post(io_->context, [this] { RunRemote(); });
}

void Loop::RunRemote() {
  RemoteNode* node;
  {
    const std::lock_guard lock(remote_mutex_);
    node = std::exchange(remote_first_, nullptr);
  }
  while (node != nullptr) {
    RemoteNode* const next = node->next;
    node->run(node);
    node = next;
  }
}

bool Loop::Idle() const { return ready_.empty() && turn_end_.queue.empty() && !stop_; }

void Loop::Turn() {
  for (int64_t n = 0; n < turn_nodes_max_; ++n) {
    ReadyNode* const node = ready_.Pop();
    if (node == nullptr) break;
    Dispatch(*node);
  }
  // Those that ask for the turn's end during the turn's end are part of it, up to a bound.
  for (int64_t n = 0; n < turn_nodes_max_; ++n) {
    ReadyNode* const node = turn_end_.queue.Pop();
    if (node == nullptr) break;
    Dispatch(*node);
  }
  if (!timers_.empty()) RunTimers();

  int handlers = 0;
  if (Idle()) {
    if (!timers_.empty()) WakeAt(timers_.TopDue());
    io_->context.run_one();
    handlers = 1;
  }
  while (handlers < kTurnHandlersMax && io_->context.poll_one() > 0) ++handlers;
}

void Loop::RunTimers() {
  passed_ = Now();
  for (int64_t n = 0; n < turn_nodes_max_; ++n) {
    if (timers_.empty() || timers_.TopDue() > passed_) break;
    TimerNode& timer = timers_.Pop();
    timer.clock = nullptr;
    Dispatch(timer);
  }
}

// An earlier wake-up that is no longer needed stays armed: to wake once in vain is cheaper than to
// set the kernel's timer whenever the first timer changes.
void Loop::WakeAt(Time due) {
  if (wake_at_ <= due) return;
  wake_at_ = due;
  // Asio's steady clock is CLOCK_MONOTONIC, as is ours.
  io_->timer.expires_at(
      std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ToNanoseconds(due))));
  io_->timer.async_wait([this](const asio::error_code& error) {
    if (!error) wake_at_ = kNever;  // Else it was set to an earlier time.
  });
}

void Loop::Drain() {
  while (true) {
    if (ReadyNode* const node = ready_.Pop()) {
      Dispatch(*node);
    } else if (ReadyNode* const last = turn_end_.queue.Pop()) {
      Dispatch(*last);
    } else if (io_->context.poll_one() == 0) {
      break;
    }
  }
}

struct Descriptor::State {
  State(asio::io_context& context, int fd, Owner& o) : descriptor(context, fd), owner(&o) {}

  asio::posix::stream_descriptor descriptor;
  Owner* owner;  // nullptr once the Descriptor is gone.
  bool reading = false;
  bool writing = false;
};

Descriptor::Descriptor(Loop& loop, int fd, Owner& owner)
    : state_(std::make_shared<State>(loop.io_->context, fd, owner)) {}

Descriptor::~Descriptor() {
  state_->owner = nullptr;
  asio::error_code ignored;  // A close that fails has closed all the same.
  state_->descriptor.close(ignored);
}

int Descriptor::fd() const { return state_->descriptor.native_handle(); }

bool Descriptor::awaits_writable() const { return state_->writing; }

void Descriptor::AwaitReadable() {
  if (std::exchange(state_->reading, true)) return;
  state_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                [state = state_](const asio::error_code&) {
                                  state->reading = false;
                                  if (state->owner != nullptr) state->owner->OnReadable();
                                });
}

void Descriptor::AwaitWritable() {
  if (std::exchange(state_->writing, true)) return;
  state_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                [state = state_](const asio::error_code&) {
                                  state->writing = false;
                                  if (state->owner != nullptr) state->owner->OnWritable();
                                });
}

}  // namespace orrery::real
