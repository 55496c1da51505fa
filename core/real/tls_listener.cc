// Handshakes run side by side, so that a slow or silent peer holds up nobody; their number, with
// the connections that wait to be accepted, is bounded.
#include "core/real/tls_listener.h"

#include <deque>
#include <utility>

#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/observe/metrics.h"
#include "core/observe/trace.h"
#include "core/real/real_knobs.h"

namespace orrery::real {

class TlsListener::Core final {
 public:
  Core(Env& env, ReadChunks& chunks, const TlsContext& context, std::unique_ptr<Listener> plain)
      : env_(env),
        chunks_(chunks),
        context_(context),
        plain_(std::move(plain)),
        most_(static_cast<size_t>(env.knobs().Get<RealKnobs>().real_handshakes_max)),
        dropped_(env.metrics().AddCounter("real_tls_handshakes_failed", "handshakes",
                                          "peers dropped because their handshake failed")),
        group_(env.executor(), [](std::string_view task, absl::Status status) {
          INVARIANT(status.ok(), task);  // Both tasks handle their errors.
        }) {
    group_.Spawn("tls accept", AcceptAll());
  }

  static Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept(std::shared_ptr<Core> core) {
    while (core->ready_.empty()) {
      if (!core->broken_.ok()) co_return core->broken_;
      co_await core->arrived_.Wait();
    }
    std::unique_ptr<Connection> connection = std::move(core->ready_.front());
    core->ready_.pop_front();
    core->room_.NotifyAll();
    co_return connection;
  }

  void Close() {
    group_.Cancel();
    ready_.clear();
    plain_.reset();
    Break(Error(ErrorCode::operation_cancelled, "the listener was destroyed"));
  }

  NetworkAddress address() const { return plain_->local_address(); }

 private:
  Task<absl::Status> AcceptAll() {
    while (true) {
      while (handshakes_ + ready_.size() >= most_) co_await room_.Wait();
      absl::StatusOr<std::unique_ptr<Connection>> connection = co_await plain_->Accept();
      if (!connection.ok()) {
        Break(connection.status());
        co_return absl::OkStatus();
      }
      ++handshakes_;
      group_.Spawn("tls handshake", Shake(*std::move(connection)));
    }
  }

  Task<absl::Status> Shake(std::unique_ptr<Connection> plain) {
    absl::StatusOr<std::unique_ptr<Connection>> connection =
        co_await TlsAccept(env_, chunks_, context_, std::move(plain));
    --handshakes_;
    if (connection.ok()) {
      ready_.push_back(*std::move(connection));
      arrived_.NotifyAll();
    } else {
      dropped_.Add();
      if (auto e = env_.trace().Warn("TlsHandshakeFailed")) e.Add("error", connection.status());
      room_.NotifyAll();
    }
    co_return absl::OkStatus();
  }

  void Break(absl::Status why) {
    if (broken_.ok()) broken_ = std::move(why);
    arrived_.NotifyAll();
  }

  Env& env_;
  ReadChunks& chunks_;
  const TlsContext& context_;
  std::unique_ptr<Listener> plain_;  // Reset when this is closed.
  const size_t most_;
  Counter& dropped_;
  size_t handshakes_ = 0;
  std::deque<std::unique_ptr<Connection>> ready_;
  absl::Status broken_;
  Notify arrived_;
  Notify room_;
  TaskGroup group_;
};

TlsListener::TlsListener(Env& env, ReadChunks& chunks, const TlsContext& context,
                         std::unique_ptr<Listener> plain)
    : core_(std::make_shared<Core>(env, chunks, context, std::move(plain))) {}

TlsListener::~TlsListener() { core_->Close(); }

Task<absl::StatusOr<std::unique_ptr<Connection>>> TlsListener::Accept() {
  return Core::Accept(core_);
}

NetworkAddress TlsListener::local_address() const { return core_->address(); }

}  // namespace orrery::real
