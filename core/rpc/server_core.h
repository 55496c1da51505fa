// ServerCore: what all connections of a server share. ServerConnection: one of them, and the
// requests that are being served for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/async/task_group.h"
#include "core/base/lookup_map.h"
#include "core/rpc/call_trace.h"
#include "core/rpc/link.h"
#include "core/rpc/rpc_metrics.h"
#include "core/rpc/server.h"
#include "core/rpc/slot_table.h"

namespace orrery::rpc_internal {

class ServerConnection {
 public:
  ServerConnection(ServerCore& core, std::unique_ptr<Connection> connection);
  ~ServerConnection();

  // Serves until the connection breaks or is to be given up.
  Task<absl::Status> Run();

  // Destroys the requests that run for handlers of `token`.
  void CancelToken(uint64_t token);

  // For IncomingRequest.
  void Reply(uint64_t id, const google::protobuf::MessageLite& header, Buffer attachment,
             MethodMetrics& metrics, Time start);
  void Fail(uint64_t id, const absl::Status& status, MethodMetrics& metrics, Time start);
  void Finished(uint64_t id);

  const Link& link() const { return link_; }
  TaskGroup::Member* task = nullptr;  // That runs Run, in the core's group.

 private:
  // A request under way. The client keeps slots dense, so they are an index here too.
  struct Running {
    uint64_t id = 0;  // 0: free.
    uint64_t token = 0;
    TaskGroup::Member* member = nullptr;
  };

  absl::Status OnFrame(Frame frame);
  absl::Status OnRequest(Frame frame);
  void OnCancel(uint64_t id);
  void Refuse(uint64_t id, ErrorCode code);
  CallPath path() const;
  void TraceReceived(const Frame& frame, uint64_t token);
  void TraceReply(uint64_t id, ErrorCode code, const google::protobuf::MessageLite* header,
                  const Buffer& attachment);
  void Answered(const absl::Status& status, MethodMetrics& metrics, Time start);

  ServerCore& core_;
  Link link_;
  bool too_slow_ = false;  // It does not take its replies.
  std::vector<Running> running_;
  TaskGroup requests_;
};

class ServerCore {
 public:
  struct HandlerEntry {
    std::unique_ptr<HandlerBase> handler;
    std::unique_ptr<MethodMetrics> metrics;
    const char* name;
  };

  ServerCore(Env& environment, RpcIdentity own);
  ~ServerCore();

  absl::Status Listen(NetworkAddress address);
  void AddHandler(uint16_t method, const char* name, uint64_t token,
                  std::unique_ptr<HandlerBase> handler);
  void StopHandling(uint64_t token);
  HandlerEntry* FindHandler(uint16_t method, uint64_t token) {
    return handlers_.Find(std::pair(token, method));
  }

  Env& env;
  const RpcKnobs& knobs;
  const RpcIdentity identity;
  ConnectionMetrics metrics;
  std::unique_ptr<Listener> listener;

 private:
  friend class ServerConnection;

  Task<absl::Status> AcceptAll();
  Task<absl::Status> Serve(std::unique_ptr<ServerConnection> connection);
  Task<absl::Status> CloseSilent();

  LookupMap<std::pair<uint64_t, uint16_t>, HandlerEntry> handlers_;
  std::vector<std::pair<uint64_t, uint16_t>> handled_;  // The keys of handlers_.
  std::vector<ServerConnection*> connections_;          // In order of arrival.
  TaskGroup tasks_;
};

}  // namespace orrery::rpc_internal
