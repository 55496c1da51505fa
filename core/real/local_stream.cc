// Two queues of buffers, and a listener that hears two sides.
#include "core/real/local_stream.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/real/tcp_connection.h"

namespace orrery::real {
namespace {

// One direction of a stream.
struct Direction {
  std::deque<Buffer> queued;  // Written, not left: of this turn, or held back by the reader.
  size_t queued_bytes = 0;
  std::deque<Buffer> arrived;
  size_t arrived_bytes = 0;
  bool finishing = false;  // FinishWriting was called.
  bool finished = false;   // And everything has left.
  Notify readable;
  Notify writable;
};

struct Stream {
  Direction directions[2];  // 0: from the one who connected.
  NetworkAddress addresses[2];
  std::string name;
  size_t unread_bytes_max = 0;
  bool broken = false;

  void Break() {
    broken = true;
    for (Direction& each : directions) {
      each.queued.clear();
      each.queued_bytes = 0;
      each.readable.NotifyAll();
      each.writable.NotifyAll();
    }
  }
};

// The first `bytes` bytes of what is queued, which has more than none of them.
Buffer TakeQueued(Direction& out, size_t bytes) {
  out.queued_bytes -= bytes;
  Buffer& first = out.queued.front();
  if (first.size() > bytes) {
    Buffer taken = first.Slice(0, bytes);
    first = first.Slice(bytes, first.size() - bytes);
    return taken;
  }
  if (first.size() == bytes) {
    Buffer taken = std::move(first);
    out.queued.pop_front();
    return taken;
  }
  std::string joined;
  joined.reserve(bytes);
  while (joined.size() < bytes) {
    Buffer& piece = out.queued.front();
    const size_t part = std::min(piece.size(), bytes - joined.size());
    joined += piece.view().substr(0, part);
    if (part < piece.size()) {
      piece = piece.Slice(part, piece.size() - part);
    } else {
      out.queued.pop_front();
    }
  }
  return Buffer::Copy(joined);
}

// What was written in a turn arrives, as far as the reader has room for unread bytes.
void Leave(Stream& stream, Direction& out) {
  if (stream.broken) return;
  const size_t room = stream.unread_bytes_max - out.arrived_bytes;
  if (const size_t bytes = std::min(out.queued_bytes, room); bytes > 0) {
    out.arrived.push_back(TakeQueued(out, bytes));
    out.arrived_bytes += bytes;
  }
  out.finished = out.finishing && out.queued_bytes == 0;
  out.readable.NotifyAll();
  if (out.queued_bytes <= kQueuedBytesBound / 2) out.writable.NotifyAll();
}

Task<absl::StatusOr<Buffer>> ReadFrom(std::shared_ptr<Stream> stream, int direction) {
  Direction& in = stream->directions[direction];
  while (in.arrived.empty()) {
    if (in.finished) co_return Buffer();
    if (stream->broken) co_return Error(ErrorCode::connection_failed, "the stream broke");
    co_await in.readable.Wait();
  }
  Buffer piece = std::move(in.arrived.front());
  in.arrived.pop_front();
  in.arrived_bytes -= piece.size();
  if (in.queued_bytes > 0 || in.finishing != in.finished) Leave(*stream, in);
  co_return piece;
}

Task<absl::Status> WaitWritableOn(std::shared_ptr<Stream> stream, int direction) {
  Direction& out = stream->directions[direction];
  while (!stream->broken && out.queued_bytes > kQueuedBytesBound / 2) co_await out.writable.Wait();
  if (stream->broken) co_return Error(ErrorCode::connection_failed, "the stream broke");
  co_return absl::OkStatus();
}

class LocalConnection final : public Connection {
 public:
  LocalConnection(Loop& loop, std::shared_ptr<Stream> stream, int side)
      : loop_(loop), stream_(std::move(stream)), side_(side) {
    leave_.run = [](ReadyNode* node) {
      LocalConnection& self = static_cast<LeaveNode*>(node)->owner;
      Leave(*self.stream_, self.out());
    };
  }
  ~LocalConnection() override {
    const Direction& in = stream_->directions[1 - side_];
    if (!out().finished || !in.finished || !in.arrived.empty()) stream_->Break();
  }

  Task<absl::StatusOr<Buffer>> Read() override { return ReadFrom(stream_, 1 - side_); }
  void Write(Buffer bytes) override {
    if (stream_->broken || bytes.empty()) return;
    out().queued_bytes += bytes.size();
    out().queued.push_back(std::move(bytes));
    LeaveAtTurnEnd();
  }
  void FinishWriting() override {
    out().finishing = true;
    LeaveAtTurnEnd();
  }
  size_t QueuedBytes() const override { return stream_->directions[side_].queued_bytes; }
  Task<absl::Status> WaitWritable() override { return WaitWritableOn(stream_, side_); }
  NetworkAddress local_address() const override { return stream_->addresses[side_]; }
  NetworkAddress peer_address() const override { return stream_->addresses[1 - side_]; }
  const std::string& peer_name() const override { return stream_->name; }

 private:
  struct LeaveNode : ReadyNode {
    explicit LeaveNode(LocalConnection& connection) : owner(connection) {}
    LocalConnection& owner;
  };

  Direction& out() { return stream_->directions[side_]; }
  void LeaveAtTurnEnd() {
    if (!leave_.queued()) loop_.AtTurnEnd(leave_);
  }

  Loop& loop_;
  const std::shared_ptr<Stream> stream_;  // Shared with the other end and with tasks that wait.
  const int side_;
  LeaveNode leave_{*this};
};

}  // namespace

// Shared with a task that waits in Accept.
struct LocalListeners::ListenerCore {
  std::deque<std::unique_ptr<Connection>> arrived;
  absl::Status failed;  // Nobody arrives any more.
  Notify changed;
  Notify taken;
};

class LocalListeners::LocalListener final : public Listener {
 public:
  LocalListener(LocalListeners& listeners, std::unique_ptr<Listener> outside)
      : listeners_(listeners),
        address_(outside->local_address()),
        core_(std::make_shared<ListenerCore>()),
        outside_(std::move(outside)),
        tasks_(listeners.loop_, [core = core_](std::string_view, absl::Status status) {
          core->failed = std::move(status);
          core->changed.NotifyAll();
        }) {
    listeners_.listeners_[address_] = core_.get();
    tasks_.Spawn("accept", AcceptOutside());
  }
  ~LocalListener() override {
    listeners_.listeners_.erase(address_);
    core_->failed = Error(ErrorCode::operation_cancelled, "the listener was destroyed");
    core_->arrived.clear();
    core_->changed.NotifyAll();
  }

  Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept() override { return Take(core_); }
  NetworkAddress local_address() const override { return address_; }

 private:
  // One ahead of Accept: the rest waits in the kernel.
  Task<absl::Status> AcceptOutside() {
    for (;;) {
      CO_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, co_await outside_->Accept());
      core_->arrived.push_back(std::move(connection));
      core_->changed.NotifyAll();
      while (!core_->arrived.empty()) co_await core_->taken.Wait();
    }
  }

  static Task<absl::StatusOr<std::unique_ptr<Connection>>> Take(
      std::shared_ptr<ListenerCore> core) {
    while (core->arrived.empty()) {
      if (!core->failed.ok()) co_return core->failed;
      co_await core->changed.Wait();
    }
    std::unique_ptr<Connection> connection = std::move(core->arrived.front());
    core->arrived.pop_front();
    core->taken.NotifyAll();
    co_return connection;
  }

  LocalListeners& listeners_;
  const NetworkAddress address_;
  const std::shared_ptr<ListenerCore> core_;
  const std::unique_ptr<Listener> outside_;
  TaskGroup tasks_;
};

LocalListeners::LocalListeners(Loop& loop, size_t unread_bytes_max, size_t backlog,
                               std::string own_name)
    : loop_(loop),
      unread_bytes_max_(unread_bytes_max),
      backlog_(backlog),
      own_name_(std::move(own_name)) {}

std::unique_ptr<Listener> LocalListeners::Add(std::unique_ptr<Listener> outside) {
  return std::make_unique<LocalListener>(*this, std::move(outside));
}

std::unique_ptr<Connection> LocalListeners::Connect(NetworkAddress address) {
  const auto found = listeners_.find(address);
  if (found == listeners_.end() || found->second->arrived.size() >= backlog_) return nullptr;
  auto stream = std::make_shared<Stream>();
  stream->addresses[0] = address.WithPort(next_port_);
  stream->addresses[1] = address;
  stream->name = own_name_;
  stream->unread_bytes_max = unread_bytes_max_;
  next_port_ = next_port_ == UINT16_MAX ? 1 : static_cast<uint16_t>(next_port_ + 1);
  found->second->arrived.push_back(std::make_unique<LocalConnection>(loop_, stream, 1));
  found->second->changed.NotifyAll();
  return std::make_unique<LocalConnection>(loop_, std::move(stream), 0);
}

}  // namespace orrery::real
