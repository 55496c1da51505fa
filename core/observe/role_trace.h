// Roles: what a process is to its system, told so that pictures of a run show it as a span.
//
//   TraceRoleBegan(env.trace(), "commit_proxy", token, generation);
//   ...
//   TraceRoleEnded(env.trace(), "commit_proxy", token, "its generation ended");
//
// `role` is what people call it. `role_id` tells apart roles of one name in one process. The
// `generation` is the epoch or term that it belongs to, 0 when it belongs to none: spans of one
// generation have one colour. A role ends at the latest with its process, of which nothing is said.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/observe/trace.h"

namespace orrery {

void TraceRoleBegan(Trace& trace, std::string_view role, uint64_t role_id, uint64_t generation);
void TraceRoleEnded(Trace& trace, std::string_view role, uint64_t role_id, std::string_view why);

}  // namespace orrery
