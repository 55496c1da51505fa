// Goal: whatever is written, killed and cut off from power, every answer of a storage server is the
// state at the version that was asked for; too old, unknown and foreign things are refused; nothing
// is popped that a later life needs.
// Method: one role on a simulated disk, fed with random messages (sets, clears, atomic operations,
// shards that come and go, generations); a client reads at random versions and compares with a map
// of every version. Half of the seeds put an engine in between that waits.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "core/async/sleep.h"
#include "core/base/encoding.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/engine/memory_engine_knobs.h"
#include "storage/log/atomic_operations.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "storage/server/storage_files.h"
#include "storage/server/storage_knobs.h"
#include "storage/server/storage_methods.h"
#include "storage/server/storage_role.h"

namespace orrery {
namespace {

using State = std::map<Key, std::string>;

constexpr uint16_t kPort = 4500;
constexpr uint64_t kToken = 77;
constexpr std::string_view kMiddle = "m";
constexpr std::string_view kEnd = "\xff\xff";

struct Snapshot {
  State rows;
  bool high_owned = true;  // [kMiddle, kEnd).
};

// The log and the model: outside of every process.
struct Model {
  std::map<Version, std::string> batches;
  std::map<Version, Snapshot> states{{0, {}}};
  Version newest = 0;
  Version popped = 0;
  Version last_jump = 0;
  Version window_versions = 0;
  bool low_memory = false;
  bool slow_engine = false;
  bool disk_fails = false;

  uint64_t lives = 0;
  std::map<ErrorCode, uint64_t> answers;
  std::string wrong;

  void Expect(bool right, const std::string& what) {
    if (!right && wrong.empty()) wrong = "life " + std::to_string(lives) + ": " + what;
  }
  const Snapshot& At(Version version) const {
    return std::prev(states.upper_bound(version))->second;
  }
};

Key DrawKey(Random& random, bool high) {
  Key key(1, static_cast<char>((high ? 'm' : 'a') + random.Below(12)));
  for (size_t n = random.Below(3); n > 0; --n) key.push_back("\0b\xff"[random.Below(3)]);
  return key;
}
Key DrawKey(Random& random) { return DrawKey(random, random.Chance(OneIn(2))); }

// Adds one mutation to the batch and to the state.
void DrawMutation(Random& random, Snapshot& state, MutationBatchWriter& batch) {
  const Tag tag{TagKind::kStorage, 1};
  const bool high = state.high_owned && random.Chance(OneIn(2));
  const Key key = DrawKey(random, high);
  const uint64_t kind = random.Below(10);
  Mutation mutation{MutationType::kSet, key, std::string(random.Below(30), 'v')};
  if (kind == 0) {
    mutation = {MutationType::kClearRange, key, DrawKey(random, high)};
    if (mutation.value <= key) mutation.value = KeyAfter(key);
    state.rows.erase(state.rows.lower_bound(key), state.rows.lower_bound(mutation.value));
  } else if (kind < 4) {
    const MutationType types[] = {MutationType::kAdd, MutationType::kAppendIfFits,
                                  MutationType::kByteMax, MutationType::kCompareAndClear};
    mutation.type = types[random.Below(4)];
    const auto at = state.rows.find(key);
    if (mutation.type == MutationType::kCompareAndClear && at != state.rows.end() &&
        random.Chance(OneIn(2))) {
      mutation.value = at->second;
    } else {
      mutation.value = std::string(1 + random.Below(4), static_cast<char>(random.Below(256)));
    }
    std::optional<std::string_view> before;
    if (at != state.rows.end()) before = at->second;
    const auto after = ApplyAtomic(mutation.type, before, mutation.value);
    if (after.has_value()) {
      state.rows[key] = after->substr(0, 200);
      if (after->size() > 200) mutation = {MutationType::kSet, key, after->substr(0, 200)};
    } else {
      state.rows.erase(key);
    }
  } else {
    mutation.value += std::to_string(random.Next());
    state.rows[key] = mutation.value;
  }
  batch.Add(std::span(&tag, 1), mutation);
}

// The next version of the log.
void WriteVersion(Random& random, Model& model) {
  const Tag tag{TagKind::kStorage, 1};
  const auto tags = std::span(&tag, 1);
  Version version = model.newest + random.Between(1, 60'000);
  Snapshot state = model.states.rbegin()->second;
  MutationBatchWriter batch;
  if (model.batches.empty()) {
    batch.Add(tags, Mutation{MutationType::kSet, std::string(kAssignPrefix), std::string(kEnd)});
  } else if (random.Chance(OneIn(150))) {
    version = model.newest + 100'000'000;
    std::string last;
    AppendFixed(last, static_cast<uint64_t>(model.newest));
    batch.Add(tags, Mutation{MutationType::kSet, std::string(kGenerationKey), last});
    model.last_jump = version;
  } else if (random.Chance(OneIn(40))) {
    state.high_owned = !state.high_owned;
    const std::string prefix(state.high_owned ? kAssignPrefix : kUnassignPrefix);
    if (!state.high_owned) state.rows.erase(state.rows.lower_bound(Key(kMiddle)), state.rows.end());
    batch.Add(tags, Mutation{MutationType::kSet, prefix + std::string(kMiddle), std::string(kEnd)});
  }
  for (size_t n = random.Below(6); n > 0; --n) DrawMutation(random, state, batch);
  if (batch.count() > 0) {
    model.batches[version] = std::move(batch).Finish();
    model.states[version] = std::move(state);
  }
  model.newest = version;
}

class ModelSource final : public MessageSource {
 public:
  ModelSource(Env& env, Model& model, Version after) : env_(env), model_(model), position_(after) {
    model.Expect(after >= model.popped, "what was popped at " + std::to_string(model.popped) +
                                            " is needed from " + std::to_string(after));
  }

  Task<absl::StatusOr<LogCursor::Messages>> Next(uint32_t bytes_max) override {
    while (model_.newest <= position_) co_await Sleep(env_.clock(), Milliseconds(3));
    LogCursor::Messages messages;
    std::string bytes;
    auto at = model_.batches.upper_bound(position_);
    for (; at != model_.batches.end() && bytes.size() < bytes_max; ++at) {
      messages.versions.push_back({at->first, {}});
      bytes += at->second;
    }
    messages.attachment = Buffer::Copy(bytes);
    size_t offset = 0;
    for (auto& each : messages.versions) {
      const size_t size = model_.batches[each.version].size();
      each.batch = messages.attachment.view().substr(offset, size);
      offset += size;
    }
    messages.through =
        at == model_.batches.end() ? model_.newest : messages.versions.back().version;
    messages.known_committed = model_.newest;
    position_ = messages.through;
    co_return messages;
  }

  Task<> Pop(Version version, uint64_t) override {
    model_.popped = std::max(model_.popped, version);
    co_await Sleep(env_.clock(), Milliseconds(1));
  }

 private:
  Env& env_;
  Model& model_;
  Version position_;
};

// An engine whose every read waits, before and after.
class WaitingEngine final : public Engine {
 public:
  WaitingEngine(Env& env, std::unique_ptr<Engine> inner) : env_(env), inner_(std::move(inner)) {}

  Task<absl::Status> Commit(Version version, WriteBatch batch) override {
    co_await Sleep(env_.clock(), Pause());
    const absl::Status status = co_await inner_->Commit(version, std::move(batch));
    co_await Sleep(env_.clock(), Pause());
    co_return status;
  }
  Version durable_version() const override { return inner_->durable_version(); }
  Version oldest_readable_version() const override { return inner_->oldest_readable_version(); }
  Task<absl::StatusOr<std::optional<std::string>>> Get(Key key, Version version) override {
    co_await Sleep(env_.clock(), Pause());
    auto value = co_await inner_->Get(key, version);
    co_await Sleep(env_.clock(), Pause());
    co_return value;
  }
  Task<absl::StatusOr<ScanResult>> Scan(KeyRange range, Version version, ScanLimit limit,
                                        bool reverse) override {
    co_await Sleep(env_.clock(), Pause());
    limit.rows = std::min<uint64_t>(limit.rows, 1 + env_.random("engine").Below(20));
    auto result = co_await inner_->Scan(range, version, limit, reverse);
    co_await Sleep(env_.clock(), Pause());
    co_return result;
  }
  bool GetNow(KeyRef, Version, std::optional<std::string_view>&) override { return false; }
  bool ScanNow(KeyRangeRef, Version, bool,
               absl::FunctionRef<bool(KeyRef, std::string_view)>) override {
    return false;
  }
  uint64_t bytes() const override { return inner_->bytes(); }

 private:
  Duration Pause() { return env_.random("engine").Between(Duration(0), Milliseconds(3)); }

  Env& env_;
  const std::unique_ptr<Engine> inner_;
};

Task<absl::Status> ServeModel(Env* env, Model* model, NetworkAddress address) {
  ++model->lives;
  StorageOptions options;
  options.directory = "storage-1";
  options.storage_id = 99;
  options.tag = {TagKind::kStorage, 1};
  options.generation = 3;
  CO_RETURN_IF_ERROR(co_await CreateStorage(*env, options));
  CO_ASSIGN_OR_RETURN(const StoredStorage stored,
                      co_await DescribeStorage(*env, options.directory, options.identity));
  model->Expect(stored.storage_id == 99 && stored.tag == options.tag && stored.generation == 3,
                "the description");
  RpcIdentity identity;
  identity.incarnation = DrawIncarnation(*env);
  RpcClient rpc(*env, identity);
  RpcServer server(*env, identity);
  CO_RETURN_IF_ERROR(server.Listen(address));
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, co_await OpenStorage(*env, options));
  if (model->slow_engine) engine = std::make_unique<WaitingEngine>(*env, std::move(engine));
  Promise<absl::Status> ready;
  auto ready_future = ready.future();
  RoleContext context{*env, server, rpc, kToken, std::move(ready)};
  MakeMessageSource make = [env, model](Version after) {
    return std::make_unique<ModelSource>(*env, *model, after);
  };
  const absl::Status end =
      co_await ServeStorage(std::move(context), options, std::move(engine), std::move(make));
  model->Expect(model->disk_fails, "the role ended: " + Describe(end));
  co_return end;
}

Task<absl::Status> WriteModel(Env* env, Model* model) {
  for (;;) {
    const size_t burst = env->random("write").Chance(OneIn(10)) ? 20 : 1;
    for (size_t n = 0; n < burst; ++n) WriteVersion(env->random("write"), *model);
    co_await Sleep(env->clock(), env->random("write").Between(Duration(0), Milliseconds(60)));
  }
}

// --- The reader.

class Reader {
 public:
  Reader(Env& env, Model& model, RpcClient& rpc, NetworkAddress server)
      : random_(env.random("read")), model_(model), rpc_(rpc), server_(server, 0, kToken) {}

  Task<absl::Status> Run(Env* env) {
    while (model_.wrong.empty()) {
      DrawVersion();
      if (random_.Chance(OneIn(4))) co_await NearTheOldest();
      switch (random_.Below(4)) {
        case 0:
          co_await Value();
          break;
        case 1:
          co_await Values();
          break;
        case 2:
          co_await Range();
          break;
        default:
          co_await Selector();
      }
      co_await Sleep(env->clock(), random_.Between(Duration(0), Milliseconds(20)));
    }
    co_return absl::OkStatus();
  }

 private:
  void DrawVersion() {
    told_oldest_ = 0;
    const Version back = random_.Chance(OneIn(4)) ? 3 * model_.window_versions : 200'000;
    version_ = std::max<Version>(0, model_.newest - random_.Between(0, back));
    if (random_.Chance(OneIn(10))) version_ = model_.newest + random_.Between(0, 100'000);
    if (random_.Chance(OneIn(200))) version_ = INT64_MAX - static_cast<Version>(random_.Below(9));
  }

  // A version at the very end of what can be read.
  Task<> NearTheOldest() {
    const auto status = co_await rpc_.Call(server_, kStorageStatus, {}, Seconds(3));
    if (!status.ok()) co_return;
    const StorageStatusReply& is = status->header;
    model_.Expect(is.durable_version() <= is.oldest_version() &&
                      is.oldest_version() <= is.version() && is.version() <= model_.newest,
                  "durable <= oldest <= applied");
    const Version versions[] = {is.oldest_version(), is.durable_version(), is.version()};
    version_ = std::max<Version>(0, versions[random_.Below(3)] + random_.Between(-1, 1));
    told_oldest_ = is.oldest_version();
  }

  bool Owned(KeyRef end) const {
    return version_ >= model_.batches.begin()->first &&
           (model_.At(version_).high_owned || end <= kMiddle);
  }

  // Whether there is an answer to compare.
  bool Check(const absl::Status& status, KeyRef end) {
    const ErrorCode code = CodeOf(status);
    ++model_.answers[code];
    switch (code) {
      case ErrorCode::ok:
        model_.Expect(version_ <= model_.newest, "an answer from the future");
        model_.Expect(version_ >= told_oldest_, "an answer below the oldest version");
        model_.Expect(Owned(end), "an answer about foreign keys at " + std::to_string(version_));
        return true;
      case ErrorCode::wrong_shard_server:
        model_.Expect(!Owned(end), "wrong_shard_server at " + std::to_string(version_));
        return false;
      case ErrorCode::transaction_too_old:
        if (!model_.low_memory && model_.last_jump == 0) {
          model_.Expect(model_.newest - version_ >= model_.window_versions, "too old too early");
        }
        return false;
      case ErrorCode::unknown_method:  // Its process listens, and it is being opened.
        return false;
      default:
        model_.Expect(IsRetryable(status), Describe(status));
        return false;
    }
  }

  const State& rows() const { return model_.At(version_).rows; }
  std::string Where() const { return " at version " + std::to_string(version_); }

  Task<> Value() {
    Message<GetValueRequest> request;
    const Key key = DrawKey(random_);
    request.header.set_key(key);
    request.header.set_version(version_);
    const auto reply = co_await rpc_.Call(server_, kGetValue, std::move(request), Seconds(3));
    if (!Check(reply.status(), KeyAfter(key))) co_return;
    const auto at = rows().find(key);
    model_.Expect(reply->header.found() == (at != rows().end()) &&
                      (at == rows().end() || at->second == reply->attachment.view()),
                  "GetValue" + Where());
  }

  Task<> Values() {
    Message<GetValuesRequest> request;
    request.header.set_version(version_);
    std::vector<Key> keys;
    Key last;
    for (size_t n = 1 + random_.Below(5); n > 0; --n) {
      keys.push_back(DrawKey(random_));
      request.header.add_keys(keys.back());
      last = std::max(last, keys.back());
    }
    const auto reply = co_await rpc_.Call(server_, kGetValues, std::move(request), Seconds(3));
    if (!Check(reply.status(), KeyAfter(last))) co_return;
    ByteReader reader(reply->attachment.view());
    for (const Key& key : keys) {
      uint8_t present = 9;
      uint32_t size = 0;
      std::string_view value;
      const auto at = rows().find(key);
      model_.Expect(reader.ReadFixed8(present) && reader.ReadFixed32(size) &&
                        reader.ReadBytes(size, value) && present == (at != rows().end()) &&
                        value == (present ? std::string_view(at->second) : ""),
                    "GetValues" + Where());
    }
  }

  Task<> Range() {
    Message<GetRangeRequest> request;
    KeyRange range{DrawKey(random_), DrawKey(random_)};
    if (range.end <= range.begin) std::swap(range.begin, range.end);
    if (random_.Chance(OneIn(4))) range = {"", std::string(kEnd)};
    if (range.begin == range.end) co_return;
    const bool reverse = random_.Chance(OneIn(2));
    const uint64_t rows_max = random_.Chance(OneIn(2)) ? 0 : 1 + random_.Below(20);
    const uint64_t bytes_max = random_.Chance(OneIn(2)) ? 0 : 1 + random_.Below(500);
    request.header.set_begin(range.begin);
    request.header.set_end(range.end);
    request.header.set_version(version_);
    request.header.set_reverse(reverse);
    request.header.set_rows_max(static_cast<uint32_t>(rows_max));
    request.header.set_bytes_max(static_cast<uint32_t>(bytes_max));
    const auto reply = co_await rpc_.Call(server_, kGetRange, std::move(request), Seconds(3));
    if (!Check(reply.status(), range.end)) co_return;
    std::vector<std::pair<Key, std::string>> all(rows().lower_bound(range.begin),
                                                 rows().lower_bound(range.end));
    if (reverse) std::reverse(all.begin(), all.end());
    std::string expected;
    uint64_t count = 0;
    uint64_t bytes = 0;
    bool more = false;
    for (const auto& [key, value] : all) {
      AppendVarint(expected, key.size());
      AppendVarint(expected, value.size());
      expected += key + value;
      bytes += key.size() + value.size();
      ++count;
      more = (rows_max > 0 && count == rows_max) || (bytes_max > 0 && bytes >= bytes_max);
      if (more) break;
    }
    model_.Expect(reply->attachment.view() == expected && reply->header.rows() == count &&
                      reply->header.more() == more,
                  "GetRange" + Where() + (reverse ? " reverse" : "") + ": " +
                      std::to_string(reply->header.rows()) + " rows of " + std::to_string(count));
  }

  Task<> Selector() {
    const bool high = random_.Chance(OneIn(2));
    const KeyRange shard{high ? Key(kMiddle) : "", high ? Key(kEnd) : Key(kMiddle)};
    Message<GetKeyRequest> request;
    const Key key = DrawKey(random_, high);
    const bool or_equal = random_.Chance(OneIn(2));
    const auto offset = static_cast<int32_t>(random_.Between(-30, 30));
    request.header.set_key(key);
    request.header.set_or_equal(or_equal);
    request.header.set_offset(offset);
    request.header.set_begin(shard.begin);
    request.header.set_end(shard.end);
    request.header.set_version(version_);
    const auto reply = co_await rpc_.Call(server_, kGetKey, std::move(request), Seconds(3));
    if (!Check(reply.status(), shard.end)) co_return;
    // The keys of the shard, and the place of offset 1 among them.
    std::vector<Key> keys;
    for (auto at = rows().lower_bound(shard.begin); at != rows().end() && at->first < shard.end;
         ++at) {
      keys.push_back(at->first);
    }
    const auto base = or_equal ? std::upper_bound(keys.begin(), keys.end(), key)
                               : std::lower_bound(keys.begin(), keys.end(), key);
    const int64_t place = (base - keys.begin()) + offset - 1;
    const auto size = static_cast<int64_t>(keys.size());
    const GetKeyReply& got = reply->header;
    bool right = false;
    if (place >= 0 && place < size) {
      right = got.resolved() && got.key() == keys[static_cast<size_t>(place)];
    } else if (place < 0) {
      right = !got.resolved() && got.key() == shard.begin && got.offset() == place + 1;
    } else {
      right = !got.resolved() && got.key() == shard.end && got.offset() == place - size + 1;
    }
    model_.Expect(right, "GetKey" + Where() + " offset " + std::to_string(offset));
  }

  Random& random_;
  Model& model_;
  RpcClient& rpc_;
  const Endpoint server_;
  Version version_ = 0;
  Version told_oldest_ = 0;  // By the server, just before; 0: not asked.
};

Task<absl::Status> ReadModel(Env* env, Model* model, NetworkAddress server) {
  RpcClient rpc(*env, RpcIdentity());
  while (model->batches.empty()) co_await Sleep(env->clock(), Milliseconds(1));
  TaskGroup group(env->executor(), [](std::string_view, absl::Status) {});
  std::vector<std::unique_ptr<Reader>> readers;
  for (int n = 0; n < 4; ++n) {
    readers.push_back(std::make_unique<Reader>(*env, *model, rpc, server));
    group.Spawn("read", readers.back()->Run(env));
  }
  co_await group.Join();
  co_return absl::OkStatus();
}

void RunSeed(uint64_t seed, std::map<ErrorCode, uint64_t>& answers, uint64_t& popped) {
  KnobSet knobs;
  knobs.Add<RpcKnobs>();
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<MemoryEngineKnobs>();
  knobs.Add<StorageKnobs>();
  for (const char* knob : {"disk_queue_initial_bytes=65536", "disk_queue_growth_bytes=16384",
                           "memory_engine_log_bytes_min=20000"}) {
    ASSERT_TRUE(knobs.SetFromText(knob).ok()) << knob;
  }
  Model model;
  model.slow_engine = seed % 2 == 0;
  model.disk_fails = seed % 4 == 0;
  model.low_memory = seed % 3 == 0;
  model.window_versions = seed % 5 == 0 ? 5'000'000 : 300'000;
  ASSERT_TRUE(knobs.Set("storage_window_versions", std::to_string(model.window_versions)).ok());
  ASSERT_TRUE(knobs.Set("storage_window_bytes_max", model.low_memory ? "30000" : "100000000").ok());
  knobs.Randomise(seed);
  sim::World world(sim::World::Options{.seed = seed, .knobs = &knobs});
  sim::Machine& machine = world.AddMachine({.name = "storage", .zone = "z"});
  sim::Machine& other = world.AddMachine({.name = "client", .zone = "y"});
  const NetworkAddress address = machine.address(kPort);
  sim::Process& storage = world.AddProcess(
      machine, {.name = "s", .main = [&](Env& env) { return ServeModel(&env, &model, address); }});
  sim::Process& client = world.AddProcess(
      other, {.name = "c", .main = [&](Env& env) { return ReadModel(&env, &model, address); }});
  sim::Process& writer = world.AddProcess(
      other, {.name = "w", .main = [&](Env& env) { return WriteModel(&env, &model); }});
  writer.Start();
  storage.Start();
  client.Start();
  Random random = world.Stream("driver");
  for (int round = 0; round < 12 && model.wrong.empty(); ++round) {
    if (model.disk_fails && random.Chance(OneIn(3))) machine.disk().FailNextSync();
    world.RunUntil(world.Now() + random.Between(Milliseconds(200), Seconds(3)));
    if (random.Chance(OneIn(2))) {
      machine.PowerOff();
      machine.PowerOn();
    } else {
      storage.Kill();
    }
    if (!storage.running()) storage.Start();
  }
  machine.disk().HealAll();
  world.RunUntil(world.Now() + Seconds(5));
  for (const sim::Failure& failure : world.failures()) ADD_FAILURE() << failure.text;
  ASSERT_EQ(model.wrong, "") << "seed " << seed;
  ASSERT_GT(model.answers[ErrorCode::ok], 200u) << "seed " << seed;
  for (const auto& [code, count] : model.answers) answers[code] += count;
  popped += model.popped > 0;
}

TEST(StorageSimTest, EveryAnswerIsTheStateAtItsVersion) {
  std::map<ErrorCode, uint64_t> answers;
  uint64_t popped = 0;
  constexpr uint64_t kSeeds = 60;
  for (uint64_t seed = 1; seed <= kSeeds && !HasFatalFailure(); ++seed) {
    RunSeed(seed, answers, popped);
  }
  for (const auto& [code, count] : answers) {
    std::cout << InfoOf(code).name << " " << count << "\n";
  }
  EXPECT_GT(answers[ErrorCode::transaction_too_old], 100u);
  EXPECT_GT(answers[ErrorCode::wrong_shard_server], 100u);
  EXPECT_GT(answers[ErrorCode::future_version], 20u);
  EXPECT_GT(popped, kSeeds / 2);
}

}  // namespace
}  // namespace orrery
