// Endpoints in messages: see endpoint.proto.
#pragma once

#include "core/rpc/endpoint.h"
#include "core/rpc/endpoint.pb.h"

namespace orrery {

EndpointMessage ToMessage(const Endpoint& endpoint);

// What does not make sense (an address of another length than 16 bytes, a port above 65535) gives
// an endpoint that is valid nowhere: calls to it fail with connection_failed.
Endpoint FromMessage(const EndpointMessage& message);

}  // namespace orrery
