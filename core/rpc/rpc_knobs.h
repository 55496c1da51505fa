// Every limit and time of the RPC layer.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_RPC_KNOBS(KNOB)                                                                    \
  KNOB(int64_t, rpc_frame_bytes_max, 32 << 20, standard, "bytes",                                 \
       "largest body of a frame; a batch of 16 MiB must fit with room")                           \
  KNOB(int64_t, rpc_handshake_bytes_max, 4096, standard, "bytes",                                 \
       "largest frame before the handshake is done: strangers get no memory")                     \
  KNOB(int64_t, rpc_inline_attachment_bytes_max, 4096, random.Between(0, 16384), "bytes",         \
       "a smaller attachment is copied into the frame, a larger one is sent in place")            \
  KNOB(int64_t, rpc_queue_bytes_max, 64 << 20, random.Between(34 << 20, 64 << 20), "bytes",       \
       "unsent bytes per peer above which calls are refused; two frames must fit")                \
  KNOB(int64_t, rpc_peers_max, 10000, standard, "peers", "peers that a client remembers at once") \
  KNOB(int64_t, rpc_connections_max, 10000, standard, "connections",                              \
       "connections that a server accepts; more are closed at once")                              \
  KNOB(int64_t, rpc_requests_per_connection_max, 10000, random.Between(1000, 10000), "requests",  \
       "requests of one connection served at a time; more are refused as overloaded")             \
  KNOB(int64_t, rpc_reply_queue_bytes_max, 4 << 20, random.Between(1 << 16, 4 << 20), "bytes",    \
       "unsent replies of a connection above which no more requests are read from it")            \
  KNOB(Duration, rpc_connect_timeout, Seconds(5), Milliseconds(random.Between(1000, 5000)), "s",  \
       "one attempt to resolve, connect and shake hands")                                         \
  KNOB(Duration, rpc_accept_timeout, Seconds(5), Milliseconds(random.Between(1000, 5000)), "s",   \
       "an accepted connection shakes hands within this or is closed")                            \
  KNOB(Duration, rpc_reconnect_delay_min, Milliseconds(50), Milliseconds(random.Between(5, 200)), \
       "s", "wait before the second attempt to connect")                                          \
  KNOB(Duration, rpc_reconnect_delay_max, Seconds(1), Milliseconds(random.Between(300, 2000)),    \
       "s", "the wait doubles up to this, less a random part of up to a half")                    \
  KNOB(Duration, rpc_heartbeat_interval, Milliseconds(500),                                       \
       Milliseconds(random.Between(100, 1000)), "s", "between heartbeats of a peer that is used") \
  KNOB(Duration, rpc_silence_max, Seconds(3), Milliseconds(random.Between(2000, 5000)), "s",      \
       "a peer that is not heard for this long is closed as silent")                              \
  KNOB(Duration, rpc_data_silence_max, Seconds(60), Seconds(random.Between(40, 60)), "s",         \
       "the same for the data connection alone, while heartbeats pass and a frame of the "        \
       "largest size is unread, which must get through on a slow link; less for less")            \
  KNOB(Duration, rpc_client_idle_max, Seconds(60), Seconds(random.Between(5, 60)), "s",           \
       "a connection without calls is closed by the client after this")                           \
  KNOB(Duration, rpc_server_idle_max, Seconds(150), standard, "s",                                \
       "a connection without a byte is closed by the server after this; more than the client's")

ORRERY_DEFINE_KNOBS(RpcKnobs, ORRERY_RPC_KNOBS);

}  // namespace orrery
