// A process of the cluster: its RPC server, a coordinator if the cluster file names its address, a
// candidate for the controller, and a worker that hosts whatever roles it is told to.
//
// Files, in the root of the process's file system:
//   lock            held while the process lives
//   process         a file header alone: whose directory this is
//   coordinator     the register; only where a database was created
//   log-ID/         one directory for each log (hexadecimal id)
//   storage-ID/     one for each storage server
#pragma once

#include <string>

#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "txn/coordinator/cluster_file.h"

namespace orrery {

struct ServerOptions {
  ClusterFile cluster;
  NetworkAddress listen;
  // How others reach it, if not at `listen`.
  NetworkAddress announce;
  std::string process_class = "any";  // See WorkerInfo.
};

// The groups of knobs that a server (and a client) needs, those of core apart.
void AddServerKnobs(KnobSet& knobs);

// Serves until a disk fails, the directory is another's (wrong_cluster, protocol_mismatch,
// file_corrupt), or in use (file_locked), or the address cannot be had (bind_failed). What is
// refused at start leaves nothing behind. Locality of `env` names process, machine and zone.
Task<absl::Status> RunServer(Env& env, ServerOptions options);

}  // namespace orrery
