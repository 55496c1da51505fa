// Accepting: a connection leaves the kernel only when a task has run to take it, so none is lost.
#include "core/real/tcp_listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "core/async/sleep.h"
#include "core/observe/metrics.h"
#include "core/observe/trace.h"
#include "core/real/os_error.h"
#include "core/real/real_knobs.h"
#include "core/real/socket.h"

namespace orrery::real {
namespace {

enum class AcceptError { kWait, kAgain, kNoRoom, kFatal };

AcceptError Sort(int error) {
  switch (error) {
    case EAGAIN:
      return AcceptError::kWait;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptError::kNoRoom;
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOTSOCK:
      return AcceptError::kFatal;
    default:  // The one connection failed before it was accepted: accept(2), "Error handling".
      return AcceptError::kAgain;
  }
}

}  // namespace

class TcpListener::Core final : public Descriptor::Owner {
 public:
  Core(Env& env, Loop& loop, ReadChunks& chunks, int fd)
      : env_(env),
        loop_(loop),
        chunks_(chunks),
        knobs_(env.knobs().Get<RealKnobs>()),
        address_(LocalAddress(fd)),
        accepted_(env.metrics().AddCounter("real_connections_accepted", "connections",
                                           "connections accepted")),
        throttled_(env.metrics().AddCounter(
            "real_accepts_throttled", "pauses",
            "pauses of a listener because descriptors or memory ran out")) {
    descriptor_.emplace(loop, fd, *this);
  }

  static Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept(std::shared_ptr<Core> core) {
    while (core->descriptor_.has_value()) {
      const int fd =
          ::accept4(core->descriptor_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) co_return core->Accepted(fd);
      const int error = errno;
      switch (Sort(error)) {
        case AcceptError::kWait:
          core->descriptor_->AwaitReadable();
          co_await core->readable_.Wait();
          break;
        case AcceptError::kNoRoom:
          core->Throttled(error);
          co_await Sleep(core->loop_, core->knobs_.real_accept_retry_delay);
          break;
        case AcceptError::kFatal:
          co_return Error(ErrorCode::platform_error,
                          "accept on " + core->address_.ToString() + ": " + ErrnoText(error));
        case AcceptError::kAgain:
          break;
      }
    }
    co_return Error(ErrorCode::operation_cancelled, "the listener was destroyed");
  }

  void Close() {
    descriptor_.reset();
    readable_.NotifyAll();
  }

  void OnReadable() override { readable_.NotifyAll(); }
  void OnWritable() override {}

  NetworkAddress address() const { return address_; }

 private:
  std::unique_ptr<Connection> Accepted(int fd) {
    throttling_ = false;
    accepted_.Add();
    return std::make_unique<TcpConnection>(loop_, chunks_,
                                           static_cast<size_t>(knobs_.real_unread_bytes_max), fd);
  }

  void Throttled(int error) {
    throttled_.Add();
    if (std::exchange(throttling_, true)) return;  // Told already.
    if (auto e = env_.trace().Warn("AcceptThrottled")) {
      e.Add("address", address_.ToString()).Add("error", ErrnoText(error));
    }
  }

  Env& env_;
  Loop& loop_;
  ReadChunks& chunks_;
  const RealKnobs& knobs_;
  const NetworkAddress address_;
  Counter& accepted_;
  Counter& throttled_;
  bool throttling_ = false;
  Notify readable_;
  std::optional<Descriptor> descriptor_;  // Empty once closed.
};

TcpListener::TcpListener(Env& env, Loop& loop, ReadChunks& chunks, int fd)
    : core_(std::make_shared<Core>(env, loop, chunks, fd)) {}

TcpListener::~TcpListener() { core_->Close(); }

Task<absl::StatusOr<std::unique_ptr<Connection>>> TcpListener::Accept() {
  return Core::Accept(core_);
}

NetworkAddress TcpListener::local_address() const { return core_->address(); }

}  // namespace orrery::real
