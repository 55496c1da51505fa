// Options, files, and the client's process.
#include "tools/orrery/command.h"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "core/async/timeout.h"
#include "core/real/real_knobs.h"
#include "core/rpc/rpc_knobs.h"
#include "txn/worker/server.h"

namespace orrery::tools {
namespace {

bool Exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

Task<absl::StatusOr<int>> Timed(Env* env, Duration limit, Task<absl::StatusOr<int>> body) {
  absl::StatusOr<int> code = co_await Timeout(env->clock(), limit, std::move(body));
  if (CodeOf(code.status()) == ErrorCode::timed_out && code.status().message().empty()) {
    co_return Error(ErrorCode::timed_out, "the cluster did not answer within " +
                                              std::to_string(limit / Seconds(1)) +
                                              " s; see orrery status");
  }
  co_return code;
}

Task<absl::Status> RunBody(Env& env, ClusterFile cluster, ClientBody body, Duration limit,
                           int* exit_code) {
  RpcClient rpc(env, {.cluster_id = cluster.cluster_name(), .process = {}});
  Database database(env, rpc, cluster);
  CO_ASSIGN_OR_RETURN(*exit_code,
                      co_await Timed(&env, limit, body(Client{env, rpc, database, cluster})));
  co_return absl::OkStatus();
}

}  // namespace

absl::Status BadInput(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

int Tell(const absl::Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::ok:
      return kExitOk;
    case ErrorCode::invalid_argument:
    case ErrorCode::cluster_file_invalid:
      std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
      return kExitBadInput;
    default:
      std::fprintf(stderr, "error: %s\n", Describe(status).c_str());
      return kExitFailed;
  }
}

void AddClusterOptions(CLI::App& verb, ClusterArguments& arguments) {
  verb.add_option("--cluster", arguments.cluster_path, "cluster file")->capture_default_str();
  verb.add_option("--knob", arguments.knobs, "NAME=VALUE of a tunable");
}

void AddClientOptions(CLI::App& verb, ClusterArguments& arguments) {
  AddClusterOptions(verb, arguments);
  verb.add_option("--timeout-seconds", arguments.timeout_seconds, "of the whole command")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  AddOutputOption(verb, arguments.json);
}

void AddOutputOption(CLI::App& verb, bool& json) {
  verb.add_option_function<std::string>(
          "-o", [&json](const std::string& form) { json = form == "json"; },
          "form of the output: text or json")
      ->check(CLI::IsMember({"text", "json"}));
}

absl::StatusOr<ClusterFile> LoadClusterFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return BadInput(path + ": there is no such cluster file; orrery init makes one, --cluster " +
                    "names another");
  }
  std::ostringstream text;
  text << file.rdbuf();
  absl::StatusOr<ClusterFile> cluster = ClusterFile::Parse(text.str());
  if (!cluster.ok()) {
    return Error(ErrorCode::cluster_file_invalid,
                 path + ": " + std::string(cluster.status().message()));
  }
  return cluster;
}

std::string TlsFolderOf(const std::string& cluster_path) { return cluster_path + ".tls"; }

absl::StatusOr<std::optional<real::TlsFiles>> TlsOf(const std::string& cluster_path,
                                                    const std::string& role) {
  const std::string folder = TlsFolderOf(cluster_path);
  if (!Exists(folder)) return std::optional<real::TlsFiles>();
  const real::TlsFiles files{.certificate = folder + "/" + role + ".certificate.pem",
                             .key = folder + "/" + role + ".key.pem",
                             .authority = folder + "/ca.orrery.pem"};
  for (const std::string& each : {files.certificate, files.key, files.authority}) {
    if (!Exists(each)) {
      return BadInput(each + ": missing, but " + folder + " says that the cluster uses TLS");
    }
  }
  return files;
}

absl::Status SetKnobs(const std::vector<std::string>& settings, KnobSet& knobs) {
  knobs.Add<real::RealKnobs>();
  knobs.Add<RpcKnobs>();
  AddServerKnobs(knobs);
  for (const std::string& each : settings) RETURN_IF_ERROR(knobs.SetFromText(each));
  return absl::OkStatus();
}

int RunClient(const ClusterArguments& arguments, ClientBody body) {
  KnobSet knobs;
  if (absl::Status set = SetKnobs(arguments.knobs, knobs); !set.ok()) return Tell(set);
  const absl::StatusOr<ClusterFile> cluster = LoadClusterFile(arguments.cluster_path);
  if (!cluster.ok()) return Tell(cluster.status());
  auto tls = TlsOf(arguments.cluster_path, "client");
  if (!tls.ok()) return Tell(tls.status());
  real::RealOptions options;
  options.knobs = &knobs;
  options.trace_least = TraceLevel::kError;
  options.tls = *std::move(tls);
  int exit_code = kExitFailed;
  auto env = real::RealEnv::Create(std::move(options));
  if (!env.ok()) return Tell(env.status());
  const absl::Status ran = (*env)->Run([&](Env& each) {
    return RunBody(each, *cluster, body, Seconds(arguments.timeout_seconds), &exit_code);
  });
  return ran.ok() ? exit_code : Tell(ran);
}

}  // namespace orrery::tools
