// Stream<T>: a bounded queue of items from many senders to one consumer, on one loop.
//
//   while (std::optional<Item> item = co_await stream.Next()) { ... }
//
// - Who resumes where: sending posts the consumer; taking an item posts the sender that has waited
//   longest for room. Both resume from the loop's top. Neither suspends when it need not.
// - Cancel-safe: yes. An item stays in the queue until the consumer runs and takes it, so a
//   consumer destroyed between wake and resumption loses nothing: the next one finds it. A sender
//   destroyed while it waits for room takes its item with it; once there is room the item is in the
//   queue, and destroying the sender does not take it out again.
// - Close: nothing more is accepted; what is queued is still delivered, then Next gives nullopt.
//   Items of senders that still wait for room are dropped, and those senders are told so.
// - Destroying the Stream drops the items in it, and REQUIRES that nobody waits on it.
// - Not for one value (Future), and not for many consumers: give each its own Stream.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "core/async/wait_queue.h"
#include "core/base/invariant.h"

namespace orrery {

template <class T>
class Stream {
 public:
  // Holds at most `items_max` items. REQUIRES: items_max > 0.
  explicit Stream(size_t items_max) : items_max_(items_max) { INVARIANT(items_max > 0); }
  ~Stream() { INVARIANT(senders_.empty() && consumer_ == nullptr); }

  class [[nodiscard]] SendAwaiter : public QueuedWaiter {
   public:
    ~SendAwaiter() {
      if (waiting()) stream_.senders_.Remove(*this);
    }
    bool await_ready() noexcept {
      if (stream_.closed_) return true;
      if (stream_.full()) return false;
      Hand();
      return true;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      Suspend(awaiting);
      stream_.senders_.PushBack(*this);
    }
    [[nodiscard]] bool await_resume() const noexcept { return accepted_; }

   private:
    friend class Stream;
    SendAwaiter(Stream& stream, T item) : stream_(stream), item_(std::move(item)) {}
    void Hand() noexcept {
      accepted_ = true;
      stream_.Put(std::move(item_));
    }

    Stream& stream_;
    T item_;
    bool accepted_ = false;
  };

  class [[nodiscard]] NextAwaiter : public Waiter {
   public:
    ~NextAwaiter() { Leave(); }
    bool await_ready() const noexcept { return stream_.closed_ || !stream_.items_.empty(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      INVARIANT(stream_.consumer_ == nullptr, "a stream has one consumer");
      Suspend(awaiting);
      stream_.consumer_ = this;
    }
    std::optional<T> await_resume() noexcept {
      Leave();
      return stream_.Take();
    }

   private:
    friend class Stream;
    explicit NextAwaiter(Stream& stream) : stream_(stream) {}
    void Leave() noexcept {
      if (stream_.consumer_ == this) stream_.consumer_ = nullptr;
    }
    Stream& stream_;
  };

  // co_await Send(item): waits for room, in order of arrival. True when the item is in the queue,
  // false when the stream is closed and the item was dropped.
  SendAwaiter Send(T item) { return SendAwaiter(*this, std::move(item)); }

  // Puts the item into the queue if there is room; moves from it only then.
  [[nodiscard]] bool TrySend(T&& item) {
    if (closed_ || full()) return false;
    Put(std::move(item));
    return true;
  }
  [[nodiscard]] bool TrySend(const T& item) { return TrySend(T(item)); }

  // co_await Next(): the oldest item; nullopt when the stream is closed and drained. One consumer
  // at a time.
  NextAwaiter Next() { return NextAwaiter(*this); }

  // Idempotent.
  void Close() noexcept {
    closed_ = true;
    while (!senders_.empty()) {
      QueuedWaiter& first = *senders_.first();
      senders_.Remove(first);
      first.Wake();
    }
    WakeConsumer();
  }

  bool closed() const { return closed_; }
  size_t size() const { return items_.size(); }
  size_t items_max() const { return items_max_; }

 private:
  bool full() const { return items_.size() >= items_max_; }

  void Put(T&& item) noexcept {
    items_.push_back(std::move(item));
    WakeConsumer();
  }

  void WakeConsumer() noexcept {
    if (consumer_ != nullptr && !consumer_->queued()) consumer_->Wake();
  }

  std::optional<T> Take() noexcept {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    if (!senders_.empty()) {
      SendAwaiter& first = static_cast<SendAwaiter&>(*senders_.first());
      senders_.Remove(first);
      first.Hand();
      first.Wake();
    }
    return item;
  }

  const size_t items_max_;
  std::deque<T> items_;
  WaitQueue senders_;  // Someone waits here only while the queue is full.
  NextAwaiter* consumer_ = nullptr;
  bool closed_ = false;
};

}  // namespace orrery
