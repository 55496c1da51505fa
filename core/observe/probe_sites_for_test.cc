// The second source with probes of the same inline functions, and some of its own.
#include "core/observe/probe_sites_for_test.h"

namespace orrery {
namespace {

template <int kNumber>
struct Filler {
  static void Pass(ProbedEnv& env) {
    PROBE(env, "test.many");
    if constexpr (kNumber > 0) Filler<kNumber - 1>::Pass(env);
  }
};

}  // namespace

// Nothing calls it: its probe is to be known all the same.
void NeverCalled(ProbedEnv& env) { PROBE(env, "test.never_called"); }

void PassAllElsewhere(ProbedEnv& env) {
  PassInline(env);
  PassTemplate(env, 1);
  PassTemplate(env, 1L);
  ProbedClass().Pass(env);
  Filler<99>::Pass(env);
  PROBE(env, "test.same_name");
}

}  // namespace orrery
