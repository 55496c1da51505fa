// Tunables of a process on a real machine.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery::real {

#define ORRERY_REAL_KNOBS(KNOB)                                                                \
  KNOB(int64_t, real_file_threads, 4, random.Between(1, 8), "threads",                         \
       "file operations of one process that block side by side")                               \
  KNOB(int64_t, real_resolver_threads, 2, random.Between(1, 2), "threads",                     \
       "name look-ups side by side; a dead name server holds each for seconds")                \
  KNOB(int64_t, real_turn_nodes_max, 1024, random.Between(1, 1024), "nodes",                   \
       "ready nodes run before timers and sockets are looked at again")                        \
  KNOB(int64_t, real_unread_bytes_max, 256 << 10, random.Between(1 << 10, 256 << 10), "bytes", \
       "bytes kept for a connection's reader before the sender is held back")                  \
  KNOB(bool, real_local_streams, true, standard, "",                                           \
       "a process reaches its own listener through memory, not through the kernel")            \
  KNOB(int64_t, real_listen_backlog, 1024, random.Between(8, 1024), "connections",             \
       "connections the kernel keeps until they are accepted")                                 \
  KNOB(Duration, real_accept_retry_delay, Milliseconds(100),                                   \
       random.Between(Milliseconds(1), Milliseconds(200)), "duration",                         \
       "pause of a listener that ran out of descriptors, so that it does not spin")            \
  KNOB(Duration, real_handshake_timeout, Seconds(5), random.Between(Seconds(1), Seconds(10)),  \
       "duration", "a peer that does not finish its TLS handshake in this time is dropped")    \
  KNOB(int64_t, real_handshakes_max, 256, random.Between(4, 256), "connections",               \
       "TLS handshakes of one listener side by side; more wait in the kernel")                 \
  KNOB(int64_t, real_descriptors_min, 256, standard, "descriptors",                            \
       "the least limit of open descriptors that a process starts with")

ORRERY_DEFINE_KNOBS(RealKnobs, ORRERY_REAL_KNOBS);

}  // namespace orrery::real
