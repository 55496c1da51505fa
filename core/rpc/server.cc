// Accepting connections, and the table of handlers.
#include "core/rpc/server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/base/invariant.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/server_core.h"

namespace orrery {
namespace rpc_internal {

ServerCore::ServerCore(Env& environment, RpcIdentity own)
    : env(environment),
      knobs(env.knobs().Get<RpcKnobs>()),
      identity(std::move(own)),
      metrics(env.metrics(), Side::kServer),
      tasks_(env.executor(), [this](std::string_view task, absl::Status status) {
        if (auto e = env.trace().Error("RpcTaskFailed")) e.Add("task", task).Add("reason", status);
      }) {
  INVARIANT(identity.incarnation != kAnyIncarnation, "a server has an incarnation");
}

ServerCore::~ServerCore() { tasks_.Cancel(); }

absl::Status ServerCore::Listen(NetworkAddress address) {
  INVARIANT(listener == nullptr, "Listen is called once");
  ASSIGN_OR_RETURN(listener, env.network().Listen(address));
  tasks_.Spawn("rpc.accept", AcceptAll());
  tasks_.Spawn("rpc.close_silent", CloseSilent());
  return absl::OkStatus();
}

Task<absl::Status> ServerCore::AcceptAll() {
  while (true) {
    CO_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, co_await listener->Accept());
    if (connections_.size() >= static_cast<size_t>(knobs.rpc_connections_max)) {
      PROBE(env, "rpc.too_many_connections");
      metrics.refused.Add();
      continue;
    }
    auto served = std::make_unique<ServerConnection>(*this, std::move(connection));
    ServerConnection& added = *served;
    added.task = tasks_.Spawn("rpc.connection", Serve(std::move(served)));
  }
}

// Its end is the connection's; why it ended is traced where it was found, and concerns nobody else.
Task<absl::Status> ServerCore::Serve(std::unique_ptr<ServerConnection> connection) {
  const absl::Status end = co_await connection->Run();
  if (auto e = env.trace().Debug("RpcConnectionEnded")) {
    e.Add("peer", connection->link().peer().address.ToString()).Add("reason", end);
  }
  connection.reset();
  co_return absl::OkStatus();
}

// Connections of peers that went without a word. One timer for all of them.
Task<absl::Status> ServerCore::CloseSilent() {
  while (true) {
    co_await Sleep(env.clock(), knobs.rpc_server_idle_max / 4);
    const Time now = env.clock().Now();
    const std::vector<ServerConnection*> all = connections_;
    for (ServerConnection* const each : all) {
      if (now - each->link().heard_at() < knobs.rpc_server_idle_max) continue;
      PROBE(env, "rpc.client_silent");
      metrics.silent.Add();
      tasks_.CancelMember(*each->task);
    }
  }
}

void ServerCore::AddHandler(uint16_t method, const char* name, uint64_t token,
                            std::unique_ptr<HandlerBase> handler) {
  const std::pair key(token, method);
  HandlerEntry entry{std::move(handler),
                     std::make_unique<MethodMetrics>(env.metrics(), Side::kServer, name), name};
  const bool added = handlers_.TryEmplace(key, std::move(entry)).second;
  INVARIANT(added, "the method is handled already", name, token);
  handled_.push_back(key);
}

void ServerCore::StopHandling(uint64_t token) {
  for (ServerConnection* const each : connections_) each->CancelToken(token);
  std::erase_if(handled_, [this, token](const std::pair<uint64_t, uint16_t>& key) {
    return key.first == token && handlers_.Erase(key);
  });
}

}  // namespace rpc_internal

uint64_t DrawIncarnation(Env& env) { return env.random("rpc.incarnation").Next() | 1; }

RpcServer::RpcServer(Env& env, RpcIdentity identity)
    : core_(std::make_unique<rpc_internal::ServerCore>(env, std::move(identity))) {}

RpcServer::~RpcServer() = default;

absl::Status RpcServer::Listen(NetworkAddress address) { return core_->Listen(address); }

NetworkAddress RpcServer::address() const { return core_->listener->local_address(); }

Endpoint RpcServer::endpoint(uint64_t token) const {
  return Endpoint(address(), core_->identity.incarnation, token);
}

void RpcServer::StopHandling(uint64_t token) { core_->StopHandling(token); }

void RpcServer::AddHandler(uint16_t method, const char* name, uint64_t token,
                           std::unique_ptr<rpc_internal::HandlerBase> handler) {
  core_->AddHandler(method, name, token, std::move(handler));
}

}  // namespace orrery
