// Probes in places where a linker might merge, repeat or lose them: shared by two sources of the
// test.
#pragma once

#include "core/async/task.h"
#include "core/observe/probe.h"

namespace orrery {

struct ProbedEnv {
  Probes& probes() { return counts; }
  Probes counts;
};

inline void PassInline(ProbedEnv& env) { PROBE(env, "test.inline"); }

template <class T>
void PassTemplate(ProbedEnv& env, T) {
  PROBE(env, "test.template");
}

class ProbedClass {
 public:
  void Pass(ProbedEnv& env) { PROBE(env, "test.member"); }
};

inline Task<int> PassCoroutine(ProbedEnv* env, int n) {
  PROBE(*env, "test.coroutine.begin");
  if (n > 0) n += co_await PassCoroutine(env, n - 1);
  PROBE(*env, "test.coroutine.end");
  co_return n;
}

// From the other source.
void PassAllElsewhere(ProbedEnv& env);

}  // namespace orrery
