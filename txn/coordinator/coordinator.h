// The coordinator: one register of the cluster, durable in one file, and a place where candidates
// for the controller meet.
#pragma once

#include <string>

#include "core/rpc/role_context.h"

namespace orrery {

// Serves the register in the file `path` (and `path`.new while it is replaced; its directory
// exists) under token 0, and the nomination, until its disk fails. Without the file it answers that
// it is not ready, and makes one only when told to form. file_corrupt, protocol_mismatch: it does
// not serve.
Task<absl::Status> RunCoordinator(RoleContext context, std::string path);

}  // namespace orrery
