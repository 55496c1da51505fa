// A TlsSession between the caller and a plain connection. What is written in a turn is encrypted at
// its end, small pieces together, in records as large as TLS allows.
#include "core/real/tls_connection.h"

#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/base/invariant.h"
#include "core/real/real_knobs.h"
#include "core/real/tls_session.h"

namespace orrery::real {
namespace {

constexpr size_t kRecordBytes = 16 << 10;  // RFC 8446, section 5.1.
// Encrypted at a time, so that the session's own buffer stays small.
constexpr size_t kBatchBytes = 256 << 10;

class TlsCore final {
 public:
  TlsCore(Env& env, ReadChunks& chunks, ssl_ctx_st* context, bool server,
          std::unique_ptr<Connection> plain)
      : env_(env),
        chunks_(chunks),
        session_(context, server),
        local_(plain->local_address()),
        peer_(plain->peer_address()),
        plain_(std::move(plain)),
        encrypt_(*this) {}

  static Task<absl::Status> Handshake(std::shared_ptr<TlsCore> core, bool server) {
    while (true) {
      const absl::StatusOr<TlsSession::Progress> progress = core->session_.Handshake();
      core->Send();
      if (!progress.ok()) {
        co_await SayGoodbye(core, server);
        co_return Error(CodeOf(progress.status()), "TLS with " + core->peer_.ToString() + ": " +
                                                       std::string(progress.status().message()));
      }
      if (*progress == TlsSession::Progress::kDone) break;
      CO_RETURN_IF_ERROR(co_await FeedMore(core, "during the TLS handshake"));
    }
    core->peer_name_ = core->session_.PeerName();
    co_return absl::OkStatus();
  }

  static Task<absl::StatusOr<Buffer>> Read(std::shared_ptr<TlsCore> core) {
    while (core->error_.ok()) {
      const auto [space, room] = core->chunks_.Space();
      const absl::StatusOr<size_t> got = core->session_.Decrypt(space, room);
      if (!got.ok()) {
        core->Break(got.status());
        break;
      }
      if (*got > 0) co_return core->chunks_.Take(*got, 0);
      if (core->session_.ended()) co_return Buffer();
      core->Send();  // An answer of TLS's own, to an update of keys.
      CO_RETURN_IF_ERROR(co_await FeedMore(core, "without an end of its TLS stream"));
    }
    co_return core->error_;
  }

  static Task<absl::Status> WaitWritable(std::shared_ptr<TlsCore> core) {
    core->Encrypt();
    CO_RETURN_IF_ERROR(core->error_);
    co_return co_await core->plain_->WaitWritable();
  }

  void Write(Buffer bytes) {
    INVARIANT(!finish_, "Write after FinishWriting");
    if (bytes.empty() || !error_.ok()) return;
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
    EncryptAtTurnEnd();
  }

  void FinishWriting() {
    finish_ = true;
    EncryptAtTurnEnd();
  }

  void Close() {
    Break(Error(ErrorCode::connection_failed, "the connection was destroyed"));
    if (encrypt_.queued()) encrypt_.queue->Remove(encrypt_);
    plain_.reset();
  }

  size_t queued_bytes() const { return queued_bytes_ + plain_->QueuedBytes(); }
  NetworkAddress local() const { return local_; }
  NetworkAddress peer() const { return peer_; }
  const std::string& peer_name() const { return peer_name_; }

 private:
  struct EncryptNode : ReadyNode {
    explicit EncryptNode(TlsCore& owner) : core(owner) {
      run = [](ReadyNode* node) { static_cast<EncryptNode*>(node)->core.Encrypt(); };
    }
    TlsCore& core;
  };

  // Waits for bytes of the wire. Nothing lies between their leaving the plain connection and their
  // arrival in the session, so none is lost when the task is destroyed.
  static Task<absl::Status> FeedMore(std::shared_ptr<TlsCore> core, const char* when) {
    absl::StatusOr<Buffer> bytes = co_await core->plain_->Read();
    CO_RETURN_IF_ERROR(core->error_);
    if (!bytes.ok()) co_return bytes.status();
    if (bytes->empty()) {
      co_return Error(ErrorCode::connection_failed,
                      core->peer_.ToString() + " closed the connection " + when);
    }
    core->session_.Feed(bytes->view());
    co_return absl::OkStatus();
  }

  // Lets the alert that tells why leave before the connection is reset. Whoever accepts waits until
  // the peer has taken it; whoever connects has a caller who waits.
  static Task<> SayGoodbye(std::shared_ptr<TlsCore> core, bool server) {
    core->plain_->FinishWriting();
    co_await Sleep(core->env_.clock(), Duration::zero());  // Past the end of this turn.
    while (server) {
      const absl::StatusOr<Buffer> rest = co_await core->plain_->Read();
      if (!rest.ok() || rest->empty()) break;
    }
  }

  void EncryptAtTurnEnd() {
    if (error_.ok() && !encrypt_.queued()) env_.executor().AtTurnEnd(encrypt_);
  }

  void Send() {
    if (Buffer out = session_.TakeOutput(); !out.empty()) plain_->Write(std::move(out));
  }

  void Encrypt();
  absl::Status EncryptQueue();

  void Break(absl::Status why) {
    if (error_.ok()) error_ = std::move(why);
    queue_.clear();
    queued_bytes_ = 0;
  }

  Env& env_;
  ReadChunks& chunks_;
  TlsSession session_;
  const NetworkAddress local_;
  const NetworkAddress peer_;
  std::string peer_name_;
  std::unique_ptr<Connection> plain_;  // Reset when this is closed.
  absl::Status error_;                 // Set once: closed, or the session is not usable.

  std::deque<Buffer> queue_;  // Plain bytes, not yet encrypted.
  size_t queued_bytes_ = 0;
  bool finish_ = false;
  bool finished_ = false;
  EncryptNode encrypt_;
};

void TlsCore::Encrypt() {
  if (!error_.ok()) return;
  if (absl::Status status = EncryptQueue(); !status.ok()) return Break(std::move(status));
  if (finish_ && !std::exchange(finished_, true)) {
    session_.Finish();
    Send();
    plain_->FinishWriting();
  } else {
    Send();
  }
}

absl::Status TlsCore::EncryptQueue() {
  std::array<char, kRecordBytes> record;
  size_t gathered = 0;
  size_t batch = 0;
  for (const Buffer& bytes : queue_) {
    std::string_view rest = bytes.view();
    while (!rest.empty()) {
      const size_t n = std::min(rest.size(), record.size() - gathered);
      if (n == record.size()) {  // A whole record of this piece: no copy.
        RETURN_IF_ERROR(session_.Encrypt(rest.substr(0, n)));
      } else {
        std::memcpy(record.data() + gathered, rest.data(), n);
        gathered += n;
        if (gathered == record.size()) {
          RETURN_IF_ERROR(session_.Encrypt({record.data(), std::exchange(gathered, 0)}));
        }
      }
      rest.remove_prefix(n);
      batch += n;
      if (batch >= kBatchBytes) {
        batch = 0;
        Send();
      }
    }
  }
  queue_.clear();
  queued_bytes_ = 0;
  return session_.Encrypt({record.data(), gathered});
}

class TlsConnection final : public Connection {
 public:
  explicit TlsConnection(std::shared_ptr<TlsCore> core) : core_(std::move(core)) {}
  ~TlsConnection() override { core_->Close(); }

  Task<absl::StatusOr<Buffer>> Read() override { return TlsCore::Read(core_); }
  void Write(Buffer bytes) override { core_->Write(std::move(bytes)); }
  void FinishWriting() override { core_->FinishWriting(); }
  size_t QueuedBytes() const override { return core_->queued_bytes(); }
  Task<absl::Status> WaitWritable() override { return TlsCore::WaitWritable(core_); }
  NetworkAddress local_address() const override { return core_->local(); }
  NetworkAddress peer_address() const override { return core_->peer(); }
  const std::string& peer_name() const override { return core_->peer_name(); }

 private:
  const std::shared_ptr<TlsCore> core_;  // Shared with tasks that wait.
};

Task<absl::StatusOr<std::unique_ptr<Connection>>> Establish(Env& env, ReadChunks& chunks,
                                                            ssl_ctx_st* context, bool server,
                                                            std::unique_ptr<Connection> plain) {
  auto core = std::make_shared<TlsCore>(env, chunks, context, server, std::move(plain));
  auto connection = std::make_unique<TlsConnection>(core);  // Closes however this ends.
  const Duration limit = env.knobs().Get<RealKnobs>().real_handshake_timeout;
  absl::Status status = co_await Timeout(env.clock(), limit, TlsCore::Handshake(core, server));
  if (CodeOf(status) == ErrorCode::timed_out) {
    co_return Error(ErrorCode::connection_failed,
                    "TLS with " + core->peer().ToString() + ": no handshake within " +
                        std::to_string(ToMilliseconds(limit)) + " ms");
  }
  CO_RETURN_IF_ERROR(std::move(status));
  co_return connection;
}

}  // namespace

Task<absl::StatusOr<std::unique_ptr<Connection>>> TlsConnect(Env& env, ReadChunks& chunks,
                                                             const TlsContext& context,
                                                             std::unique_ptr<Connection> plain) {
  return Establish(env, chunks, context.client(), /*server=*/false, std::move(plain));
}

Task<absl::StatusOr<std::unique_ptr<Connection>>> TlsAccept(Env& env, ReadChunks& chunks,
                                                            const TlsContext& context,
                                                            std::unique_ptr<Connection> plain) {
  return Establish(env, chunks, context.server(), /*server=*/true, std::move(plain));
}

}  // namespace orrery::real
