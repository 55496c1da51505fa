// Buggify: rare but legal behaviour, planted at named sites of the code, that only a simulation
// triggers: a slow sync, a batch of one, a retry that was not needed.
//
//   if (Buggify(env, "log.sync.slow", OneIn(20))) co_await Sleep(env.clock(), Seconds(1));
//
// In a simulated world the seed first draws which sites are active at all, then, at each passage of
// an active site, whether it fires. For real it is false.
#pragma once

#include "core/env/env.h"

namespace orrery {

inline bool Buggify(Env& env, Purpose site, Ratio probability) {
  return env.BuggifyFires(site, probability);
}

}  // namespace orrery
