// The state of a TCP connection:
//
//   reading   until the peer finished (ended_) or the stream broke (read_error_)
//   writing   until FinishWriting has been carried out (finished_) or the stream broke
//             (write_error_); a break drops what is queued
//
// A write error is not the end of reading: bytes that came before are still in the kernel. But it
// may have consumed the socket's error, so that the next recv shows an orderly end; after a write
// error an end is a break.
#include "core/real/tcp_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/invariant.h"
#include "core/real/os_error.h"
#include "core/real/socket.h"

namespace orrery::real {
namespace {

constexpr size_t kPiecesMax = 256;  // Buffers per system call.
constexpr int kReadsMax = 4;        // Chunks read from one connection before others get their turn.

bool IsFull(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

std::pair<char*, size_t> ReadChunks::Space() {
  if (chunk_.size() - used_ < kLeastBytes) {
    // Frozen whole: the chunk is written to only behind used_, where no slice has been given out.
    chunk_ = MutableBuffer(kChunkBytes).Freeze(kChunkBytes);
    used_ = 0;
  }
  return {const_cast<char*>(chunk_.data()) + used_, chunk_.size() - used_};
}

bool ReadChunks::Continues(const Buffer& bytes) const {
  return !bytes.empty() && bytes.size() <= used_ &&
         bytes.data() + bytes.size() == chunk_.data() + used_;
}

Buffer ReadChunks::Take(size_t size, size_t before) {
  const size_t begin = std::exchange(used_, used_ + size);
  return chunk_.Slice(begin - before, before + size);
}

class TcpConnection::Core final : public Descriptor::Owner {
 public:
  Core(Loop& loop, ReadChunks& chunks, size_t unread_bytes_max, int fd)
      : loop_(loop), chunks_(chunks), unread_bytes_max_(unread_bytes_max), flush_(*this) {
    const int on = 1;  // Best effort: without it small writes may wait for acknowledgements.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    descriptor_.emplace(loop, fd, *this);
  }

  // The ends are known and bytes may come.
  void Start() {
    local_ = LocalAddress(descriptor_->fd());
    peer_ = PeerAddress(descriptor_->fd());
    descriptor_->AwaitReadable();
  }

  static Task<absl::Status> FinishConnecting(std::shared_ptr<Core> core, NetworkAddress address) {
    while (true) {
      core->descriptor_->AwaitWritable();
      co_await core->writable_.Wait();
      int error = 0;
      socklen_t size = sizeof(error);
      if (::getsockopt(core->descriptor_->fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
      }
      if (error != 0) co_return NetworkError(error, "connect to", address.ToString());
      if (PeerAddress(core->descriptor_->fd()) != NetworkAddress()) co_return absl::OkStatus();
    }
  }

  static Task<absl::StatusOr<Buffer>> Read(std::shared_ptr<Core> core) {
    while (core->unread_.empty()) {
      if (!core->read_error_.ok()) co_return core->read_error_;
      if (core->ended_) co_return Buffer();
      co_await core->readable_.Wait();
    }
    Buffer bytes = std::move(core->unread_.front());
    core->unread_.pop_front();
    core->unread_bytes_ -= bytes.size();
    if (core->Reads()) core->descriptor_->AwaitReadable();
    co_return bytes;
  }

  static Task<absl::Status> WaitWritable(std::shared_ptr<Core> core) {
    while (core->write_error_.ok() && core->queued_bytes_ > kQueuedBytesBound / 2) {
      co_await core->writable_.Wait();
    }
    co_return core->write_error_;
  }

  void Write(Buffer bytes) {
    INVARIANT(!finish_, "Write after FinishWriting");
    if (bytes.empty() || !write_error_.ok()) return;
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
    FlushAtTurnEnd();
  }

  void FinishWriting() {
    finish_ = true;
    FlushAtTurnEnd();
  }

  // The Connection is destroyed. A stream that both ends have finished is closed in order, any
  // other is reset.
  void Close() {
    if (!finished_ || !ended_) {
      const linger reset{1, 0};  // Best effort: the close happens all the same.
      ::setsockopt(descriptor_->fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    descriptor_.reset();
    Break(Error(ErrorCode::connection_failed, "the connection was destroyed"));
    if (flush_.queued()) flush_.queue->Remove(flush_);
  }

  void OnReadable() override {
    for (int n = 0; n < kReadsMax && Reads(); ++n) {
      const auto [space, room] = chunks_.Space();
      const size_t most = std::min(room, unread_bytes_max_ - unread_bytes_);
      const ssize_t got = ::recv(descriptor_->fd(), space, most, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && IsFull(errno)) break;
      if (got < 0) return Break(NetworkError(errno, "stream with", peer_.ToString()));
      if (got == 0) return End();
      Keep(static_cast<size_t>(got));
      if (static_cast<size_t>(got) < most) break;
    }
    if (Reads()) descriptor_->AwaitReadable();
  }

  void OnWritable() override {
    Flush();
    writable_.NotifyAll();
  }

  size_t queued_bytes() const { return queued_bytes_; }
  NetworkAddress local() const { return local_; }
  NetworkAddress peer() const { return peer_; }

  const std::string no_name;  // Without TLS nobody proved one.

 private:
  struct FlushNode : ReadyNode {
    explicit FlushNode(Core& owner) : core(owner) {
      run = [](ReadyNode* node) { static_cast<FlushNode*>(node)->core.Flush(); };
    }
    Core& core;
  };

  bool Reads() const {
    return descriptor_.has_value() && !ended_ && read_error_.ok() &&
           unread_bytes_ < unread_bytes_max_;
  }

  void FlushAtTurnEnd() {
    if (!descriptor_.has_value() || flush_.queued() || descriptor_->awaits_writable()) return;
    loop_.AtTurnEnd(flush_);
  }

  void Keep(size_t bytes) {
    if (!unread_.empty() && chunks_.Continues(unread_.back())) {
      unread_.back() = chunks_.Take(bytes, unread_.back().size());
    } else {
      unread_.push_back(chunks_.Take(bytes, 0));
    }
    unread_bytes_ += bytes;
    readable_.NotifyAll();
  }

  void End() {
    if (!write_error_.ok()) return Break(write_error_);
    ended_ = true;
    readable_.NotifyAll();
  }

  void Break(absl::Status why) {
    if (read_error_.ok() && !ended_) read_error_ = why;
    BreakWriting(std::move(why));
    readable_.NotifyAll();
  }

  void BreakWriting(absl::Status why) {
    if (write_error_.ok()) write_error_ = std::move(why);
    queue_.clear();
    first_written_ = 0;
    queued_bytes_ = 0;
    writable_.NotifyAll();
  }

  void Flush();
  bool WriteSome();
  void Drop(size_t bytes);

  Loop& loop_;
  ReadChunks& chunks_;
  const size_t unread_bytes_max_;
  NetworkAddress local_;
  NetworkAddress peer_;

  std::deque<Buffer> unread_;
  size_t unread_bytes_ = 0;
  bool ended_ = false;
  absl::Status read_error_;
  Notify readable_;

  std::deque<Buffer> queue_;
  size_t first_written_ = 0;  // Bytes of queue_.front() that have left.
  size_t queued_bytes_ = 0;
  bool finish_ = false;
  bool finished_ = false;
  absl::Status write_error_;
  Notify writable_;

  FlushNode flush_;
  std::optional<Descriptor> descriptor_;  // Empty once closed.
};

// Writes until nothing is left or the kernel is full.
void TcpConnection::Core::Flush() {
  if (!descriptor_.has_value()) return;
  const size_t before = queued_bytes_;
  while (!queue_.empty()) {
    if (!WriteSome()) break;
  }
  if (!queue_.empty()) {
    descriptor_->AwaitWritable();
  } else if (finish_ && !finished_ && write_error_.ok()) {
    // It fails only on a stream that broke, which the reader will see.
    ::shutdown(descriptor_->fd(), SHUT_WR);
    finished_ = true;
  }
  if (before > kQueuedBytesBound / 2 && queued_bytes_ <= kQueuedBytesBound / 2) {
    writable_.NotifyAll();
  }
}

bool TcpConnection::Core::WriteSome() {
  iovec pieces[kPiecesMax];
  size_t count = 0;
  for (const Buffer& bytes : queue_) {
    const size_t skip = count == 0 ? first_written_ : 0;
    pieces[count++] = {const_cast<char*>(bytes.data()) + skip, bytes.size() - skip};
    if (count == kPiecesMax) break;
  }
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(descriptor_->fd(), &message, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EINTR) return true;
    if (IsFull(errno)) return false;
    BreakWriting(NetworkError(errno, "stream with", peer_.ToString()));
    return false;
  }
  Drop(static_cast<size_t>(sent));
  return true;
}

void TcpConnection::Core::Drop(size_t bytes) {
  queued_bytes_ -= bytes;
  bytes += first_written_;
  while (!queue_.empty() && bytes >= queue_.front().size()) {
    bytes -= queue_.front().size();
    queue_.pop_front();
  }
  first_written_ = bytes;
}

TcpConnection::TcpConnection(std::shared_ptr<Core> core) : core_(std::move(core)) {}

TcpConnection::TcpConnection(Loop& loop, ReadChunks& chunks, size_t unread_bytes_max, int fd)
    : core_(std::make_shared<Core>(loop, chunks, unread_bytes_max, fd)) {
  core_->Start();
}

TcpConnection::~TcpConnection() { core_->Close(); }

Task<absl::StatusOr<std::unique_ptr<Connection>>> TcpConnection::Connect(Loop& loop,
                                                                         ReadChunks& chunks,
                                                                         size_t unread_bytes_max,
                                                                         NetworkAddress address) {
  const int fd = OpenSocket(address);
  if (fd < 0) co_return NetworkError(errno, "connect to", address.ToString());
  SocketAddress to = ToSocketAddress(address);
  const bool refused = ::connect(fd, to.raw(), to.size) != 0 && errno != EINPROGRESS;
  const int error = errno;
  auto core = std::make_shared<Core>(loop, chunks, unread_bytes_max, fd);
  // From here on the Connection closes the socket, however this ends.
  std::unique_ptr<TcpConnection> connection(new TcpConnection(core));
  if (refused) co_return NetworkError(error, "connect to", address.ToString());
  CO_RETURN_IF_ERROR(co_await Core::FinishConnecting(core, address));
  core->Start();
  co_return connection;
}

Task<absl::StatusOr<Buffer>> TcpConnection::Read() { return Core::Read(core_); }

void TcpConnection::Write(Buffer bytes) { core_->Write(std::move(bytes)); }

void TcpConnection::FinishWriting() { core_->FinishWriting(); }

size_t TcpConnection::QueuedBytes() const { return core_->queued_bytes(); }

Task<absl::Status> TcpConnection::WaitWritable() { return Core::WaitWritable(core_); }

NetworkAddress TcpConnection::local_address() const { return core_->local(); }

NetworkAddress TcpConnection::peer_address() const { return core_->peer(); }

const std::string& TcpConnection::peer_name() const { return core_->no_name; }

}  // namespace orrery::real
