// Where a versionstamped key may come to lie. Pure.
#pragma once

#include "core/base/keys.h"
#include "core/base/version.h"

namespace orrery {

// The keys that `key`, whose last 4 bytes say where the stamp goes, may become when it is committed
// after `read_version`; none from `end` on. REQUIRES: CheckVersionstamped is ok.
KeyRange VersionstampRange(KeyRef key, Version read_version, KeyRef end);

}  // namespace orrery
