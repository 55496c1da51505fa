// A TCP connection of one loop. See core/env/network.h for the promises.
//
// Output gathered in a turn leaves in one system call at its end; what the kernel does not take
// leaves when it has room again. Input is read when it arrives, up to a bound, into a chunk of
// memory that all connections of a loop share, so that an idle one holds none.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/async/notify.h"
#include "core/env/network.h"
#include "core/real/loop.h"

namespace orrery::real {

// WaitWritable's bound: see Connection.
inline constexpr size_t kQueuedBytesBound = 256 << 10;

// Where a loop's input lands. Slices of a chunk keep it alive; it is not used twice.
class ReadChunks {
 public:
  // Where to put at least 4 KiB. Valid until the next call.
  std::pair<char*, size_t> Space();

  // Whether Space() begins where `bytes` ends.
  bool Continues(const Buffer& bytes) const;

  // The first `size` bytes of Space(), with the `before` bytes that lie in front of them.
  Buffer Take(size_t size, size_t before);

 private:
  static constexpr size_t kChunkBytes = 64 << 10;
  static constexpr size_t kLeastBytes = 4 << 10;

  Buffer chunk_;  // The whole chunk; what lies behind used_ is given to nobody yet.
  size_t used_ = 0;
};

class TcpConnection final : public Connection {
 public:
  // Takes `fd`, connected and non-blocking.
  TcpConnection(Loop& loop, ReadChunks& chunks, size_t unread_bytes_max, int fd);
  ~TcpConnection() override;

  // Connects. connection_failed, or overloaded when the process has no descriptor left.
  static Task<absl::StatusOr<std::unique_ptr<Connection>>> Connect(Loop& loop, ReadChunks& chunks,
                                                                   size_t unread_bytes_max,
                                                                   NetworkAddress address);

  Task<absl::StatusOr<Buffer>> Read() override;
  void Write(Buffer bytes) override;
  void FinishWriting() override;
  size_t QueuedBytes() const override;
  Task<absl::Status> WaitWritable() override;
  NetworkAddress local_address() const override;
  NetworkAddress peer_address() const override;
  const std::string& peer_name() const override;

 private:
  class Core;
  explicit TcpConnection(std::shared_ptr<Core> core);

  const std::shared_ptr<Core> core_;  // Shared with tasks that wait.
};

}  // namespace orrery::real
