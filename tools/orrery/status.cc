// orrery status: what the cluster is doing, in sentences, or as JSON with a version.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/rpc/endpoint_message.h"
#include "storage/server/storage_methods.h"
#include "tools/orrery/command.h"
#include "tools/orrery/json.h"
#include "tools/orrery/status.h"
#include "tools/orrery/verbs.h"
#include "txn/controller/controller_methods.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_methods.h"

namespace orrery::tools {
namespace {

// Raised when a field of the JSON changes its meaning or goes; new ones may come.
constexpr int kSchemaVersion = 1;

constexpr const char* kRoleNames[] = {"sequencer", "grv_proxy", "commit_proxy",
                                      "resolver",  "log",       "storage"};

std::string RoleName(int kind) {
  return kind >= 0 && kind < 6 ? kRoleNames[kind] : "role " + std::to_string(kind);
}

Task<absl::StatusOr<ClusterStatusReply>> AskController(Env* env, RpcClient* rpc,
                                                       LeaderWatch* leader) {
  for (;;) {
    while (leader->leader().candidate_id() == 0) co_await leader->changed().Wait();
    Endpoint controller = FromMessage(leader->leader().endpoint());
    controller.token = kControllerToken;
    auto reply = co_await rpc->Call(controller, kGetClusterStatus, {}, Seconds(2));
    if (reply.ok()) co_return std::move(reply->header);
    if (!IsRetryable(reply.status()) && CodeOf(reply.status()) != ErrorCode::unknown_method) {
      co_return reply.status();
    }
    co_await Sleep(env->clock(), Milliseconds(200));
  }
}

}  // namespace

Task<ClusterView> LookAtCluster(Client client, Duration patience) {
  ClusterView view;
  LeaderWatch leader(client.env, client.rpc, client.cluster);
  TaskGroup tasks(client.env.executor(), [](std::string_view, absl::Status) {});
  tasks.Spawn("leader", leader.Run());
  for (const Endpoint& coordinator : client.cluster.coordinators) {
    auto reply = co_await client.rpc.Call(coordinator, kFormRegister,
                                          Message<FormRegisterRequest>{}, Seconds(2));
    view.coordinators.push_back(
        {coordinator, reply.status(),
         reply.ok() && reply->header.state() == static_cast<uint32_t>(RegisterState::kReady)});
  }
  auto status = co_await Timeout(client.env.clock(), patience,
                                 AskController(&client.env, &client.rpc, &leader));
  if (!status.ok()) {
    view.controller_error = status.status();
    co_return view;
  }
  view.status = *std::move(status);
  for (const StorageTagInfo& each : view.status->storage()) {
    auto reply = co_await client.rpc.Call(FromMessage(each.endpoint()), kStorageStatus,
                                          Message<StorageStatusRequest>{}, Seconds(2));
    view.storage.push_back({each, reply.ok() ? std::optional(reply->header) : std::nullopt});
  }
  co_return view;
}

namespace {

std::string AddressText(const EndpointMessage& message) {
  const Endpoint endpoint = FromMessage(message);
  return endpoint.host.empty() ? endpoint.address.ToString()
                               : endpoint.host + ":" + std::to_string(endpoint.address.port());
}

std::string CoordinatorText(const Endpoint& endpoint) { return AddressText(ToMessage(endpoint)); }

std::string StorageSentences(const ClusterView& view) {
  std::string out;
  for (const auto& each : view.storage) {
    if (!each.reply.has_value()) {
      out += fmt::format("Storage server {} at {} does not answer.\n", each.info.tag_id(),
                         AddressText(each.info.endpoint()));
      continue;
    }
    out += fmt::format(
        "Storage server {} at {}: version {}, durable {} versions behind, {} "
        "bytes, engine {}.\n",
        each.info.tag_id(), AddressText(each.info.endpoint()), each.reply->version(),
        each.reply->version() - each.reply->durable_version(), each.reply->engine_bytes(),
        each.reply->engine());
  }
  return out;
}

std::string Sentences(const ClusterView& view) {
  std::string out;
  size_t answered = 0, ready = 0;
  for (const auto& each : view.coordinators) {
    answered += each.answers();
    ready += each.ready;
  }
  const size_t count = view.coordinators.size();
  out += fmt::format("Coordinators: {} of {} answer.\n", answered, count);
  for (const auto& each : view.coordinators) {
    if (!each.answers()) {
      out += fmt::format("  {} does not answer: {}.\n", CoordinatorText(each.at),
                         Describe(each.answer));
    } else if (!each.ready) {
      out += fmt::format("  {} has no part of a database.\n", CoordinatorText(each.at));
    }
  }
  if (answered == count && ready == 0) {
    return out + "No database was created here; orrery init creates one.\n";
  }
  if (answered <= count / 2) {
    return out + "Without a majority of the coordinators nothing can recover.\n";
  }
  if (!view.status.has_value()) {
    return out +
           fmt::format("No cluster controller answers: {}.\n", Describe(view.controller_error));
  }
  const ClusterStatusReply& status = *view.status;
  out += fmt::format("Generation {}: {}.{}{}\n", status.generation(), status.recovery_state(),
                     status.reason().empty() ? "" : " ", status.reason());
  if (status.accepting_us() > 0) {
    out += fmt::format("Commits are accepted since {} s.\n", status.accepting_us() / 1'000'000);
  } else {
    out += "Commits are not accepted now.\n";
  }
  std::string configuration;
  for (const std::string& each : status.configuration()) {
    configuration += (configuration.empty() ? "" : ", ") + each;
  }
  out += fmt::format("Configuration: {}.\n", configuration);
  std::map<std::string, std::string> roles;  // By process.
  for (const RoleInfo& role : status.state().roles()) {
    std::string& list = roles[role.process()];
    list += (list.empty() ? "" : ", ") + RoleName(role.kind());
  }
  out += fmt::format("{} processes:\n", status.workers_size());
  for (const WorkerInfo& worker : status.workers()) {
    const std::string& list = roles[worker.process()];
    out +=
        fmt::format("  {:<20} {:<22} zone {:<12} {}{}\n", worker.process(),
                    AddressText(worker.endpoint()), worker.zone(), list,
                    worker.storage_ids_size() > 0 ? (list.empty() ? "storage" : ", storage") : "");
  }
  if (status.old_log_sets() > 0) {
    out += fmt::format("{} older sets of logs are not drained yet.\n", status.old_log_sets());
  }
  return out + StorageSentences(view);
}

std::string JsonOf(const ClusterView& view) {
  Json json;
  json.BeginObject().Field("schema_version", kSchemaVersion);
  json.BeginArray("coordinators");
  for (const auto& each : view.coordinators) {
    json.BeginObject()
        .Field("address", CoordinatorText(each.at))
        .Field("answers", each.answers())
        .Field("ready", each.ready)
        .End();
  }
  json.End();
  json.Field("controller_answers", view.status.has_value());
  if (!view.status.has_value()) {
    json.Field("error", Describe(view.controller_error));
    return json.End().Take();
  }
  const ClusterStatusReply& status = *view.status;
  json.Field("generation", status.generation())
      .Field("recovery_state", status.recovery_state())
      .Field("reason", status.reason())
      .Field("accepting_commits", status.state().accepting_commits())
      .Field("accepting_us", status.accepting_us())
      .Field("recoveries", status.recoveries())
      .Field("recovery_version", status.recovery_version())
      .Field("old_log_sets", status.old_log_sets());
  json.BeginObject("configuration");
  for (const std::string& each : status.configuration()) {
    const size_t equals = each.find('=');
    json.Field(each.substr(0, equals), each.substr(equals + 1));
  }
  json.End().BeginArray("processes");
  for (const WorkerInfo& worker : status.workers()) {
    json.BeginObject()
        .Field("name", worker.process())
        .Field("address", AddressText(worker.endpoint()))
        .Field("machine", worker.machine())
        .Field("zone", worker.zone())
        .Field("class", worker.process_class());
    json.BeginArray("roles");
    for (const RoleInfo& role : status.state().roles()) {
      if (role.process() == worker.process()) json.Value(RoleName(role.kind()));
    }
    json.End().End();
  }
  json.End().BeginArray("storage");
  for (const auto& each : view.storage) {
    json.BeginObject()
        .Field("tag", each.info.tag_id())
        .Field("address", AddressText(each.info.endpoint()))
        .Field("zone", each.info.zone())
        .Field("answers", each.reply.has_value());
    if (each.reply.has_value()) {
      json.Field("version", each.reply->version())
          .Field("durable_version", each.reply->durable_version())
          .Field("oldest_version", each.reply->oldest_version())
          .Field("window_bytes", each.reply->window_bytes())
          .Field("engine_bytes", each.reply->engine_bytes())
          .Field("reads", each.reply->reads())
          .Field("mutations", each.reply->mutations())
          .Field("engine", each.reply->engine());
    }
    json.End();
  }
  return json.End().End().Take();
}

Task<absl::StatusOr<int>> Print(Client client, Duration patience, bool json) {
  const ClusterView view = co_await LookAtCluster(client, patience);
  std::printf("%s%s", (json ? JsonOf(view) : Sentences(view)).c_str(), json ? "\n" : "");
  co_return view.status.has_value() && view.status->state().accepting_commits() ? kExitOk
                                                                                : kExitFailed;
}

}  // namespace

std::string StatusSentences(const ClusterView& view) { return Sentences(view); }

RunVerb AddStatus(CLI::App& app) {
  auto arguments = std::make_shared<ClusterArguments>();
  arguments->timeout_seconds = 10;
  CLI::App* const verb = app.add_subcommand(
      "status", "Tells what the cluster does. Exit code 1 when it accepts no commits now.");
  AddClientOptions(*verb, *arguments);
  return [arguments] {
    ClusterArguments whole = *arguments;
    whole.timeout_seconds += 60;  // For the questions that follow the controller's answer.
    return RunClient(whole, [arguments](Client client) {
      return Print(client, Seconds(arguments->timeout_seconds), arguments->json);
    });
  };
}

}  // namespace orrery::tools
