// RoleContext: what a role gets from the process that hosts it. A process has one RpcServer and one
// RpcClient; its roles share them, each under a token of its own.
//
// A role is a Task<absl::Status> that runs until it must end: RunResolver(context, options). It
// registers its handlers under `token`, then sets `ready`, and its end, by itself or by being
// destroyed, takes the handlers away (RpcServer::StopHandling).
#pragma once

#include <cstdint>
#include <utility>

#include "core/async/future.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "core/rpc/server.h"

namespace orrery {

struct RoleContext {
  Env& env;
  RpcServer& server;
  RpcClient& rpc;
  uint64_t token;

  // Set once, when the role can be called, or with the reason why it never will be.
  Promise<absl::Status> ready;
};

// Takes the handlers of `token` away at the end of its scope. Declared by a role after everything
// its handlers refer to, so that they go first.
class HandlersUntilEnd {
 public:
  HandlersUntilEnd(RpcServer& server, uint64_t token) : server_(server), token_(token) {}
  HandlersUntilEnd(const HandlersUntilEnd&) = delete;
  HandlersUntilEnd& operator=(const HandlersUntilEnd&) = delete;
  ~HandlersUntilEnd() { server_.StopHandling(token_); }

 private:
  RpcServer& server_;
  const uint64_t token_;
};

}  // namespace orrery
