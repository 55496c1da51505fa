// Goal: repeats get the first answer, forgotten ones none, the chain is walked in order, and every
// proxy sees every state transaction once it is wanted, in order, with this resolver's verdict, or
// is refused. Method: two proxies that lag, repeat and reorder their batches at random, against a
// model that keeps everything for ever; verdicts are compared with a plain ConflictSet.
#include "txn/resolver/resolver_state.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "core/base/encoding.h"
#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"
#include "gtest/gtest.h"
#include "txn/resolver/resolve_codec.h"

namespace orrery {

namespace {

using Standing = ResolverState::Standing;

constexpr Version kFirst = 100'000;
constexpr Version kWindow = 1'000;

ResolverState::Options StateOptions(size_t state_bytes_max) {
  return {.first_version = kFirst,
          .window = kWindow,
          .proxy_ids = {1, 2},
          .keep_mutations = true,
          .state_bytes_max = state_bytes_max,
          .answers_max = 100};
}

struct Batch {
  ResolveRequest request;
  std::string attachment;
};

Batch MakeBatch(uint64_t proxy, Version previous, Version version, Version answered) {
  Batch batch;
  batch.request.set_proxy_id(proxy);
  batch.request.set_previous_version(previous);
  batch.request.set_version(version);
  batch.request.set_answered_through(answered);
  return batch;
}

void Add(Batch& batch, const ResolveTransactionRef& transaction) {
  AppendResolveTransaction(transaction, batch.attachment);
  batch.request.set_transactions(batch.request.transactions() + 1);
}

void AddState(Batch& batch, std::string_view mutations) {
  Add(batch, {.read_version = batch.request.previous_version(),
              .is_state = true,
              .writes = {{"\xff", "\xff\x01"}},
              .state_mutations = mutations});
}

TEST(ResolverStateTest, Chain) {
  ResolverState state(StateOptions(1 << 20));
  const Batch first = MakeBatch(1, kFirst, kFirst + 10, kFirst);
  const Batch second = MakeBatch(2, kFirst + 10, kFirst + 20, kFirst);
  EXPECT_EQ(state.Arrive(second.request), Standing::kEarly);
  ASSERT_EQ(state.Arrive(first.request), Standing::kTurn);
  ASSERT_TRUE(state.Resolve(first.request, first.attachment).ok());
  EXPECT_EQ(state.Arrive(first.request), Standing::kAnswered);
  EXPECT_EQ(state.Arrive(second.request), Standing::kTurn);
  // Another proxy's version was never this one's; a fork of the chain; a stranger; nonsense.
  EXPECT_EQ(state.Arrive(MakeBatch(2, kFirst, kFirst + 10, kFirst).request), Standing::kForgotten);
  EXPECT_EQ(state.Arrive(MakeBatch(2, kFirst, kFirst + 15, kFirst).request), Standing::kBroken);
  EXPECT_EQ(state.Arrive(MakeBatch(3, kFirst + 10, kFirst + 20, kFirst).request),
            Standing::kRefused);
  EXPECT_EQ(state.Arrive(MakeBatch(2, kFirst + 20, kFirst + 20, kFirst).request),
            Standing::kBroken);
  EXPECT_EQ(state.Arrive(MakeBatch(1, kFirst + 10, kFirst + 20, kFirst + 11).request),
            Standing::kBroken);
  // Answered, and said to have arrived.
  EXPECT_EQ(state.Arrive(MakeBatch(1, kFirst + 20, kFirst + 30, kFirst + 10).request),
            Standing::kEarly);
  EXPECT_EQ(state.Arrive(first.request), Standing::kForgotten);
  EXPECT_EQ(state.answers(), 0u);
}

TEST(ResolverStateTest, ADamagedBatchChangesNothing) {
  ResolverState state(StateOptions(1 << 20));
  Batch batch = MakeBatch(1, kFirst, kFirst + 10, kFirst);
  Add(batch, {.read_version = kFirst, .writes = {{"a", "b"}}});
  ASSERT_EQ(state.Arrive(batch.request), Standing::kTurn);
  const std::string_view cut = std::string_view(batch.attachment).substr(1);
  EXPECT_EQ(CodeOf(state.Resolve(batch.request, cut).status()), ErrorCode::file_corrupt);
  EXPECT_EQ(state.last_version(), kFirst);
  ASSERT_EQ(state.Arrive(batch.request), Standing::kTurn);
  EXPECT_TRUE(state.Resolve(batch.request, batch.attachment).ok());
}

TEST(ResolverStateTest, ReadsBeyondTheWindowAndOfOlderGenerationsAreTooOld) {
  ResolverState state(StateOptions(1 << 20));
  const auto judge = [&](Version version, Version read_version) {
    Batch batch = MakeBatch(1, state.last_version(), version, kFirst);
    Add(batch, {.read_version = read_version, .reads = {{"a", "b"}}});
    EXPECT_EQ(state.Arrive(batch.request), Standing::kTurn);
    return static_cast<Verdict>(state.Resolve(batch.request, batch.attachment)->verdicts()[0]);
  };
  EXPECT_EQ(judge(kFirst + 1, kFirst), Verdict::committed);
  EXPECT_EQ(judge(kFirst + 2, kFirst - 1), Verdict::too_old);
  EXPECT_EQ(judge(kFirst + kWindow, kFirst), Verdict::committed);
  EXPECT_EQ(judge(kFirst + kWindow + 1, kFirst), Verdict::too_old);
}

TEST(ResolverStateTest, AProxyThatLagsTooFarIsRefusedAndNoOther) {
  ResolverState state(StateOptions(/*state_bytes_max=*/1000));
  Version last = kFirst;
  for (int i = 0; i < 5; ++i, last += 10) {
    Batch batch = MakeBatch(1, last, last + 10, last);
    AddState(batch, std::string(400, 'x'));
    ASSERT_EQ(state.Arrive(batch.request), Standing::kTurn);
    ASSERT_TRUE(state.Resolve(batch.request, batch.attachment).ok());
    EXPECT_LE(state.state_bytes(), 1000u);
  }
  EXPECT_EQ(state.Arrive(MakeBatch(2, last, last + 10, kFirst).request), Standing::kRefused);
  EXPECT_EQ(state.Arrive(MakeBatch(1, last, last + 10, last).request), Standing::kTurn);
  // One version alone may pass the limit: nobody can have it yet.
  Batch large = MakeBatch(1, last, last + 10, last);
  for (int i = 0; i < 4; ++i) AddState(large, std::string(400, 'x'));
  ASSERT_TRUE(state.Resolve(large.request, large.attachment).ok());
  EXPECT_EQ(state.state_transactions(), 4u);
}

// A proxy of the model: batches that it sent, and what it knows.
struct ModelProxy {
  Version answered = kFirst;             // Everything of its own up to here arrived.
  std::map<Version, Batch> outstanding;  // Sent, answer not arrived.
  Version told = kFirst;                 // That it had arrived, to the resolver.
  std::map<Version, std::string> first_answers;
  std::map<Version, Version> told_when;                      // `told`, when a version was resolved.
  std::map<std::pair<Version, uint32_t>, std::string> seen;  // State transactions.
};

class ResolverModel : public testing::Test {
 public:
  explicit ResolverModel(uint64_t seed) : random_(seed) {}

  void TestBody() override {
    constexpr int kSteps = 30'000;
    for (int i = 0; i < kSteps && !testing::Test::HasFatalFailure(); ++i) {
      const uint64_t who = 1 + random_.Below(2);
      if (proxies_[who].outstanding.size() < 5 && random_.Chance(OneIn(3))) {
        Send(who);
      } else if (!proxies_[who].outstanding.empty()) {
        Deliver(who);
      }
    }
    EXPECT_GT(resolved_, kSteps / 20);
    EXPECT_GT(repeated_, kSteps / 100);
    EXPECT_GT(early_, kSteps / 100);
    EXPECT_GT(conflicts_, 100);
    EXPECT_GT(states_seen_, 100);
    std::printf("resolved %d, repeated %d, early %d, conflicts %d, state transactions seen %d\n",
                resolved_, repeated_, early_, conflicts_, states_seen_);
  }

 private:
  Key DrawKey() { return std::string(1, static_cast<char>('a' + random_.Below(20))); }

  // The next batch of the chain, of proxy `who`.
  void Send(uint64_t who) {
    const Version version = chain_end_ + random_.Between(1, 100);
    ModelProxy& proxy = proxies_[who];
    Batch batch = MakeBatch(who, chain_end_, version, proxy.answered);
    for (uint64_t n = random_.Below(4); n > 0; --n) {
      const Key read = DrawKey(), write = DrawKey();
      const Key read_end = KeyAfter(read), write_end = KeyAfter(write);
      const std::string mutations = "m" + std::to_string(version) + "." + std::to_string(n);
      ResolveTransactionRef transaction{
          .read_version = std::max(kFirst, chain_end_ - random_.Between(0, 1200)),
          .report_reads = random_.Chance(OneIn(4)),
          .is_state = random_.Chance(OneIn(5)),
          .reads = {{read, read_end}},
          .writes = {{write, write_end}}};
      if (transaction.is_state) transaction.state_mutations = mutations;
      Add(batch, transaction);
    }
    chain_end_ = version;
    proxy.outstanding[version] = std::move(batch);
  }

  // One of the outstanding requests comes (again); its answer may arrive.
  void Deliver(uint64_t who) {
    ModelProxy& proxy = proxies_[who];
    auto at = proxy.outstanding.begin();
    std::advance(at, static_cast<ptrdiff_t>(random_.Below(proxy.outstanding.size())));
    const Version version = at->first;
    const Batch& batch = at->second;
    std::string answer;
    proxy.told = std::max<Version>(proxy.told, batch.request.answered_through());
    switch (state_.Arrive(batch.request)) {
      case Standing::kEarly:
        ASSERT_GT(batch.request.previous_version(), state_.last_version());
        ++early_;
        return;
      case Standing::kTurn: {
        const auto reply = state_.Resolve(batch.request, batch.attachment);
        ASSERT_TRUE(reply.ok());
        CheckNew(batch, *reply);
        answer = reply->SerializeAsString();
        proxy.first_answers[version] = answer;
        proxy.told_when[version] = proxy.told;
        ++resolved_;
        break;
      }
      case Standing::kAnswered:
        answer = state_.answer(batch.request).SerializeAsString();
        ASSERT_EQ(answer, proxy.first_answers.at(version));
        ++repeated_;
        break;
      default:
        FAIL() << "version " << version << " of proxy " << who;
    }
    if (random_.Chance(OneIn(2))) return;  // The answer is lost.
    Take(proxy, answer, version);
    proxy.outstanding.erase(at);
    proxy.answered = AnsweredThrough(proxy);
    // What the proxy says it has, it has.
    for (const auto& [place, text] : all_states_) {
      if (place.first > proxy.answered) break;
      ASSERT_TRUE(proxy.seen.contains(place) || proxy.first_answers.contains(place.first));
    }
  }

  // The greatest own version all of whose predecessors' answers have arrived.
  static Version AnsweredThrough(const ModelProxy& proxy) {
    Version through = proxy.answered;
    for (const auto& [own, answer] : proxy.first_answers) {
      if (!proxy.outstanding.empty() && own >= proxy.outstanding.begin()->first) break;
      through = std::max(through, own);
    }
    return through;
  }

  void CheckNew(const Batch& batch, const ResolveReply& reply) {
    const auto transactions =
        ParseResolveTransactions(batch.attachment, batch.request.transactions());
    std::vector<ConflictTransaction> judged;
    for (const auto& each : *transactions) {
      judged.push_back({each.read_version, each.reads, each.writes, each.report_reads});
    }
    plain_.SetOldest(batch.request.version() - kWindow);
    const BatchVerdicts& expected = plain_.Resolve(batch.request.version(), judged);
    ASSERT_EQ(reply.verdicts().size(), expected.verdicts.size());
    ASSERT_EQ(reply.conflicting_reads_size(),
              2 * static_cast<int>(expected.conflicting_reads.size()));
    for (uint32_t i = 0; i < judged.size(); ++i) {
      ASSERT_EQ(static_cast<Verdict>(reply.verdicts()[i]), expected.verdicts[i]);
      conflicts_ += expected.verdicts[i] != Verdict::committed;
      if (!(*transactions)[i].is_state) continue;
      const bool committed = expected.verdicts[i] == Verdict::committed;
      all_states_[{batch.request.version(), i}] =
          std::string((*transactions)[i].state_mutations) + (committed ? "+" : "-");
    }
  }

  // The proxy takes what an answer tells: everything after what it had said it had, in order.
  void Take(ModelProxy& proxy, const std::string& answer, Version version) {
    ResolveReply reply;
    ASSERT_TRUE(reply.ParseFromString(answer));
    auto expected = all_states_.upper_bound({proxy.told_when.at(version), UINT32_MAX});
    for (const StateTransaction& each : reply.state()) {
      const std::pair<Version, uint32_t> place{each.version(), each.order()};
      ASSERT_TRUE(expected != all_states_.end() && expected->first == place);
      ASSERT_EQ(each.mutations() + (each.committed() ? "+" : "-"), expected->second);
      ++expected;
      states_seen_ += proxy.seen.emplace(place, each.mutations()).second;
    }
    // Nothing below the batch itself was left out.
    ASSERT_TRUE(expected == all_states_.end() || expected->first.first >= version);
  }

  Random random_;
  ResolverState state_{StateOptions(1 << 20)};
  ConflictSet plain_{kFirst};
  Version chain_end_ = kFirst;
  std::map<uint64_t, ModelProxy> proxies_;
  std::map<std::pair<Version, uint32_t>, std::string> all_states_;
  int resolved_ = 0, repeated_ = 0, early_ = 0, conflicts_ = 0, states_seen_ = 0;
};

TEST(ResolveCodecTest, GivesBackWhatWasWrittenAndRefusesEveryCut) {
  std::string bytes;
  const ResolveTransactionRef written{.read_version = -1,
                                      .report_reads = true,
                                      .is_state = true,
                                      .reads = {{"", "a"}, {"b", std::string_view("c\0", 2)}},
                                      .writes = {{"d", "\xff\xff"}},
                                      .state_mutations = "mutations"};
  AppendResolveTransaction(written, bytes);
  AppendResolveTransaction({.read_version = 5}, bytes);
  const auto read = ParseResolveTransactions(bytes, 2);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)[0].read_version, -1);
  EXPECT_TRUE((*read)[0].report_reads && (*read)[0].is_state);
  EXPECT_EQ((*read)[0].reads, written.reads);
  EXPECT_EQ((*read)[0].writes, written.writes);
  EXPECT_EQ((*read)[0].state_mutations, "mutations");
  EXPECT_EQ((*read)[1].read_version, 5);
  EXPECT_FALSE((*read)[1].report_reads || (*read)[1].is_state);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseResolveTransactions(std::string_view(bytes).substr(0, size), 2).ok()) << size;
  }
  EXPECT_FALSE(ParseResolveTransactions(bytes + "x", 2).ok());
  EXPECT_FALSE(ParseResolveTransactions(bytes, 1).ok());
  EXPECT_FALSE(ParseResolveTransactions(bytes, UINT32_MAX).ok());
  std::string flags = bytes;
  flags[8] = 4;
  EXPECT_FALSE(ParseResolveTransactions(flags, 2).ok());
  std::string many(8 + 1, '\0');
  AppendVarint(many, UINT64_MAX);
  AppendVarint(many, 0);
  EXPECT_FALSE(ParseResolveTransactions(many, 1).ok());
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> argument = orrery::SeedArgument(argc, argv);
  if (!argument.has_value()) return 2;
  const uint64_t seed = *argument;
  testing::RegisterTest("ResolverState", "Model", nullptr, nullptr, __FILE__, __LINE__,
                        [seed]() -> testing::Test* { return new orrery::ResolverModel(seed); });
  return RUN_ALL_TESTS();
}
