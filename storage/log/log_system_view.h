// LogSystemView: the log system as a process knows it now. The host of the process's roles keeps it
// up to date; consumers of the log read it and wait for changes.
#pragma once

#include <utility>

#include "core/async/notify.h"
#include "storage/log/log.pb.h"

namespace orrery {

class LogSystemView {
 public:
  // Generation 0 and no sets: nothing is known yet.
  const LogSystem& current() const { return current_; }

  // Changed whenever current() does: the generation, or which old sets are left.
  Notify& changed() { return changed_; }

  // Takes a newer or equal state; one of an older generation is ignored.
  void Update(LogSystem system) {
    if (system.generation() < current_.generation()) return;
    current_ = std::move(system);
    changed_.NotifyAll();
  }

 private:
  LogSystem current_;
  Notify changed_;
};

}  // namespace orrery
