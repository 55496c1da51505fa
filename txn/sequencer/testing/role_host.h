// Runs one role of the write path, or a fake of one, as the whole of a simulated process.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "core/rpc/role_context.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"

namespace orrery::testing_roles {

inline constexpr uint16_t kPort = 4500;
inline constexpr uint64_t kToken = 77;

using Role = std::function<Task<absl::Status>(RoleContext)>;

inline Task<absl::Status> RunRole(Env* env, NetworkAddress listen, Role role) {
  RpcIdentity identity;
  identity.cluster_id = "test";
  identity.incarnation = DrawIncarnation(*env);
  RpcClient rpc(*env, identity);
  RpcServer server(*env, identity);
  CO_RETURN_IF_ERROR(server.Listen(listen));
  RoleContext context{*env, server, rpc, kToken, Promise<absl::Status>()};
  co_return co_await role(std::move(context));
}

// A machine with one process that runs `role`, started. It is not started again when it ends.
inline sim::Process& AddRole(sim::World& world, std::string name, Role role) {
  sim::Machine& machine = world.AddMachine({.name = name, .zone = "zone-" + name});
  const NetworkAddress listen = machine.address(kPort);
  sim::Process& process = world.AddProcess(
      machine, {.name = name + "-process",
                .main = [listen, role](Env& env) { return RunRole(&env, listen, role); },
                .supervised = false});
  process.Start();
  return process;
}

// Where the role of that process is reached, in any of its lives.
inline Endpoint EndpointOf(const sim::Process& process) {
  Endpoint endpoint(process.machine().address(kPort));
  endpoint.token = kToken;
  return endpoint;
}

}  // namespace orrery::testing_roles
