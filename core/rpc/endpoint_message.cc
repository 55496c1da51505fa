// Field by field.
#include "core/rpc/endpoint_message.h"

#include <algorithm>
#include <array>

namespace orrery {

EndpointMessage ToMessage(const Endpoint& endpoint) {
  EndpointMessage message;
  message.set_host(endpoint.host);
  const auto& ip = endpoint.address.ip();
  if (endpoint.host.empty()) message.set_ip(std::string(ip.begin(), ip.end()));
  message.set_port(endpoint.address.port());
  message.set_loop(endpoint.loop);
  message.set_incarnation(endpoint.incarnation);
  message.set_token(endpoint.token);
  return message;
}

Endpoint FromMessage(const EndpointMessage& message) {
  std::array<uint8_t, 16> ip{};
  const bool valid = message.port() <= UINT16_MAX && message.loop() <= UINT16_MAX &&
                     (message.ip().size() == ip.size() || !message.host().empty());
  if (!valid) return Endpoint();
  if (message.host().empty()) std::copy(message.ip().begin(), message.ip().end(), ip.begin());
  Endpoint endpoint(NetworkAddress(ip, static_cast<uint16_t>(message.port())),
                    message.incarnation(), message.token());
  endpoint.host = message.host();
  endpoint.loop = static_cast<uint16_t>(message.loop());
  return endpoint;
}

}  // namespace orrery
