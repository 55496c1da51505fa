// orrery serve: one process that hosts everything, or those of a configuration file.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/real/real_env.h"
#include "tools/orrery/command.h"
#include "tools/orrery/serve_config.h"
#include "tools/orrery/verbs.h"
#include "txn/worker/server.h"

namespace orrery::tools {
namespace {

struct ServeArguments {
  ClusterArguments cluster;
  std::string config_path;
  std::string only;
  std::string trace_path;
  ServeProcess process;
};

absl::StatusOr<NetworkAddress> AddressOf(const std::string& option, const std::string& text) {
  const auto address = NetworkAddress::Parse(text);
  if (address.has_value()) return *address;
  return BadInput(option + " " + text + ": expected ADDRESS:PORT, such as 127.0.0.1:4500");
}

absl::StatusOr<real::RealProcess> MakeProcess(const ServeProcess& process,
                                              const ServeArguments& arguments,
                                              const ClusterFile& cluster, const KnobSet& knobs) {
  RETURN_IF_ERROR(CheckProcessClass(process.process_class));
  ServerOptions server{.cluster = cluster, .listen = {}, .announce = {}};
  server.process_class = process.process_class;
  ASSIGN_OR_RETURN(server.listen, AddressOf("--listen", process.listen));
  server.announce = server.listen;
  if (!process.announce.empty()) {
    ASSIGN_OR_RETURN(server.announce, AddressOf("--announce", process.announce));
  }
  real::RealOptions options;
  options.data_directory = process.data;
  options.locality.process = process.name.empty() ? process.listen : process.name;
  options.locality.machine = process.machine.empty() ? options.locality.process : process.machine;
  options.locality.zone = process.zone.empty() ? options.locality.machine : process.zone;
  options.knobs = &knobs;
  options.trace_path = arguments.trace_path;
  ASSIGN_OR_RETURN(options.tls, TlsOf(arguments.cluster.cluster_path, "server"));
  return real::RealProcess{std::move(options),
                           [server](Env& env) { return RunServer(env, server); }};
}

absl::StatusOr<std::vector<ServeProcess>> ProcessesOf(ServeArguments& arguments) {
  if (arguments.config_path.empty()) {
    if (arguments.process.data.empty() || arguments.process.listen.empty()) {
      return BadInput("--data and --listen say where; or --config names a file that does");
    }
    return std::vector<ServeProcess>{arguments.process};
  }
  ASSIGN_OR_RETURN(ServeConfig config, LoadServeConfig(arguments.config_path));
  arguments.cluster.cluster_path = config.cluster;
  for (std::string& knob : config.knobs) arguments.cluster.knobs.push_back(std::move(knob));
  if (arguments.only.empty()) return config.processes;
  for (const ServeProcess& process : config.processes) {
    if (process.name == arguments.only) return std::vector<ServeProcess>{process};
  }
  return BadInput(arguments.config_path + ": has no process " + arguments.only);
}

int Serve(ServeArguments& arguments) {
  const auto processes = ProcessesOf(arguments);
  if (!processes.ok()) return Tell(processes.status());
  KnobSet knobs;
  if (absl::Status set = SetKnobs(arguments.cluster.knobs, knobs); !set.ok()) return Tell(set);
  const auto cluster = LoadClusterFile(arguments.cluster.cluster_path);
  if (!cluster.ok()) return Tell(cluster.status());
  std::vector<real::RealProcess> made;
  for (const ServeProcess& process : *processes) {
    auto each = MakeProcess(process, arguments, *cluster, knobs);
    if (!each.ok()) return Tell(each.status());
    made.push_back(*std::move(each));
  }
  return real::RunProcesses(std::move(made));
}

}  // namespace

RunVerb AddServe(CLI::App& app) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* const verb = app.add_subcommand(
      "serve", "Runs a process of a cluster (all of it, in a cluster of one) until SIGTERM.");
  AddClusterOptions(*verb, arguments->cluster);
  CLI::Option* const config =
      verb->add_option("--config", arguments->config_path, "file that lists the processes");
  verb->add_option("--only", arguments->only, "the one process of --config to run")->needs(config);
  verb->add_option("--data", arguments->process.data, "its directory; made when not there")
      ->excludes(config);
  verb->add_option("--listen", arguments->process.listen, "ADDRESS:PORT")->excludes(config);
  verb->add_option("--announce", arguments->process.announce,
                   "ADDRESS:PORT where others reach it, if not where it listens")
      ->excludes(config);
  verb->add_option("--class", arguments->process.process_class,
                   "roles it hosts: any, storage, log, stateless or coordinator")
      ->excludes(config)
      ->capture_default_str();
  verb->add_option("--name", arguments->process.name,
                   "of the process, the same after restarts; default: --listen")
      ->excludes(config);
  verb->add_option("--machine", arguments->process.machine, "default: the name")->excludes(config);
  verb->add_option("--zone", arguments->process.zone, "what fails together; default: the machine")
      ->excludes(config);
  verb->add_option("--trace", arguments->trace_path, "file for trace events; else standard error");
  return [arguments] { return Serve(*arguments); };
}

}  // namespace orrery::tools
