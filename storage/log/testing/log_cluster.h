// A few machines that host logs, one whose only process drives them: pushes, recovers, consumes.
// The driver is a proxy, a recovery and consumers in one, without their care for speed.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/when_all.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/log/log_cursor.h"
#include "storage/log/log_knobs.h"
#include "storage/log/log_methods.h"
#include "storage/log/log_server.h"
#include "storage/log/log_team.h"

namespace orrery::log_testing {

inline constexpr uint16_t kPort = 4500;

inline void AddKnobs(KnobSet& knobs) {
  knobs.Add<RpcKnobs>();
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<LogKnobs>();
}

// What a host is told to do. Shared between the simulated processes, which no real ones could.
struct Order {
  NewLogOptions options;
  std::optional<absl::Status> ready;
};

struct Host {
  NetworkAddress address;
  std::string zone;
  std::vector<std::shared_ptr<Order>> orders;
};

inline std::string DirectoryOf(uint64_t log_id) { return "log-" + std::to_string(log_id); }

inline Task<absl::Status> TellReady(Future<absl::Status> ready, std::shared_ptr<Order> order) {
  order->ready = co_await std::move(ready);
  co_return absl::OkStatus();
}

// The main of a host: serves what it finds on its disk, and what it is told to make. It ends with
// the first log that fails.
inline Task<absl::Status> RunHost(Env* env, Host* host) {
  host->orders.clear();
  const RpcIdentity identity{"logs", env->locality().process, DrawIncarnation(*env)};
  RpcServer server(*env, identity);
  CO_RETURN_IF_ERROR(server.Listen(host->address));
  RpcClient rpc(*env, identity);
  absl::Status failed;
  TaskGroup roles(env->executor(), [&failed](std::string_view, absl::Status status) {
    if (failed.ok()) failed = std::move(status);
  });
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> names, co_await env->files().List(""));
  for (const std::string& name : names) {
    if (!name.starts_with("log-")) continue;
    const auto stored = co_await DescribeStoredLog(*env, name, {});
    if (CodeOf(stored.status()) == ErrorCode::file_not_found) continue;
    CO_RETURN_IF_ERROR(stored.status());
    roles.Spawn("stored", RunStoredLog({*env, server, rpc, stored->log_id, {}}, name, {}));
  }
  while (failed.ok()) {
    for (auto& order : std::exchange(host->orders, {})) {
      Promise<absl::Status> ready;
      roles.Spawn("told", TellReady(ready.future(), order));
      roles.Spawn("new", RunNewLog({*env, server, rpc, order->options.log_id, std::move(ready)},
                                   order->options));
    }
    co_await Sleep(env->clock(), Milliseconds(5));
  }
  co_return failed;
}

// What was written, by version, and what consumers got.
struct Ledger {
  struct Written {
    std::map<Tag, std::vector<std::string>> keys;  // By tag, in order.
  };
  std::map<Version, Written> versions;
  Version acknowledged = 0;
  Version end = 0;  // What is above may still be discarded.
  uint64_t recoveries = 0;
  uint64_t discarded = 0;
  uint64_t duplicates = 0;
  uint64_t received = 0;
  std::string wrong;

  void Expect(bool right, const std::string& what) {
    if (!right && wrong.empty()) wrong = what;
  }

  // The versions of `tag` in (after, through], as a consumer should have got them.
  void Check(Tag tag, Version after, const LogCursor::Messages& got);
};

// The driver. Lives in a process of its own, which is spared.
class Driver {
 public:
  Driver(Env& env, std::vector<Host>& hosts, Ledger& ledger, const bool& calm)
      : env_(env),
        hosts_(hosts),
        ledger_(ledger),
        calm_(calm),
        random_(env.random("driver")),
        rpc_(env, {"logs", "driver", 0}),
        tasks_(env.executor(), [this](std::string_view task, absl::Status status) {
          ledger_.Expect(false, std::string(task) + ": " + Describe(status));
        }) {}

  // Generation after generation, until it is calm and a last generation has gone well.
  Task<absl::Status> Run(std::vector<Tag> tags);

  LogSystemView& view() { return view_; }
  RpcClient& rpc() { return rpc_; }

 private:
  struct Locked {
    Version end;
    Version known_committed;
  };

  Task<absl::Status> Recover();
  Task<absl::StatusOr<Locked>> LockOld();
  Task<absl::StatusOr<Version>> LockOne(LogMember log, Version* known_committed);
  Task<absl::Status> Recruit(Locked locked);
  Task<absl::Status> WritePart();
  Task<absl::Status> PushOne(uint64_t generation, Version previous, Version version, Buffer batch);
  Task<absl::Status> PushTo(LogMember log, PushRequest request, Buffer batch);
  Task<absl::Status> Advance();
  Buffer MakeBatch(Version version);
  Task<absl::Status> Consume(Tag tag);

  Env& env_;
  std::vector<Host>& hosts_;
  Ledger& ledger_;
  const bool& calm_;
  Random& random_;
  RpcClient rpc_;
  LogSystemView view_;
  LogSystem system_;
  std::vector<Tag> tags_;
  std::map<Tag, Version> positions_;
  bool generation_failed_ = false;
  Version last_ = 0;  // The last version given out.
  uint64_t in_flight_ = 0;
  Notify landed_;
  TaskGroup tasks_;
};

}  // namespace orrery::log_testing
