// IncomingRequest: one request being served, as the typed handlers of server.h see it.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/status.h"
#include "core/observe/memory_budget.h"
#include "core/rpc/frame.h"
#include "core/rpc/message_lite.h"
#include "core/rpc/method.h"

namespace orrery::rpc_internal {

class ServerConnection;
class ServerCore;
struct MethodMetrics;

// Lives in the frame of the handler's task, whose connection outlives it. Destroyed without an
// answer, it leaves the caller waiting: only for callers that have gone.
class IncomingRequest {
 public:
  IncomingRequest(ServerConnection& connection, Frame frame, CallInfo info, MethodMetrics& metrics,
                  MemoryBudget::Reservation memory, Time start)
      : connection_(&connection),
        frame_(std::move(frame)),
        info_(std::move(info)),
        metrics_(&metrics),
        memory_(std::move(memory)),
        start_(start) {}
  IncomingRequest(IncomingRequest&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)),
        frame_(std::move(other.frame_)),
        info_(std::move(other.info_)),
        metrics_(other.metrics_),
        memory_(std::move(other.memory_)),
        start_(other.start_) {}
  IncomingRequest& operator=(IncomingRequest&&) = delete;
  ~IncomingRequest();

  std::string_view message() const { return frame_.message(); }
  const CallInfo& info() const { return info_; }

  // The attachment; lets go of the frame. message() is gone afterwards.
  Buffer TakeAttachment();

  // Answers. REQUIRES for both: not answered yet.
  void Reply(const google::protobuf::MessageLite& header, Buffer attachment);
  void Fail(const absl::Status& status);

 private:
  ServerConnection* connection_;  // nullptr when moved from or answered.
  Frame frame_;
  CallInfo info_;
  MethodMetrics* metrics_;
  MemoryBudget::Reservation memory_;
  Time start_;
};

}  // namespace orrery::rpc_internal
