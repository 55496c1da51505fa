// InterruptWatch: while one lives, Ctrl-C and a request to terminate do not end the process; it is
// told of them when it asks. Children are not affected: see child.h.
#pragma once

#include <signal.h>

namespace orrery::sim {

class InterruptWatch {
 public:
  InterruptWatch() {
    sigemptyset(&watched_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&watched_, number);
    sigprocmask(SIG_BLOCK, &watched_, &before_);
  }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  ~InterruptWatch() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

  // Whether one came since it was asked last.
  bool Take() {
    const timespec now = {};
    return sigtimedwait(&watched_, nullptr, &now) > 0;
  }

 private:
  sigset_t watched_;
  sigset_t before_;
};

}  // namespace orrery::sim
