// See version_age.h. A jump (last, first) takes first - last - 1 versions away.
#include "storage/server/version_age.h"

#include <algorithm>

#include "core/base/invariant.h"

namespace orrery {

void VersionAge::AddJump(Version last, Version first) {
  INVARIANT(last < first, last, first);
  INVARIANT(jumps_.empty() || jumps_.back().first <= last, last);
  jumps_.push_back({last, first});
}

Version VersionAge::Between(Version older, Version newer) const {
  if (newer <= older) return 0;
  Version age = newer - older;
  for (const Jump& jump : jumps_) {
    // Of the versions last + 1 ... first - 1, those in (older, newer].
    const Version from = std::max(older, jump.last);
    const Version through = std::min(newer, jump.first - 1);
    if (through > from) age -= through - from;
  }
  return age;
}

Version VersionAge::Back(Version newest, Version age) const {
  Version at = newest;
  for (auto jump = jumps_.rbegin(); jump != jumps_.rend() && age > 0; ++jump) {
    if (at >= jump->first) {
      const Version here = at - (jump->first - 1);  // Down to the last one that never was.
      if (age <= here) return at - age;
      age -= here;
      at = jump->last;
    } else {
      at = std::min(at, jump->last);
    }
  }
  return std::max<Version>(0, at - age);
}

void VersionAge::Forget(Version oldest) {
  while (!jumps_.empty() && jumps_.front().first <= oldest) jumps_.pop_front();
}

}  // namespace orrery
