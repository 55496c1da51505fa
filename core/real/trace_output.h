// Where a process's trace lines go: a file that is appended to, or standard error.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/env/env.h"
#include "core/observe/trace.h"

namespace orrery::real {

// Opens the file at once; `made` tells whether it was not there before. invalid_argument, naming
// it, when it cannot be appended to. Each event is one write: lines of several processes may share
// a file.
absl::StatusOr<std::unique_ptr<TraceSink>> OpenTraceOutput(const std::string& path,
                                                           const Locality& locality, bool& made);

}  // namespace orrery::real
