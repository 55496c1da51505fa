// The handlers of proxies and storage servers, and their faults.
#include "txn/client/testing/fake_cluster.h"

#include <algorithm>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/rpc_knobs.h"
#include "storage/server/storage_methods.h"
#include "txn/client/client_knobs.h"
#include "txn/client/database_core.h"
#include "txn/proxy/proxy_methods.h"

namespace orrery::testing {
namespace {

constexpr uint16_t kPort = 4500;
constexpr size_t kStorageServers = 3;
constexpr uint64_t kGenerations = 1000;  // Tokens that the proxies serve.
constexpr Key::size_type kNone = 0;
const char* const kEndOfKeys = "\xff\xff";

// For ever: the caller gives up.
Task<> Hang(Env& env) { co_await Sleep(env.clock(), kNever); }

}  // namespace

class FakeCluster::ProxyProcess {
 public:
  ProxyProcess(FakeCluster& cluster, Env& env)
      : cluster_(cluster),
        env_(env),
        server_(env, {"", "proxies", DrawIncarnation(env)}),
        late_(env.executor(), [](std::string_view, absl::Status) {}) {}

  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(server_.Listen(cluster_.world_->FindMachine("proxies")->address(kPort)));
    for (uint64_t token = 1; token < kGenerations; ++token) {
      server_.Handle<kGetReadVersion, &ProxyProcess::ReadVersion>(this, token);
      server_.Handle<kCommit, &ProxyProcess::Commit>(this, token);
      server_.Handle<kLocate, &ProxyProcess::Locate>(this, token);
    }
    co_await Hang(env_);
    co_return absl::OkStatus();
  }

 private:
  // A proxy of an older generation never answers: it cannot prove anything any more.
  bool IsOld(const CallInfo& info) const { return info.endpoint_token != cluster_.generation_; }

  Task<absl::StatusOr<Message<ReadVersionReply>>> ReadVersion(Message<ReadVersionRequest>,
                                                              CallInfo info) {
    ++cluster_.counts_.read_versions;
    if (IsOld(info)) co_await Hang(env_);
    Message<ReadVersionReply> reply;
    reply.header.set_version(cluster_.database_.committed());
    // The answer is as of a moment after the request came; it may take its time.
    co_await Sleep(env_.clock(), Microseconds(env_.random("fake").Between(0, 500)));
    co_return reply;
  }

  Task<absl::StatusOr<Message<CommitReply>>> Commit(Message<CommitRequest> request, CallInfo info) {
    ++cluster_.counts_.commits;
    Random& random = env_.random("fake");
    const FakeFaults& faults = cluster_.faults_;
    if (IsOld(info) || random.Chance(faults.commit_lost)) co_await Hang(env_);
    if (random.Chance(faults.commit_refused)) co_return Error(ErrorCode::overloaded);
    if (random.Chance(faults.commit_late)) {
      late_.Spawn("late", ExecuteLate(std::move(request)));
      co_await Hang(env_);
    }
    co_await Sleep(env_.clock(), Microseconds(random.Between(0, 2000)));
    if (IsOld(info)) co_await Hang(env_);
    absl::StatusOr<CommitReply> reply = Execute(request);
    if (random.Chance(faults.commit_unanswered)) co_await Hang(env_);
    if (!reply.ok()) co_return reply.status();
    co_return Message<CommitReply>{*std::move(reply)};
  }

  Task<absl::Status> ExecuteLate(Message<CommitRequest> request) {
    co_await Sleep(env_.clock(),
                   env_.random("fake").Between(Duration(0), cluster_.faults_.commit_late_max));
    co_return Execute(request).status();
  }

  absl::StatusOr<CommitReply> Execute(const Message<CommitRequest>& request) {
    ASSIGN_OR_RETURN(const CommitTransactionRef transaction,
                     DecodeTransaction(request.attachment.view()));
    RETURN_IF_ERROR(CheckTransaction(transaction, request.header.access_system_keys()));
    return cluster_.database_.Commit(transaction, request.header.id(),
                                     cluster_.faults_.fences_conflict);
  }

  Task<absl::StatusOr<Message<LocateReply>>> Locate(Message<LocateRequest> request, CallInfo info) {
    ++cluster_.counts_.locates;
    if (IsOld(info)) co_await Hang(env_);
    Message<LocateReply> reply;
    const std::vector<Key>& begins = cluster_.shard_begins_;
    const KeyRange range{request.header.begin(), request.header.end()};
    for (size_t n = 0; n < begins.size(); ++n) {
      const size_t i = request.header.reverse() ? begins.size() - 1 - n : n;
      const KeyRange shard{begins[i], i + 1 < begins.size() ? begins[i + 1] : Key(kEndOfKeys)};
      if (!KeyRangeRef(shard).Intersects(range)) continue;
      ShardLocation& location = *reply.header.add_shards();
      location.set_begin(shard.begin);
      location.set_end(shard.end);
      for (size_t s = 0; s < kStorageServers; ++s) {
        const Endpoint at(
            cluster_.world_->FindMachine("storage" + std::to_string(s))->address(kPort));
        *location.add_servers()->mutable_endpoint() = ToMessage(at);
      }
      if (static_cast<uint32_t>(reply.header.shards_size()) == request.header.shards_max()) break;
    }
    co_return reply;
  }

  FakeCluster& cluster_;
  Env& env_;
  RpcServer server_;
  TaskGroup late_;
};

class FakeCluster::StorageProcess {
 public:
  StorageProcess(FakeCluster& cluster, Env& env, std::string name)
      : cluster_(cluster),
        env_(env),
        name_(std::move(name)),
        server_(env, {"", name_, DrawIncarnation(env)}) {}

  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(server_.Listen(cluster_.world_->FindMachine(name_)->address(kPort)));
    server_.Handle<kGetValue, &StorageProcess::GetValue>(this);
    server_.Handle<kGetValues, &StorageProcess::GetValues>(this);
    server_.Handle<kGetRange, &StorageProcess::GetRange>(this);
    server_.Handle<kGetKey, &StorageProcess::GetKey>(this);
    server_.Handle<kEstimateRange, &StorageProcess::EstimateRange>(this);
    co_await Hang(env_);
    co_return absl::OkStatus();
  }

 private:
  Task<absl::Status> Admit(Version version) {
    Random& random = env_.random("fake");
    if (random.Chance(cluster_.faults_.read_unanswered)) co_await Hang(env_);
    if (random.Chance(cluster_.faults_.read_refused)) {
      constexpr ErrorCode kErrors[] = {ErrorCode::wrong_shard_server, ErrorCode::future_version,
                                       ErrorCode::process_behind, ErrorCode::overloaded,
                                       ErrorCode::io_error};
      co_return Error(kErrors[random.Below(std::size(kErrors))]);
    }
    if (version < cluster_.database_.oldest()) co_return Error(ErrorCode::transaction_too_old);
    co_return absl::OkStatus();
  }

  // The shard of the fake cluster that has the key, or those before it.
  KeyRange ShardOf(KeyRef key, bool before) const {
    const std::vector<Key>& begins = cluster_.shard_begins_;
    size_t i = begins.size() - 1;
    while (i > 0 && (before ? begins[i] >= key : begins[i] > key)) --i;
    return {begins[i], i + 1 < begins.size() ? begins[i + 1] : Key(kEndOfKeys)};
  }

  Task<absl::StatusOr<Message<GetValueReply>>> GetValue(Message<GetValueRequest> request,
                                                        CallInfo) {
    ++cluster_.counts_.gets;
    CO_RETURN_IF_ERROR(co_await Admit(request.header.version()));
    Message<GetValueReply> reply;
    const auto value = cluster_.database_.Get(request.header.key(), request.header.version());
    reply.header.set_found(value.has_value());
    if (value.has_value()) reply.attachment = Buffer::Copy(*value);
    co_return reply;
  }

  Task<absl::StatusOr<Message<GetValuesReply>>> GetValues(Message<GetValuesRequest> request,
                                                          CallInfo) {
    ++cluster_.counts_.multi_gets;
    CO_RETURN_IF_ERROR(co_await Admit(request.header.version()));
    std::string values;
    for (const std::string& key : request.header.keys()) {
      const auto value = cluster_.database_.Get(key, request.header.version());
      AppendFixed<uint8_t>(values, value.has_value() ? 1 : 0);
      AppendFixed<uint32_t>(values,
                            static_cast<uint32_t>(value.has_value() ? value->size() : kNone));
      values += value.value_or("");
    }
    Message<GetValuesReply> reply;
    reply.attachment = Buffer::Copy(values);
    co_return reply;
  }

  Task<absl::StatusOr<Message<GetRangeReply>>> GetRange(Message<GetRangeRequest> request,
                                                        CallInfo) {
    ++cluster_.counts_.ranges;
    const GetRangeRequest& header = request.header;
    CO_RETURN_IF_ERROR(co_await Admit(header.version()));
    const KeyRange range{header.begin(), header.end()};
    if (range.end > ShardOf(range.begin, false).end) co_return Error(ErrorCode::wrong_shard_server);
    auto rows = cluster_.database_.Rows(range, header.version());
    if (header.reverse()) std::reverse(rows.begin(), rows.end());
    Message<GetRangeReply> reply;
    std::string bytes;
    uint32_t count = 0;
    uint64_t counted = 0;
    // Now and then fewer than asked for, as a server that limits replies would.
    const uint64_t stop = env_.random("fake").Chance(OneIn(5)) ? 1 : UINT64_MAX;
    for (const auto& [key, value] : rows) {
      if (count ==
              std::min<uint64_t>(stop, header.rows_max() == 0 ? UINT64_MAX : header.rows_max()) ||
          (header.bytes_max() != 0 && counted >= header.bytes_max())) {
        reply.header.set_more(true);
        break;
      }
      AppendVarint(bytes, key.size());
      AppendVarint(bytes, value.size());
      bytes += key + value;
      counted += key.size() + value.size();
      ++count;
    }
    reply.header.set_rows(count);
    reply.attachment = Buffer::Copy(bytes);
    co_return reply;
  }

  Task<absl::StatusOr<Message<GetKeyReply>>> GetKey(Message<GetKeyRequest> request, CallInfo) {
    ++cluster_.counts_.keys;
    const GetKeyRequest& header = request.header;
    CO_RETURN_IF_ERROR(co_await Admit(header.version()));
    const bool before = header.offset() <= 0 && !header.or_equal();
    const KeyRange shard{header.begin(), header.end()};
    if (shard != ShardOf(header.key(), before)) co_return Error(ErrorCode::wrong_shard_server);
    const Key start = header.or_equal() ? KeyAfter(header.key()) : header.key();
    Message<GetKeyReply> reply;
    const auto resolve = [&](Key key, bool resolved, int64_t offset) {
      reply.header.set_resolved(resolved);
      reply.header.set_key(std::move(key));
      reply.header.set_offset(static_cast<int32_t>(offset));
    };
    if (header.offset() >= 1) {
      const auto rows = cluster_.database_.Rows({start, shard.end}, header.version());
      const auto offset = static_cast<size_t>(header.offset());
      if (offset <= rows.size()) {
        resolve(rows[offset - 1].first, true, 0);
      } else {
        resolve(shard.end, false, static_cast<int64_t>(offset - rows.size()));
      }
    } else {
      const auto rows = cluster_.database_.Rows({shard.begin, start}, header.version());
      const auto back = static_cast<size_t>(1 - int64_t{header.offset()});
      if (back <= rows.size()) {
        resolve(rows[rows.size() - back].first, true, 0);
      } else {
        resolve(shard.begin, false, header.offset() + static_cast<int64_t>(rows.size()));
      }
    }
    co_return reply;
  }

  Task<absl::StatusOr<Message<EstimateRangeReply>>> EstimateRange(
      Message<EstimateRangeRequest> request, CallInfo) {
    Message<EstimateRangeReply> reply;
    uint64_t bytes = 0;
    uint64_t chunk = 0;
    const KeyRange range{request.header.begin(), request.header.end()};
    for (const auto& [key, value] :
         cluster_.database_.Rows(range, cluster_.database_.committed())) {
      bytes += key.size() + value.size();
      chunk += key.size() + value.size();
      if (request.header.chunk_bytes() == 0 || chunk < request.header.chunk_bytes()) continue;
      reply.header.add_split_keys(key);
      chunk = 0;
    }
    reply.header.set_bytes(bytes);
    co_return reply;
  }

  FakeCluster& cluster_;
  Env& env_;
  const std::string name_;
  RpcServer server_;
};

// Looks at the fake cluster's generation now and then, as a client's long poll would.
class FakeCluster::Connection final : public ClusterConnection {
 public:
  Connection(FakeCluster& cluster, Env& env) : cluster_(cluster), env_(env) {}

  Task<absl::Status> Run() override {
    for (;;) {
      if (proxies().generation != cluster_.generation_) {
        Endpoint at(cluster_.world_->FindMachine("proxies")->address(kPort));
        at.token = cluster_.generation_;
        SetProxies({cluster_.generation_, {at}, {at}});
      }
      co_await Sleep(env_.clock(), Milliseconds(50));
    }
  }

 private:
  FakeCluster& cluster_;
  Env& env_;
};

FakeCluster::FakeCluster(uint64_t seed, FakeFaults faults) : faults_(faults) {
  knobs_.Add<RpcKnobs>();
  knobs_.Add<ClientKnobs>();
  sim::World::Options options;
  options.seed = seed;
  options.knobs = &knobs_;
  world_ = std::make_unique<sim::World>(options);
  world_->AddProcess(world_->AddMachine({.name = "proxies"}),
                     {.name = "proxies", .main = [this](Env& env) -> Task<absl::Status> {
                        return [](FakeCluster* self, Env* on) -> Task<absl::Status> {
                          ProxyProcess process(*self, *on);
                          co_return co_await process.Run();
                        }(this, &env);
                      }});
  for (size_t i = 0; i < kStorageServers; ++i) {
    const std::string name = "storage" + std::to_string(i);
    world_->AddProcess(world_->AddMachine({.name = name}),
                       {.name = name, .main = [this, name](Env& env) -> Task<absl::Status> {
                          return [](FakeCluster* self, Env* on,
                                    std::string called) -> Task<absl::Status> {
                            StorageProcess process(*self, *on, std::move(called));
                            co_return co_await process.Run();
                          }(this, &env, name);
                        }});
  }
}

FakeCluster::~FakeCluster() = default;

void FakeCluster::SetShards(std::vector<Key> begins) { shard_begins_ = std::move(begins); }
void FakeCluster::NextGeneration() { ++generation_; }

Task<absl::Status> FakeCluster::RunClient(Env* env, const Body* body, absl::Status* result,
                                          bool* done) {
  RpcClient rpc(*env, {});
  Database database(
      std::make_shared<DatabaseCore>(*env, rpc, std::make_unique<Connection>(*this, *env)));
  *result = co_await (*body)(*env, database);
  *done = true;
  co_return absl::OkStatus();
}

void FakeCluster::StartServers() {
  for (const auto& process : world_->processes()) {
    if (!process->running()) process->Start();
  }
}

LoopDatabase FakeCluster::Connect(Env& env) {
  LoopDatabase made;
  made.rpc = std::make_unique<RpcClient>(env, RpcIdentity());
  made.database = std::make_unique<Database>(
      std::make_shared<DatabaseCore>(env, *made.rpc, std::make_unique<Connection>(*this, env)));
  return made;
}

RunOnLoop FakeCluster::StartLoop() {
  StartServers();
  const std::string name = "loop" + std::to_string(++clients_);
  sim::Process& process =
      world_->AddProcess(world_->AddMachine({.name = name}),
                         {.name = name, .main = [](Env& env) -> Task<absl::Status> {
                            return [](Env* on) -> Task<absl::Status> {
                              co_await Hang(*on);
                              co_return absl::OkStatus();
                            }(&env);
                          }});
  process.Start();
  using Make = absl::AnyInvocable<Task<absl::Status>(Env&)>;
  return [this, &process](Make make) {
    std::optional<absl::Status> result;
    const auto run = [](Make* of, Env* env, std::optional<absl::Status>* to) -> Task<absl::Status> {
      to->emplace(co_await (*of)(*env));
      co_return absl::OkStatus();
    };
    process.tasks().Spawn("await", run(&make, &process.env(), &result));
    while (!result.has_value() && world_->Step()) {
    }
    return result.value_or(Error(ErrorCode::check_failed, "the world has stopped"));
  };
}

absl::Status FakeCluster::RunAll(std::vector<Body> bodies) {
  StartServers();
  std::vector<absl::Status> results(bodies.size());
  const std::unique_ptr<bool[]> done(new bool[bodies.size()]());
  for (size_t i = 0; i < bodies.size(); ++i) {
    const std::string name = "client" + std::to_string(++clients_);
    sim::Process& process = world_->AddProcess(
        world_->AddMachine({.name = name}),
        {.name = name,
         .main = [this, body = &bodies[i], result = &results[i],
                  ended = &done[i]](Env& env) { return RunClient(&env, body, result, ended); },
         .supervised = false});
    process.Start();
  }
  while (!std::all_of(done.get(), done.get() + bodies.size(), [](bool each) { return each; })) {
    if (!world_->RunUntil(world_->Now() + Milliseconds(100))) {
      return Error(ErrorCode::check_failed, world_->failures()[0].text);
    }
    if (world_->Now() > Time() + Seconds(100'000)) {
      return Error(ErrorCode::check_failed, "a client does not end");
    }
  }
  for (const absl::Status& result : results) RETURN_IF_ERROR(result);
  return absl::OkStatus();
}

}  // namespace orrery::testing
