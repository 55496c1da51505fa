// orrery init: makes a cluster file (and certificates), and creates the database of a cluster file.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "core/real/testing/certificates.h"
#include "tools/orrery/command.h"
#include "tools/orrery/verbs.h"
#include "txn/controller/create_database.h"

namespace orrery::tools {
namespace {

constexpr int64_t kCertificateSeconds = int64_t{10} * 365 * 86'400;

struct InitArguments {
  ClusterArguments cluster;
  std::string coordinators;
  std::string description = "orrery";
  std::string redundancy = "single";
  std::vector<std::string> configure;
  bool tls = false;
  bool files_only = false;
};

std::string RandomId() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device device;
  std::string id;
  for (int i = 0; i < 16; ++i) {
    id.push_back(kLetters[std::uniform_int_distribution<size_t>(0, kLetters.size() - 1)(device)]);
  }
  return id;
}

bool Exists(const std::string& path) { return std::filesystem::exists(path); }

absl::Status MakeCertificates(const std::string& folder) {
  std::error_code error;
  const std::string fresh = folder + ".new";
  std::filesystem::remove_all(fresh, error);
  std::filesystem::create_directories(fresh, error);
  if (!error) {
    std::filesystem::permissions(fresh, std::filesystem::perms::owner_all, error);
  }
  if (error) return BadInput(fresh + ": " + error.message());
  ASSIGN_OR_RETURN(const auto authority, real::TestAuthority::Create(fresh, "orrery"));
  for (const char* role : {"server", "client"}) {
    RETURN_IF_ERROR(authority->Issue(role, kCertificateSeconds).status());
  }
  std::filesystem::rename(fresh, folder, error);
  if (error) return BadInput(folder + ": " + error.message());
  return absl::OkStatus();
}

// Makes the files that are missing. An existing cluster file stays as it is.
absl::Status MakeFiles(const InitArguments& arguments) {
  const std::string& path = arguments.cluster.cluster_path;
  if (Exists(path)) {
    if (!arguments.coordinators.empty()) {
      return BadInput(path + ": exists; without --coordinators it is used as it is");
    }
    if (arguments.tls && !Exists(TlsFolderOf(path))) {
      return BadInput(path + ": exists without certificates; --tls is for a new cluster");
    }
    return LoadClusterFile(path).status();
  }
  if (arguments.coordinators.empty()) {
    return BadInput(path + ": does not exist; --coordinators HOST:PORT,... makes a new one");
  }
  const std::string text =
      arguments.description + ":" + RandomId() + "@" + arguments.coordinators + "\n";
  absl::StatusOr<ClusterFile> cluster = ClusterFile::Parse(text);
  if (!cluster.ok()) return BadInput(std::string(cluster.status().message()));
  if (arguments.tls) RETURN_IF_ERROR(MakeCertificates(TlsFolderOf(path)));
  const std::string fresh = path + ".new";
  std::ofstream file(fresh);
  file << text;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(fresh, path, error);
  if (!file || error) return BadInput(path + ": cannot be written");
  std::fprintf(stderr, "made %s%s\n", path.c_str(), arguments.tls ? ", with certificates" : "");
  return absl::OkStatus();
}

Task<absl::StatusOr<int>> Create(Client client, Configuration configuration, Duration timeout,
                                 bool json) {
  if (!json) {
    std::fprintf(stderr, "waiting for the coordinators (each runs orrery serve): %s\n",
                 client.cluster.ToString().c_str());
  }
  CO_RETURN_IF_ERROR(
      co_await CreateDatabase(client.env, client.rpc, client.cluster, configuration, timeout));
  // Created; wait until it serves.
  const absl::Status served = co_await client.database.Run(
      [](Transaction& tr) -> Task<absl::Status> { co_return (co_await tr.Get("")).status(); });
  CO_RETURN_IF_ERROR(served);
  std::printf(json ? "{\"created\":true,\"redundancy\":\"%s\"}\n"
                   : "The database is created and serves; redundancy %s.\n",
              std::string(RedundancyName(configuration.replication)).c_str());
  co_return kExitOk;
}

int Init(const InitArguments& arguments) {
  Configuration configuration;
  absl::Status set = configuration.Set("redundancy", arguments.redundancy);
  for (const std::string& each : arguments.configure) {
    const size_t equals = each.find('=');
    if (equals == each.npos) set.Update(BadInput("--configure " + each + ": expected NAME=VALUE"));
    if (equals != each.npos && set.ok()) {
      set = configuration.Set(each.substr(0, equals), each.substr(equals + 1));
    }
  }
  if (!set.ok()) return Tell(set);
  if (absl::Status made = MakeFiles(arguments); !made.ok()) return Tell(made);
  if (arguments.files_only) return kExitOk;
  const Duration timeout = Seconds(arguments.cluster.timeout_seconds);
  const bool json = arguments.cluster.json;
  return RunClient(arguments.cluster, [configuration, timeout, json](Client client) {
    return Create(client, configuration, timeout, json);
  });
}

}  // namespace

RunVerb AddInit(CLI::App& app) {
  auto arguments = std::make_shared<InitArguments>();
  CLI::App* const verb = app.add_subcommand(
      "init", "Creates a database, once: its cluster file if there is none, then the database.");
  AddClientOptions(*verb, arguments->cluster);
  verb->add_option("--coordinators", arguments->coordinators,
                   "HOST:PORT,... of the processes that coordinate; an odd number of them");
  verb->add_option("--description", arguments->description, "name of the cluster")
      ->capture_default_str();
  verb->add_option("--redundancy", arguments->redundancy, "single, double or triple")
      ->capture_default_str();
  verb->add_option("--configure", arguments->configure,
                   "NAME=VALUE: logs, commit_proxies, grv_proxies, resolvers");
  verb->add_flag("--tls", arguments->tls, "make certificates; all connections are TLS 1.3");
  verb->add_flag("--files-only", arguments->files_only, "make the files, not the database yet");
  return [arguments] { return Init(*arguments); };
}

}  // namespace orrery::tools
