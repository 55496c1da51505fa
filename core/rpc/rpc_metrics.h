// The numbers that the RPC layer keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/observe/metrics.h"

namespace orrery::rpc_internal {

enum class Side : uint8_t { kClient, kServer };

// Of all connections of one side together.
struct ConnectionMetrics {
  ConnectionMetrics(Metrics& metrics, Side side);

  Gauge& open;
  Counter& opened;
  Counter& refused;  // Handshakes without agreement, and connections above the limit.
  Counter& foreign;  // Streams closed for each kind of defect.
  Counter& oversized;
  Counter& corrupt;
  Counter& truncated;
  Counter& silent;
  Counter& sent_bytes;
  Counter& received_bytes;
};

// Of one method on one side.
struct MethodMetrics {
  MethodMetrics(Metrics& metrics, Side side, const char* method);

  Counter& calls;
  Counter& errors;
  Counter& request_bytes;
  Counter& reply_bytes;
  Histogram& latency;  // Of those that were answered, errors included.
};

}  // namespace orrery::rpc_internal
