// FrameWriter: gathers the frames of one turn and gives them to a connection in one piece at the
// turn's end. Not a task; nothing here waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/async/executor.h"
#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/env/network.h"
#include "core/observe/metrics.h"
#include "core/rpc/frame.h"
#include "core/rpc/message_lite.h"
#include "core/rpc/rpc_knobs.h"

namespace orrery::rpc_internal {

class FrameWriter {
 public:
  // REQUIRES: all outlive this.
  FrameWriter(Executor& executor, const RpcKnobs& knobs, Connection& connection,
              Counter& sent_bytes);

  // A frame of `type`, `method` and `id` whose body is made of the rest; nullptr for a part that is
  // not there. Both messages are serialised into the gathered piece; a small attachment is copied
  // behind them, a larger one goes as it is. message_too_large, with nothing written, when the
  // body is larger than a frame's may be.
  absl::Status Add(FrameType type, uint16_t method, uint64_t id,
                   const google::protobuf::MessageLite* envelope,
                   const google::protobuf::MessageLite* message, Buffer attachment);

  // A frame without a body.
  void AddBare(FrameType type, uint64_t id);

  // Bytes of all frames so far.
  uint64_t added_bytes() const { return added_bytes_; }

  // Bytes that have not left the process.
  size_t queued_bytes() const { return gathered_bytes_ + connection_.QueuedBytes(); }

 private:
  struct Flusher : ReadyNode {
    explicit Flusher(FrameWriter& owner) : writer(owner) {
      run = [](ReadyNode* node) { static_cast<Flusher*>(node)->writer.Flush(); };
    }
    FrameWriter& writer;
  };

  char* Room(size_t bytes);  // In `open_`, at its end.
  void Seal();
  void Added(size_t bytes);
  void Flush();

  Executor& executor_;
  const RpcKnobs& knobs_;
  Connection& connection_;
  Counter& sent_bytes_;
  MutableBuffer open_{0};       // Being filled,
  size_t open_bytes_ = 0;       // up to here.
  std::vector<Buffer> sealed_;  // Before it.
  size_t gathered_bytes_ = 0;   // In both.
  uint64_t added_bytes_ = 0;
  size_t last_turn_bytes_ = 256;  // So that the next turn's piece has the right size at once.
  Flusher flusher_{*this};
};

}  // namespace orrery::rpc_internal
