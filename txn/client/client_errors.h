// What an error of a call to the cluster means to the client that made it.
#pragma once

#include "core/base/status.h"

namespace orrery {

// Whether another attempt, perhaps at another server, may not meet the error: every failure of the
// peer or of the way to it. Not what is wrong with the request, or with who sends it.
bool MayPassElsewhere(const absl::Status& error);

// Whether a commit that failed with the error was surely not made, by nobody, ever.
bool SurelyNotCommitted(const absl::Status& error);

}  // namespace orrery
