// Removes the rows by which commits are known (txn/proxy/commit_ids.h) once nobody can ask for them
// any more.
#pragma once

#include "txn/client/database.h"

namespace orrery {

// For ever: every now and then, clears the rows that are older than client_commit_id_age and writes
// how far it got, in one transaction. Errors are tried again later.
Task<absl::Status> ExpireCommitIds(Env& env, Database& database);

}  // namespace orrery
