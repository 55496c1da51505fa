// The two events of role_trace.h.
#include "core/observe/role_trace.h"

#include "core/observe/story_events.h"

namespace orrery {

void TraceRoleBegan(Trace& trace, std::string_view role, uint64_t role_id, uint64_t generation) {
  if (auto e = trace.Info(story_events::kRoleBegan)) {
    e.Add("role", role).Add("role_id", role_id).Add("generation", generation);
  }
}

void TraceRoleEnded(Trace& trace, std::string_view role, uint64_t role_id, std::string_view why) {
  if (auto e = trace.Info(story_events::kRoleEnded)) {
    e.Add("role", role).Add("role_id", role_id).Add("why", why);
  }
}

}  // namespace orrery
