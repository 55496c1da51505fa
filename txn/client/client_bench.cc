// The client's own cost: point reads by many transactions at once, ten one after the other in each,
// and range reads of 1,000 rows. Servers and network are as cheap as they can be and run on the
// same core: what is measured is an upper limit of the client's cost.
#include <benchmark/benchmark.h>

#include "core/async/manual_loop.h"
#include "core/async/task_group.h"
#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/rpc_knobs.h"
#include "core/rpc/server.h"
#include "core/rpc/testing/memory_network.h"
#include "storage/server/storage_methods.h"
#include "txn/client/client_knobs.h"
#include "txn/client/cluster_connection.h"
#include "txn/client/database.h"
#include "txn/client/database_core.h"
#include "txn/proxy/proxy_methods.h"

namespace orrery {
namespace {

constexpr int kTransactions = 100;
constexpr int kReads = 10;
constexpr uint32_t kRows = 1000;
const NetworkAddress kServer = NetworkAddress::V4(0x0a000001, 4500);

class OneServer final : public ClusterConnection {
 public:
  Task<absl::Status> Run() override {
    SetProxies({1, {kServer}, {kServer}});
    co_return absl::OkStatus();
  }
};

struct Server {
  Server() {
    std::string rows;
    for (uint32_t i = 0; i < kRows; ++i) {
      AppendVarint(rows, 16);
      AppendVarint(rows, 100);
      rows += std::to_string(1'000'000'000'000'000 + i) + std::string(100, 'v');
    }
    range = Buffer::Copy(rows);
  }

  Task<absl::StatusOr<Message<ReadVersionReply>>> Version(Message<ReadVersionRequest>, CallInfo) {
    Message<ReadVersionReply> reply;
    reply.header.set_version(1000);
    co_return reply;
  }
  Task<absl::StatusOr<Message<LocateReply>>> Locate(Message<LocateRequest>, CallInfo) {
    Message<LocateReply> reply;
    ShardLocation& shard = *reply.header.add_shards();
    shard.set_end("\xff\xff");
    *shard.add_servers()->mutable_endpoint() = ToMessage(kServer);
    co_return reply;
  }
  Task<absl::StatusOr<Message<GetValueReply>>> Get(Message<GetValueRequest>, CallInfo) {
    Message<GetValueReply> reply;
    reply.header.set_found(true);
    reply.attachment = Buffer::Copy(std::string(100, 'v'));
    co_return reply;
  }
  Task<absl::StatusOr<Message<GetValuesReply>>> GetMany(Message<GetValuesRequest> request,
                                                        CallInfo) {
    std::string values;
    for (int i = 0; i < request.header.keys_size(); ++i) {
      AppendFixed<uint8_t>(values, 1);
      AppendFixed<uint32_t>(values, 100);
      values.append(100, 'v');
    }
    Message<GetValuesReply> reply;
    reply.attachment = Buffer::Copy(values);
    co_return reply;
  }
  Task<absl::StatusOr<Message<GetRangeReply>>> GetRange(Message<GetRangeRequest>, CallInfo) {
    Message<GetRangeReply> reply;
    reply.header.set_rows(kRows);
    reply.attachment = range;
    co_return reply;
  }

  Buffer range;
};

class ClientEnv final : public testing_rpc::MemoryEnv {
 public:
  explicit ClientEnv(testing_rpc::MemoryNetwork& network) : MemoryEnv(network, 0x0a000002) {
    knobs_.Add<RpcKnobs>();
    knobs_.Add<ClientKnobs>();
  }
  const KnobSet& knobs() const override { return knobs_; }

 private:
  KnobSet knobs_;
};

// A server and a client on one loop.
class Rig {
 public:
  Rig() {
    server_.Handle<kGetReadVersion, &Server::Version>(&handlers_);
    server_.Handle<kLocate, &Server::Locate>(&handlers_);
    server_.Handle<kGetValue, &Server::Get>(&handlers_);
    server_.Handle<kGetValues, &Server::GetMany>(&handlers_);
    server_.Handle<kGetRange, &Server::GetRange>(&handlers_);
    if (!server_.Listen(kServer).ok()) std::abort();
  }

  void RunTasks(int count, Task<absl::Status> (*make)(Database*)) {
    for (int i = 0; i < count; ++i) tasks_.Spawn("bench", make(&database_));
    while (tasks_.size() > 0) loop_.Step();
  }

 private:
  ManualLoop loop_;
  testing_rpc::MemoryNetwork network_{loop_};
  testing_rpc::MemoryEnv server_env_{network_, 0x0a000001};
  ClientEnv client_env_{network_};
  Server handlers_;
  RpcServer server_{server_env_, {"c", "server", 1}};
  RpcClient rpc_{client_env_, {"c", "client"}};
  Database database_{
      std::make_shared<DatabaseCore>(client_env_, rpc_, std::make_unique<OneServer>())};
  TaskGroup tasks_{loop_, [](std::string_view, absl::Status) { std::abort(); }};
};

Task<absl::Status> ReadTen(Database* database) {
  Transaction transaction = database->Begin();
  for (int i = 0; i < kReads; ++i) {
    const auto value = co_await transaction.Get("key-000000-00000" + std::to_string(i));
    CO_RETURN_IF_ERROR(value.status());
  }
  co_return absl::OkStatus();
}

void PointReads(benchmark::State& state) {
  Rig rig;
  for (auto _ : state) rig.RunTasks(kTransactions, ReadTen);
  state.SetItemsProcessed(state.iterations() * kTransactions * kReads);
}
BENCHMARK(PointReads)->Unit(benchmark::kMillisecond);

Task<absl::Status> ReadRange(Database* database) {
  Transaction transaction = database->Begin();
  const auto result = co_await transaction.GetRange(KeyRange{"1", "2"});
  CO_RETURN_IF_ERROR(result.status());
  size_t bytes = 0;
  for (const KeyValueRef& row : result->rows) bytes += row.key.size() + row.value.size();
  benchmark::DoNotOptimize(bytes);
  co_return absl::OkStatus();
}

void RangeReads(benchmark::State& state) {
  Rig rig;
  for (auto _ : state) rig.RunTasks(10, ReadRange);
  state.SetItemsProcessed(state.iterations() * 10 * kRows);
}
BENCHMARK(RangeReads)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery

BENCHMARK_MAIN();
