// Goal: transactions do what transaction.h says: what they read and write, their limits to the
// byte, their errors, what they ask the cluster for.
// Method: a client in a simulated world against a fake cluster of several shards; one test runs
// drawn transactions against a model, with servers that refuse, hang, and lose shards.
#include "txn/client/transaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/async/sleep.h"
#include "core/async/when_all.h"
#include "core/base/fixed.h"
#include "txn/client/testing/fake_cluster.h"

namespace orrery {
namespace {

using testing::FakeCluster;
using testing::FakeFaults;

#define CO_EXPECT_ERROR(code, ...) EXPECT_EQ(CodeOf(__VA_ARGS__), ErrorCode::code)

// Runs `body(Env&, Database&, FakeCluster&)`, a coroutine without captures, on a quiet cluster.
template <class Body>
void OnCluster(Body body, std::vector<Key> shards = {"", "k", "p"}) {
  FakeCluster cluster(1, {});
  cluster.SetShards(std::move(shards));
  const absl::Status status =
      cluster.Run([&](Env& env, Database& database) { return body(&env, &database, &cluster); });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

Task<absl::Status> Put(Database* database, std::vector<std::pair<Key, std::string>> rows) {
  Transaction transaction = database->Begin();
  for (const auto& [key, value] : rows) CO_RETURN_IF_ERROR(transaction.Set(key, value));
  const absl::StatusOr<CommitResult> result = co_await transaction.Commit();
  co_return result.status();
}

// --- Limits, exact to the byte.

TEST(Transaction, RefusesWhatIsOneByteTooLarge) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    Transaction tr = database->Begin();
    const std::string value(100'000, 'v');
    EXPECT_TRUE(tr.Set(std::string(10'000, 'k'), value).ok());
    CO_EXPECT_ERROR(key_too_large, tr.Set(std::string(10'001, 'k'), "v"));
    CO_EXPECT_ERROR(value_too_large, tr.Set("k", value + "v"));
    CO_EXPECT_ERROR(key_too_large, tr.Atomic(MutationType::kAdd, std::string(10'001, 'k'), "v"));
    CO_EXPECT_ERROR(value_too_large, tr.Atomic(MutationType::kXor, "k", value + "v"));
    // The position that follows what is stamped does not count.
    const std::string position(4, '\0');
    EXPECT_TRUE(
        tr.Atomic(MutationType::kSetVersionstampedKey, std::string(10'000, 'k') + position, value)
            .ok());
    CO_EXPECT_ERROR(key_too_large, tr.Atomic(MutationType::kSetVersionstampedKey,
                                             std::string(10'001, 'k') + position, "v"));
    EXPECT_TRUE(tr.Atomic(MutationType::kSetVersionstampedValue, "s", value + position).ok());
    CO_EXPECT_ERROR(value_too_large,
                    tr.Atomic(MutationType::kSetVersionstampedValue, "s", value + "v" + position));
    EXPECT_TRUE(tr.Clear(std::string(10'001, 'k')).ok());
    const auto longer = co_await tr.Get(std::string(10'001, 'z'));
    EXPECT_TRUE(longer.ok() && !longer->has_value());
    const absl::StatusOr<CommitResult> result = co_await tr.Commit();
    EXPECT_TRUE(result.ok()) << Describe(result.status());

    Transaction system = database->Begin();
    system.options().access_system_keys = true;
    EXPECT_TRUE(system.Set("\xff" + std::string(29'999, 'k'), "v").ok());
    CO_EXPECT_ERROR(key_too_large, system.Set("\xff" + std::string(30'000, 'k'), "v"));
    co_return absl::OkStatus();
  });
}

TEST(Transaction, IsTooLargeByOneByte) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    for (const size_t beyond : {0, 1}) {
      Transaction tr = database->Begin();
      constexpr size_t kRow = 100'000 + 3 * 4 + 1;  // Key, value, and its conflict range.
      size_t bytes = 0;
      for (int i = 1000; bytes + kRow + 300 < 10'000'000; ++i, bytes += kRow) {
        CO_RETURN_IF_ERROR(tr.Set(std::to_string(i), std::string(100'000, 'v')));
        EXPECT_TRUE(i > 1100 || tr.ApproximateBytes() == bytes + kRow);
      }
      const size_t rest = 10'000'000 - bytes - (3 * 1 + 1) + beyond;
      CO_RETURN_IF_ERROR(tr.Set("z", std::string(std::min<size_t>(rest, 100'000), 'v')));
      EXPECT_LE(rest, 100'000u);
      EXPECT_EQ(tr.ApproximateBytes(), 10'000'000 + beyond);
      const absl::StatusOr<CommitResult> result = co_await tr.Commit();
      EXPECT_EQ(CodeOf(result.status()),
                beyond == 0 ? ErrorCode::ok : ErrorCode::transaction_too_large);
    }
    Transaction small = database->Begin();
    small.options().bytes_max = 40;
    CO_RETURN_IF_ERROR(small.Set("k", std::string(37, 'v')));
    CO_EXPECT_ERROR(transaction_too_large, (co_await small.Commit()).status());
    small.options().bytes_max = 41;
    EXPECT_TRUE((co_await small.Commit()).ok());
    small.Reset();
    small.options().bytes_max = 31;
    CO_EXPECT_ERROR(invalid_option_value, (co_await small.Commit()).status());
    co_return absl::OkStatus();
  });
}

TEST(Transaction, KeepsToTheLegalKeys) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    Transaction tr = database->Begin();
    CO_EXPECT_ERROR(key_outside_legal_range, tr.Set("\xff", "v"));
    CO_EXPECT_ERROR(key_outside_legal_range,
                    tr.Clear(KeyRangeRef{"a", std::string_view("\xff\0", 2)}));
    EXPECT_TRUE(tr.Clear(KeyRangeRef{"a", "\xff"}).ok());
    CO_EXPECT_ERROR(inverted_range, tr.Clear(KeyRangeRef{"b", "a"}));
    EXPECT_TRUE(tr.Clear(KeyRangeRef{"b", "b"}).ok());
    CO_EXPECT_ERROR(inverted_range, tr.AddReadConflictRange({"b", "a"}));
    CO_EXPECT_ERROR(key_outside_legal_range, tr.AddWriteConflictRange({"b", "\xff/"}));
    CO_EXPECT_ERROR(key_outside_legal_range, (co_await tr.Get("\xff/x")).status());
    CO_EXPECT_ERROR(inverted_range, (co_await tr.GetRange(KeyRange{"b", "a"})).status());
    CO_EXPECT_ERROR(key_outside_legal_range,
                    (co_await tr.GetRange(KeyRange{"b", "\xff\xff"})).status());
    CO_EXPECT_ERROR(key_outside_legal_range,
                    (co_await tr.GetKey(KeySelector::LastLessThan("\xff\xff"))).status());
    RangeOptions options;
    options.rows = -1;
    CO_EXPECT_ERROR(range_limits_invalid,
                    (co_await tr.GetRange(KeyRange{"a", "b"}, options)).status());
    options.rows = 0;
    options.mode = StreamingMode::kExact;
    CO_EXPECT_ERROR(range_limits_invalid,
                    (co_await tr.GetRange(KeyRange{"a", "b"}, options)).status());
    CO_EXPECT_ERROR(invalid_mutation_type, tr.Atomic(MutationType::kSet, "k", "v"));
    CO_EXPECT_ERROR(client_invalid_operation,
                    tr.Atomic(MutationType::kSetVersionstampedValue, "k", "short"));
    CO_EXPECT_ERROR(version_invalid, tr.SetReadVersion(0));
    tr.options().read_system_keys = true;
    EXPECT_TRUE((co_await tr.Get("\xff/x")).ok());
    CO_EXPECT_ERROR(key_outside_legal_range, tr.Set("\xff/x", "v"));
    CO_EXPECT_ERROR(key_outside_legal_range, (co_await tr.Get("\xff\xff")).status());
    CO_EXPECT_ERROR(read_version_already_set, tr.SetReadVersion(1000));
    co_return absl::OkStatus();
  });
}

// --- Errors and ends.

TEST(Transaction, OnErrorRetriesWhatTheTableSays) {
  OnCluster([](Env* env, Database* database, FakeCluster*) -> Task<absl::Status> {
    const std::map<ErrorCode, bool> retried = {
        {ErrorCode::not_committed, true},
        {ErrorCode::transaction_too_old, true},
        {ErrorCode::commit_unknown_result, true},
        {ErrorCode::future_version, true},
        {ErrorCode::process_behind, true},
        {ErrorCode::log_space_low, true},
        {ErrorCode::outcome_unknown, false},
        {ErrorCode::transaction_cancelled, false},
        {ErrorCode::transaction_timed_out, false},
        {ErrorCode::accessed_unreadable, false},
        {ErrorCode::transaction_too_large, false},
        {ErrorCode::key_too_large, false},
        {ErrorCode::inverted_range, false},
        {ErrorCode::used_during_commit, false},
        {ErrorCode::client_invalid_operation, false},
    };
    for (const auto& [code, again] : retried) {
      Transaction tr = database->Begin();
      CO_RETURN_IF_ERROR(tr.Set("k", "v"));
      const absl::Status result = co_await tr.OnError(Error(code));
      EXPECT_EQ(result.ok(), again) << InfoOf(code).name;
      if (!again) EXPECT_EQ(CodeOf(result), code);
      EXPECT_EQ(tr.ApproximateBytes() == 0, again) << "reset if and only if it is tried again";
    }
    Transaction tr = database->Begin();
    tr.options().retries_max = 3;
    tr.options().retry_delay_max = Milliseconds(15);
    for (int i = 0; i < 3; ++i) {
      const Time before = env->clock().Now();
      EXPECT_TRUE((co_await tr.OnError(Error(ErrorCode::not_committed))).ok());
      EXPECT_LE(env->clock().Now() - before, Milliseconds(16));
    }
    CO_EXPECT_ERROR(not_committed, co_await tr.OnError(Error(ErrorCode::not_committed)));
    co_return absl::OkStatus();
  });
}

TEST(Transaction, EndsByCancelResetAndTimeout) {
  OnCluster([](Env* env, Database* database, FakeCluster* cluster) -> Task<absl::Status> {
    Transaction tr = database->Begin();
    CO_RETURN_IF_ERROR(tr.Set("k", "v"));
    tr.Cancel();
    CO_EXPECT_ERROR(transaction_cancelled, (co_await tr.Get("k")).status());
    CO_EXPECT_ERROR(transaction_cancelled, tr.Set("k", "w"));
    CO_EXPECT_ERROR(transaction_cancelled, (co_await tr.Commit()).status());
    tr.Reset();
    EXPECT_TRUE(tr.Set("k", "v").ok());
    EXPECT_TRUE((co_await tr.Commit()).ok());
    CO_EXPECT_ERROR(used_during_commit, tr.Set("k", "w"));
    CO_EXPECT_ERROR(used_during_commit, (co_await tr.Commit()).status());

    cluster->faults().read_unanswered = OneIn(1);
    Transaction slow = database->Begin();
    slow.options().timeout = Seconds(3);
    const Time before = env->clock().Now();
    CO_EXPECT_ERROR(transaction_timed_out, (co_await slow.Get("k")).status());
    EXPECT_EQ(ToMilliseconds(env->clock().Now() - before), 3000);
    CO_EXPECT_ERROR(transaction_timed_out, co_await slow.OnError(Error(ErrorCode::not_committed)));

    cluster->faults().commit_lost = OneIn(1);
    for (const bool exactly_once : {true, false}) {
      Transaction unknown = database->Begin();
      unknown.options().timeout = Seconds(3);
      unknown.options().exactly_once = exactly_once;
      CO_RETURN_IF_ERROR(unknown.Set("k", "v"));
      const absl::Status result = (co_await unknown.Commit()).status();
      EXPECT_EQ(CodeOf(result),
                exactly_once ? ErrorCode::outcome_unknown : ErrorCode::transaction_timed_out);
    }
    Transaction patient = database->Begin();
    patient.options().exactly_once = false;
    CO_RETURN_IF_ERROR(patient.Set("k", "v"));
    CO_EXPECT_ERROR(commit_unknown_result, (co_await patient.Commit()).status());
    co_return absl::OkStatus();
  });
}

TEST(Transaction, ConflictsAreFoundAndReported) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await Put(database, {{"a", "1"}, {"b", "1"}, {"m", "1"}}));
    Transaction tr = database->Begin();
    tr.options().report_conflicting_keys = true;
    (void)co_await tr.Get("a");  // Only what it conflicts with matters.
    (void)co_await tr.Get("m", true);
    (void)co_await tr.Get("b");
    CO_RETURN_IF_ERROR(tr.Set("x", "1"));
    CO_RETURN_IF_ERROR(co_await Put(database, {{"b", "2"}, {"m", "2"}, {"x", "2"}}));
    CO_EXPECT_ERROR(not_committed, (co_await tr.Commit()).status());
    EXPECT_EQ(tr.conflicting_ranges(), (std::vector<KeyRange>{{"b", KeyAfter("b")}}));

    // Not by a snapshot read, a write without conflict, or a read of its own set.
    tr.Reset();
    CO_RETURN_IF_ERROR(tr.Set("b", "3"));
    (void)co_await tr.Get("m", true);
    (void)co_await tr.Get("b");
    CO_RETURN_IF_ERROR(co_await Put(database, {{"b", "4"}, {"m", "4"}}));
    EXPECT_TRUE((co_await tr.Commit()).ok());

    tr.Reset();
    (void)co_await tr.Get("b");
    CO_RETURN_IF_ERROR(tr.Set("y", "1"));
    Transaction quiet = database->Begin();
    quiet.options().next_write_no_conflict = true;
    CO_RETURN_IF_ERROR(quiet.Set("b", "5"));
    EXPECT_FALSE(quiet.options().next_write_no_conflict);
    EXPECT_TRUE((co_await quiet.Commit()).ok());
    EXPECT_TRUE((co_await tr.Commit()).ok());
    co_return absl::OkStatus();
  });
}

TEST(Transaction, VersionstampsAreThoseOfTheCommit) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    Transaction tr = database->Begin();
    const std::string place = std::string(10, '\0') + std::string("\1\0\0\0", 4);
    CO_RETURN_IF_ERROR(tr.Atomic(MutationType::kSetVersionstampedKey, "s" + place, "v"));
    CO_RETURN_IF_ERROR(tr.Atomic(MutationType::kSetVersionstampedValue, "t", "s" + place));
    CO_EXPECT_ERROR(accessed_unreadable, (co_await tr.Get("t")).status());
    CO_EXPECT_ERROR(accessed_unreadable, (co_await tr.GetRange(KeyRange{"s", "t"})).status());
    Future<absl::StatusOr<std::string>> stamp = tr.GetVersionstamp();
    CO_ASSIGN_OR_RETURN(const CommitResult result, co_await tr.Commit());
    CO_ASSIGN_OR_RETURN(const std::string stamped, co_await std::move(stamp));
    EXPECT_EQ(stamped, result.versionstamp);
    tr.Reset();
    CO_ASSIGN_OR_RETURN(const auto value, co_await tr.Get("s" + stamped));
    EXPECT_EQ(value, "v");
    CO_ASSIGN_OR_RETURN(const auto other, co_await tr.Get("t"));
    EXPECT_EQ(other, "s" + stamped);

    CO_ASSIGN_OR_RETURN(const CommitResult nothing, co_await tr.Commit());
    EXPECT_EQ(nothing.version, kInvalidVersion);
    EXPECT_TRUE(nothing.versionstamp.empty());
    co_return absl::OkStatus();
  });
}

Task<absl::Status> SetSoon(Transaction* transaction) {
  co_await Yield();
  co_return transaction->Set("a2", "mine");
}

TEST(Transaction, AReadUnderWayDoesNotSeeLaterWrites) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await Put(database, {{"a1", "1"}, {"a3", "1"}}));
    Transaction tr = database->Begin();
    CO_RETURN_IF_ERROR(tr.Set("a3", "mine"));
    auto [rows, set] = co_await WhenAll(tr.GetRange(KeyRange{"a", "b"}), SetSoon(&tr));
    CO_RETURN_IF_ERROR(rows.status());
    EXPECT_EQ(rows->rows.Copy(), (std::vector<KeyValue>{{"a1", "1"}, {"a3", "mine"}}));
    CO_ASSIGN_OR_RETURN(const RangeResult later, co_await tr.GetRange(KeyRange{"a", "b"}));
    EXPECT_EQ(later.rows.size(), 3u);
    co_return absl::OkStatus();
  });
}

// --- What the cluster is asked for.

Task<absl::Status> ReadTen(Transaction* transaction) {
  std::vector<Task<absl::StatusOr<std::optional<std::string>>>> reads;
  for (int i = 0; i < 10; ++i) reads.push_back(transaction->Get("a" + std::to_string(i)));
  for (const auto& value : co_await WhenAll(std::move(reads))) CO_RETURN_IF_ERROR(value.status());
  co_return absl::OkStatus();
}

TEST(Transaction, ReadsOfOneTurnShareCalls) {
  OnCluster([](Env*, Database* database, FakeCluster* cluster) -> Task<absl::Status> {
    std::vector<Transaction> transactions;
    for (int i = 0; i < 8; ++i) transactions.push_back(database->Begin());
    std::vector<Task<absl::Status>> all;
    for (Transaction& each : transactions) all.push_back(ReadTen(&each));
    for (const absl::Status& status : co_await WhenAll(std::move(all))) {
      CO_RETURN_IF_ERROR(status);
    }
    EXPECT_EQ(cluster->counts().read_versions, 1u);
    EXPECT_EQ(cluster->counts().locates, 1u);
    EXPECT_EQ(cluster->counts().multi_gets, 1u);
    EXPECT_EQ(cluster->counts().gets, 0u);
    co_return absl::OkStatus();
  });
}

Task<absl::Status> WriteAndLook(Env* env, Database* database, Version* acknowledged) {
  for (int i = 0; i < 50; ++i) {
    Transaction tr = database->Begin();
    const Version least = *acknowledged;
    CO_ASSIGN_OR_RETURN(const Version version, co_await tr.GetReadVersion());
    EXPECT_GE(version, least) << "a version older than a commit acknowledged before";
    CO_RETURN_IF_ERROR(tr.Set("w", "v"));
    CO_ASSIGN_OR_RETURN(const CommitResult result, co_await tr.Commit());
    *acknowledged = std::max(*acknowledged, result.version);
    co_await Sleep(env->clock(), Microseconds(env->random("test").Between(0, 500)));
  }
  co_return absl::OkStatus();
}

TEST(Transaction, ReadVersionsAreNeverOlderThanWhatWasAcknowledged) {
  OnCluster([](Env* env, Database* database, FakeCluster* cluster) -> Task<absl::Status> {
    Version acknowledged = 0;
    std::vector<Task<absl::Status>> all;
    for (int i = 0; i < 20; ++i) all.push_back(WriteAndLook(env, database, &acknowledged));
    for (const absl::Status& status : co_await WhenAll(std::move(all))) {
      CO_RETURN_IF_ERROR(status);
    }
    EXPECT_LT(cluster->counts().read_versions, 900u) << "requests are not shared";
    co_return absl::OkStatus();
  });
}

// --- Against a model, on a cluster with faults.

class Fuzz {
 public:
  Fuzz(Env& env, Database& database, FakeCluster& cluster)
      : random_(env.random("fuzz")), database_(database), cluster_(cluster) {}

  Task<absl::Status> Run() {
    for (int i = 0; i < 15; ++i) {
      if (random_.Chance(OneIn(3))) Reshard();
      Transaction tr = database_.Begin();
      for (;;) {
        absl::Status status = co_await RunOne(tr);
        if (status.ok()) break;
        CO_RETURN_IF_ERROR(co_await tr.OnError(std::move(status)));
      }
      committed_ = mine_;
    }
    co_return absl::OkStatus();
  }

 private:
  using Rows = std::map<Key, std::string>;

  Key AnyKey() {
    return std::string(1 + random_.Below(2), static_cast<char>('a' + random_.Below(6)));
  }

  void Reshard() {
    std::vector<Key> begins{""};
    for (int i = 0; i < 3; ++i) begins.push_back(AnyKey());
    std::sort(begins.begin(), begins.end());
    begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
    cluster_.SetShards(std::move(begins));
  }

  Task<absl::Status> RunOne(Transaction& tr) {
    mine_ = committed_;
    for (uint64_t i = random_.Below(12); i-- > 0;) {
      switch (random_.Below(7)) {
        case 0:
        case 1: {
          const Key key = AnyKey();
          mine_[key] = std::to_string(random_.Below(1000));
          CO_RETURN_IF_ERROR(tr.Set(key, mine_[key]));
          break;
        }
        case 2: {
          KeyRange range{AnyKey(), AnyKey()};
          if (range.begin > range.end) std::swap(range.begin, range.end);
          mine_.erase(mine_.lower_bound(range.begin), mine_.lower_bound(range.end));
          CO_RETURN_IF_ERROR(tr.Clear(range));
          break;
        }
        case 3: {
          const Key key = AnyKey();
          mine_[key] += "x";
          CO_RETURN_IF_ERROR(tr.Atomic(MutationType::kAppendIfFits, key, "x"));
          break;
        }
        case 4:
          CO_RETURN_IF_ERROR(co_await CheckGet(tr));
          break;
        case 5:
          CO_RETURN_IF_ERROR(co_await CheckKey(tr));
          break;
        default:
          CO_RETURN_IF_ERROR(co_await CheckRange(tr));
      }
    }
    co_return (co_await tr.Commit()).status();
  }

  Task<absl::Status> CheckGet(Transaction& tr) {
    const Key key = AnyKey();
    CO_ASSIGN_OR_RETURN(const auto value, co_await tr.Get(key, random_.Chance(OneIn(2))));
    const auto it = mine_.find(key);
    EXPECT_EQ(value, it == mine_.end() ? std::nullopt : std::optional(it->second));
    co_return absl::OkStatus();
  }

  // The row that the selector names: as an index into the rows, clamped to one beyond either end.
  int64_t IndexOf(const KeySelector& selector) const {
    const auto at =
        selector.or_equal ? mine_.upper_bound(selector.key) : mine_.lower_bound(selector.key);
    const int64_t index = std::distance(mine_.begin(), at) + selector.offset - 1;
    return std::clamp<int64_t>(index, -1, static_cast<int64_t>(mine_.size()));
  }
  KeySelector AnySelector() {
    return {AnyKey(), random_.Chance(OneIn(2)), static_cast<int32_t>(random_.Between(-3, 4))};
  }

  Task<absl::Status> CheckKey(Transaction& tr) {
    const KeySelector selector = AnySelector();
    CO_ASSIGN_OR_RETURN(const Key key, co_await tr.GetKey(selector));
    const int64_t index = IndexOf(selector);
    const Key expected = index < 0 ? Key()
                         : index == static_cast<int64_t>(mine_.size())
                             ? Key("\xff")
                             : std::next(mine_.begin(), index)->first;
    EXPECT_EQ(key, expected);
    co_return absl::OkStatus();
  }

  Task<absl::Status> CheckRange(Transaction& tr) {
    const KeySelector begin = AnySelector();
    const KeySelector end = AnySelector();
    RangeOptions options;
    options.rows = static_cast<int32_t>(random_.Below(4));
    options.reverse = random_.Chance(OneIn(2));
    options.snapshot = random_.Chance(OneIn(3));
    options.mode = random_.Chance(OneIn(2)) ? StreamingMode::kWantAll : StreamingMode::kIterator;
    CO_ASSIGN_OR_RETURN(const RangeResult result, co_await tr.GetRange(begin, end, options));
    std::vector<KeyValue> expected;
    const int64_t from = std::max<int64_t>(IndexOf(begin), 0);
    for (int64_t i = from; i < IndexOf(end); ++i) {
      const auto& [key, value] = *std::next(mine_.begin(), i);
      expected.emplace_back(key, value);
    }
    if (options.reverse) std::reverse(expected.begin(), expected.end());
    if (options.rows > 0 && expected.size() > static_cast<size_t>(options.rows)) {
      EXPECT_TRUE(result.more);
      expected.erase(expected.begin() + options.rows, expected.end());
    }
    EXPECT_EQ(result.rows.Copy(), expected);
    co_return absl::OkStatus();
  }

  Random& random_;
  Database& database_;
  FakeCluster& cluster_;
  Rows committed_;
  Rows mine_;
};

Task<absl::Status> RunFuzz(Env* env, Database* database, FakeCluster* cluster) {
  Fuzz fuzz(*env, *database, *cluster);
  co_return co_await fuzz.Run();
}

TEST(Transaction, IsAsTheModelWhateverTheServersDo) {
  for (uint64_t seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FakeFaults faults;
    faults.read_refused = OneIn(4);
    faults.read_unanswered = OneIn(50);
    faults.commit_unanswered = OneIn(10);
    faults.commit_lost = OneIn(10);
    FakeCluster cluster(seed, faults);
    cluster.knobs().Randomise(seed);
    const absl::Status status = cluster.Run(
        [&](Env& env, Database& database) { return RunFuzz(&env, &database, &cluster); });
    EXPECT_TRUE(status.ok()) << Describe(status);
  }
}

TEST(Transaction, TellsSizesSplitPointsAndAddresses) {
  OnCluster([](Env*, Database* database, FakeCluster*) -> Task<absl::Status> {
    for (const char* key : {"a", "b", "l", "m", "q", "r"}) {
      CO_RETURN_IF_ERROR(co_await Put(database, {{key, std::string(99, 'v')}}));
    }
    Transaction tr = database->Begin();
    CO_ASSIGN_OR_RETURN(const uint64_t bytes, co_await tr.EstimateBytes({"", "\xff"}));
    EXPECT_EQ(bytes, 600u);
    CO_ASSIGN_OR_RETURN(const auto points, co_await tr.SplitPoints({"a", "z"}, 200));
    EXPECT_EQ(points, (std::vector<Key>{"a", "b", "m", "r", "z"}));
    CO_ASSIGN_OR_RETURN(const auto addresses, co_await tr.AddressesOf("a"));
    EXPECT_EQ(addresses.size(), 3u);
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace orrery
