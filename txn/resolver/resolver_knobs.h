// Times and limits of the resolver.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_RESOLVER_KNOBS(KNOB)                                                               \
  KNOB(Duration, resolver_chain_wait_max, Seconds(10), Milliseconds(random.Between(5000, 20000)), \
       "s",                                                                                       \
       "a batch waits this long for the one before it; then the chain is taken to have a hole")   \
  KNOB(int64_t, resolver_state_bytes_max, 8 << 20, random.Between(64 << 10, 8 << 20), "bytes",    \
       "state transactions kept for proxies that lag; beyond it such a proxy is ended")           \
  KNOB(int64_t, resolver_answers_max, 10000, random.Between(1000, 10000), "answers",              \
       "kept for one proxy until it says that they arrived; one that never does is ended")

ORRERY_DEFINE_KNOBS(ResolverKnobs, ORRERY_RESOLVER_KNOBS);

}  // namespace orrery
