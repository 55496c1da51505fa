// RpcServer: serves methods to other processes.
//
//   RpcServer server(env, identity);
//   server.Handle<kResolve, &Resolver::Resolve>(this);
//   RETURN_IF_ERROR(server.Listen(address));
//
//   Task<absl::StatusOr<Message<ResolveReply>>> Resolver::Resolve(Message<ResolveRequest> request,
//                                                                 CallInfo info);
//
// - Each request is a task of its own. It is destroyed, wherever it is suspended, when the caller
//   gives up (deadline, cancelled), the connection breaks, or the server goes. Work that must go on
//   without its caller is spawned into a group of the role, and the handler only waits for it.
// - An error that a handler returns travels to the caller with its code and message.
// - Refused with an error reply: a method nobody handles (unknown_method); more requests at a time
//   than rpc_requests_per_connection_max, or than the process's memory budget holds (overloaded).
//   While unsent replies of a connection are above rpc_reply_queue_bytes_max nothing is read from
//   it, which holds the sender back.
// - A connection whose stream is defective, that is silent for rpc_server_idle_max, that does not
//   shake hands within rpc_accept_timeout, or that is one too many, is closed, counted and traced.
//
// Threads: one loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "core/async/task.h"
#include "core/env/env.h"
#include "core/rpc/endpoint.h"
#include "core/rpc/handshake.h"
#include "core/rpc/incoming_request.h"
#include "core/rpc/message_lite.h"
#include "core/rpc/method.h"

namespace orrery {

namespace rpc_internal {

// A handler without types.
class HandlerBase {
 public:
  virtual ~HandlerBase() = default;
  virtual Task<absl::Status> Serve(IncomingRequest request) = 0;
};

template <class Req, class Rep, class Fn>
class Handler final : public HandlerBase {
 public:
  explicit Handler(Fn fn) : fn_(std::move(fn)) {}

  Task<absl::Status> Serve(IncomingRequest request) override {
    Message<Req> message;
    if (!ParseMessage(request.message(), message.header)) {
      request.Fail(Error(ErrorCode::invalid_argument, "the request's message does not parse"));
      co_return absl::OkStatus();
    }
    message.attachment = request.TakeAttachment();
    absl::StatusOr<Message<Rep>> reply = co_await fn_(std::move(message), request.info());
    if (reply.ok()) {
      request.Reply(reply->header, std::move(reply->attachment));
    } else {
      request.Fail(reply.status());
    }
    co_return absl::OkStatus();
  }

 private:
  Fn fn_;
};

}  // namespace rpc_internal

// A number for RpcIdentity::incarnation: another one in each life of a process.
uint64_t DrawIncarnation(Env& env);

class RpcServer {
 public:
  // REQUIRES: `env` outlives this, its knobs have RpcKnobs; identity.incarnation != 0.
  RpcServer(Env& env, RpcIdentity identity);

  // Closes everything and destroys the handlers that run. REQUIRES: not called from one of them.
  ~RpcServer();

  // Starts to accept. Port 0 chooses a free one. bind_failed when the address cannot be had.
  // REQUIRES: called once.
  absl::Status Listen(NetworkAddress address);

  // Where it listens. REQUIRES: Listen was ok.
  NetworkAddress address() const;

  // Where others reach the object under `token` in this life. REQUIRES: Listen was ok.
  Endpoint endpoint(uint64_t token = 0) const;

  // Serves `method` by fn(Message<Req>, CallInfo) -> Task<absl::StatusOr<Message<Rep>>>. Several
  // objects of one process that serve the same method each have a `token`, which callers put into
  // Endpoint::token. REQUIRES: nobody handles (method, token) yet; what `fn` refers to lives until
  // StopHandling or the server's end.
  template <class Req, class Rep, class Fn>
  void Handle(const Method<Req, Rep>& method, Fn fn, uint64_t token = 0) {
    AddHandler(method.id, method.name, token,
               std::make_unique<rpc_internal::Handler<Req, Rep, Fn>>(std::move(fn)));
  }

  // The same for a member function.
  template <const auto& kMethod, auto kMember, class T>
  void Handle(T* object, uint64_t token = 0) {
    Handle(
        kMethod,
        [object](auto message, CallInfo info) {
          return (object->*kMember)(std::move(message), std::move(info));
        },
        token);
  }

  // Forgets the handlers of `token` and destroys those that run. Their callers get broken_promise,
  // later ones unknown_method.
  // REQUIRES: not called from one of them.
  void StopHandling(uint64_t token);

 private:
  void AddHandler(uint16_t method, const char* name, uint64_t token,
                  std::unique_ptr<rpc_internal::HandlerBase> handler);

  std::unique_ptr<rpc_internal::ServerCore> core_;
};

}  // namespace orrery
