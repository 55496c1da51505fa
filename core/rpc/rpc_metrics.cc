// Names of the RPC layer's metrics.
#include "core/rpc/rpc_metrics.h"

#include <string>

namespace orrery::rpc_internal {
namespace {

std::string Name(Side side, const char* what) {
  return std::string(side == Side::kClient ? "rpc_client_" : "rpc_server_") + what;
}

}  // namespace

ConnectionMetrics::ConnectionMetrics(Metrics& m, Side s)
    : open(m.AddGauge(Name(s, "connections"), "connections", "connections open now")),
      opened(m.AddCounter(Name(s, "connections_opened"), "connections", "connections ever made")),
      refused(m.AddCounter(Name(s, "connections_refused"), "connections",
                           "connections closed for the handshake or the limit")),
      foreign(m.AddCounter(Name(s, "frame_defects"), "connections", "streams that did not decode",
                           {{"defect", "foreign"}})),
      oversized(m.AddCounter(Name(s, "frame_defects"), "connections", "streams that did not decode",
                             {{"defect", "oversized"}})),
      corrupt(m.AddCounter(Name(s, "frame_defects"), "connections", "streams that did not decode",
                           {{"defect", "corrupt"}})),
      truncated(m.AddCounter(Name(s, "frame_defects"), "connections", "streams that did not decode",
                             {{"defect", "truncated"}})),
      silent(m.AddCounter(Name(s, "connections_silent"), "connections",
                          "connections closed because the peer was not heard")),
      sent_bytes(m.AddCounter(Name(s, "sent_bytes"), "bytes", "bytes of frames queued to be sent")),
      received_bytes(m.AddCounter(Name(s, "received_bytes"), "bytes", "bytes read")) {}

MethodMetrics::MethodMetrics(Metrics& m, Side s, const char* method)
    : calls(m.AddCounter(Name(s, "calls"), "calls", "calls begun", {{"method", method}})),
      errors(m.AddCounter(Name(s, "errors"), "calls", "calls that ended with an error",
                          {{"method", method}})),
      request_bytes(m.AddCounter(Name(s, "request_bytes"), "bytes", "messages and attachments",
                                 {{"method", method}})),
      reply_bytes(m.AddCounter(Name(s, "reply_bytes"), "bytes", "messages and attachments",
                               {{"method", method}})),
      latency(m.AddHistogram(Name(s, "latency_ns"), "ns", "time from call to answer",
                             {{"method", method}})) {}

}  // namespace orrery::rpc_internal
