// EnvWrapper: forwards everything to another Env, so that a test overrides one thing.
#pragma once

#include "core/env/env.h"

namespace orrery {

class EnvWrapper : public Env {
 public:
  // REQUIRES: `base` outlives this.
  explicit EnvWrapper(Env& base) : base_(base) {}

  Clock& clock() override { return base_.clock(); }
  Executor& executor() override { return base_.executor(); }
  Network& network() override { return base_.network(); }
  FileSystem& files() override { return base_.files(); }
  Threads& threads() override { return base_.threads(); }
  Random& random(Purpose purpose) override { return base_.random(purpose); }
  Trace& trace() override { return base_.trace(); }
  Metrics& metrics() override { return base_.metrics(); }
  Probes& probes() override { return base_.probes(); }
  MemoryBudget& memory() override { return base_.memory(); }
  const KnobSet& knobs() const override { return base_.knobs(); }
  const Locality& locality() const override { return base_.locality(); }
  bool BuggifyFires(Purpose site, Ratio probability) override {
    return base_.BuggifyFires(site, probability);
  }

 protected:
  Env& base() { return base_; }

 private:
  Env& base_;
};

}  // namespace orrery
