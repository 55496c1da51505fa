// What the verbs of `orrery` share: exit codes, the cluster they talk to, how a client runs.
//
// Exit codes of every verb: 0 well; 1 failed, told on standard error; 2 bad input, told in one line
// on standard error, nothing changed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/knobs/knobs.h"
#include "core/real/real_env.h"
#include "core/rpc/client.h"
#include "txn/client/database.h"
#include "txn/coordinator/cluster_file.h"

namespace CLI {
class App;
}

namespace orrery::tools {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitBadInput = 2;

absl::Status BadInput(const std::string& what);

// Prints the one line for bad input, or for a failure, and gives the exit code.
int Tell(const absl::Status& status);

// The options of every verb that talks to a cluster.
struct ClusterArguments {
  std::string cluster_path = "orrery.cluster";
  std::vector<std::string> knobs;
  int64_t timeout_seconds = 60;
  bool json = false;
};

// Adds --cluster and --knob.
void AddClusterOptions(CLI::App& verb, ClusterArguments& arguments);
// Adds those, --timeout-seconds and -o.
void AddClientOptions(CLI::App& verb, ClusterArguments& arguments);
void AddOutputOption(CLI::App& verb, bool& json);

absl::StatusOr<ClusterFile> LoadClusterFile(const std::string& path);

// The folder beside a cluster file that has its certificates, if the cluster was made with --tls.
std::string TlsFolderOf(const std::string& cluster_path);
// Those of `role`, "server" or "client"; nothing when the cluster is without TLS.
absl::StatusOr<std::optional<real::TlsFiles>> TlsOf(const std::string& cluster_path,
                                                    const std::string& role);

// All groups of knobs of a real process, set from "NAME=VALUE".
absl::Status SetKnobs(const std::vector<std::string>& settings, KnobSet& knobs);

// What a verb that talks to a cluster works with.
struct Client {
  Env& env;
  RpcClient& rpc;
  Database& database;
  const ClusterFile& cluster;
};

// A verb's work: gives its exit code, kExitOk or kExitFailed (then it has told why).
using ClientBody = std::function<Task<absl::StatusOr<int>>(Client)>;

// Connects, runs the body within the time that `arguments` allow, and gives the exit code.
int RunClient(const ClusterArguments& arguments, ClientBody body);

}  // namespace orrery::tools
