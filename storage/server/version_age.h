// VersionAge: turns versions into ages. Versions pass at about a million a second, but each
// recovery jumps over many that never were: those count for nothing. Every age in versions that a
// storage server needs is computed here.
#pragma once

#include <deque>

#include "core/base/version.h"

namespace orrery {

class VersionAge {
 public:
  // A generation begins with `first`; the one before it ended at `last`: no version in between will
  // ever exist. REQUIRES: last < first; later than the jumps before.
  void AddJump(Version last, Version first);

  // Versions that could have passed after `older` up to `newer`. Zero when newer <= older.
  Version Between(Version older, Version newer) const;

  // The greatest version v with Between(v, newest) >= age, and at least 0: what is at or below it
  // has that age. REQUIRES: age >= 0.
  Version Back(Version newest, Version age) const;

  // Nobody will ask about versions below `oldest` again.
  void Forget(Version oldest);

 private:
  struct Jump {
    Version last;
    Version first;
  };
  std::deque<Jump> jumps_;  // Ascending, disjoint.
};

}  // namespace orrery
