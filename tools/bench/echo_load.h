// The load of every benchmark of RPC: a server that echoes, and a client that keeps a number of
// small calls in flight.
#pragma once

#include <cstdint>
#include <functional>

#include "core/async/notify.h"
#include "core/async/task.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/endpoint.h"

namespace orrery::bench {

// Serves echoes at `address` for ever. Port 0 chooses one; `listening`, unless it is nullptr, is
// told the address.
Task<absl::Status> ServeEcho(Env* env, NetworkAddress address,
                             std::function<void(NetworkAddress)> listening);

struct EchoLoad {
  int64_t in_flight = 1;
  int64_t done = 0;  // Round trips so far.
  // Somebody who waits for `done` to reach `target` is woken then.
  int64_t target = 0;
  Notify reached;
};

// Calls `to` for ever, load->in_flight at a time; ends with the first error of a call.
Task<absl::Status> CallEcho(Env* env, Endpoint to, EchoLoad* load);

}  // namespace orrery::bench
