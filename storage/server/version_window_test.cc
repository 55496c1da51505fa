// Goal: window over engine is the state at every version of the window, for point reads and for
// ranges in both directions; what is visited makes the next engine; memory comes back.
// Method: random mutations over small and nasty sets of keys, side by side with a model that keeps
// the whole map of every version. The engine is the model's map at the oldest version: wherever the
// window says "not here", its answer stands. `--seed=N` repeats a run.
#include "storage/server/version_window.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"

namespace orrery {
namespace {

using Found = VersionWindow::Found;
using Cursor = VersionWindow::Cursor;
using Kind = WindowMutation::Kind;
using State = std::map<Key, std::string>;

void ApplyTo(State& state, const WindowMutation& mutation) {
  if (mutation.kind == Kind::set) {
    state[Key(mutation.key)] = mutation.param;
  } else if (mutation.key < mutation.param) {
    state.erase(state.lower_bound(Key(mutation.key)), state.lower_bound(Key(mutation.param)));
  }
}

std::vector<Key> DrawUniverse(Random& random) {
  std::set<Key> keys;
  const size_t size = 2 + random.Below(random.Chance(OneIn(4)) ? 150 : 12);
  const char few[] = {'\0', 'a', '\xff'};
  Key stem;
  for (int tries = 0; keys.size() < size && tries < 2000; ++tries) {
    if (random.Chance(OneIn(10))) stem.assign(random.Below(20), few[random.Below(3)]);
    Key key = stem;
    for (size_t n = random.Below(4); n > 0; --n) key.push_back(few[random.Below(3)]);
    if (random.Chance({1, 2})) keys.insert(KeyAfter(key));
    keys.insert(std::move(key));
  }
  return {keys.begin(), keys.end()};
}

class VersionWindowModel : public testing::Test {
 public:
  explicit VersionWindowModel(uint64_t seed) : random_(seed) {}

  void TestBody() override {
    for (int world = 0; checks_ < 1'500'000 && !HasFailure(); ++world) {
      SCOPED_TRACE(world);
      World();
    }
    std::printf("%zu checks; answers: %zu value, %zu cleared, %zu not here; %zu spans\n", checks_,
                answers_[0], answers_[1], answers_[2], spans_);
    for (const size_t count : answers_) EXPECT_GT(count, checks_ / 50);
    EXPECT_GT(spans_, checks_ / 50);
  }

 private:
  const Key& DrawKey() { return universe_[random_.Below(universe_.size())]; }

  void World() {
    universe_ = DrawUniverse(random_);
    states_.clear();
    clears_ = Ratio{static_cast<uint32_t>(random_.Below(8)), 10};
    const auto window_max = static_cast<Version>(1 + random_.Below(25));
    VersionWindow window(0);
    State& first = states_[0];
    for (const Key& key : universe_) {
      if (random_.Chance({1, 2})) first[key] = "engine";
    }
    for (int steps = 0; steps < 80 && !HasFailure(); ++steps) {
      Write(window);
      if (window.newest() - window.oldest() > window_max) Forget(window);
      for (int i = 0; i < 4; ++i) CheckPoint(window);
      CheckRange(window);
    }
    window.Forget(window.newest());
    EXPECT_EQ(window.nodes(), 0u);
    EXPECT_LE(window.bytes(), 1000u);
  }

  Version DrawVersion(const VersionWindow& window) {
    return random_.Between(window.oldest(), window.newest());
  }

  void Write(VersionWindow& window) {
    const Version version = window.newest() + static_cast<Version>(random_.Below(3));
    if (version <= window.oldest()) return;
    std::vector<std::string> bytes;
    std::vector<WindowMutation> mutations;
    State state = states_.rbegin()->second;
    bytes.reserve(12);
    for (size_t n = random_.Below(6); n > 0; --n) {
      const Key& key = DrawKey();
      WindowMutation mutation{Kind::set, key, {}};
      if (random_.Chance(clears_)) {
        mutation.kind = Kind::clear;
        mutation.param = random_.Chance(OneIn(3)) ? KeyRef(bytes.emplace_back(KeyAfter(key)))
                                                  : KeyRef(DrawKey());
      } else if (!random_.Chance(OneIn(8))) {
        mutation.param = bytes.emplace_back(std::to_string(random_.Next()));
      }
      ApplyTo(state, mutation);
      mutations.push_back(mutation);
    }
    if (mutations.empty() && random_.Chance({1, 2})) {
      window.Advance(version);
    } else {
      window.Apply(version, mutations);
    }
    for (Version v = states_.rbegin()->first + 1; v < version; ++v) {
      states_[v] = states_.rbegin()->second;
    }
    states_[version] = std::move(state);
  }

  void Forget(VersionWindow& window) {
    const Version to = DrawVersion(window);
    State engine = states_[window.oldest()];
    Version last = window.oldest();
    window.VisitMutations(window.oldest(), to, [&](Version version, const WindowMutation& m) {
      EXPECT_GE(version, last);
      EXPECT_GT(version, window.oldest());
      last = version;
      ApplyTo(engine, m);
    });
    EXPECT_EQ(engine, states_[to]);
    window.Forget(to);
    window.Forget(to - 1);
    EXPECT_EQ(window.oldest(), to);
    states_.erase(states_.begin(), states_.lower_bound(to));
  }

  void CheckPoint(const VersionWindow& window) {
    const Version version = DrawVersion(window);
    Key key = DrawKey();
    if (random_.Chance(OneIn(3))) key.push_back(random_.Chance({1, 2}) ? '\0' : 'b');
    const VersionWindow::Answer answer = window.Get(key, version);
    ++answers_[static_cast<size_t>(answer.found)];
    ++checks_;
    const State& engine = states_[window.oldest()];
    const State& state = states_[version];
    const auto in_engine = engine.find(key);
    const auto want = state.find(key);
    if (answer.found == Found::value) {
      ASSERT_NE(want, state.end());
      ASSERT_EQ(answer.value, want->second);
    } else if (answer.found == Found::cleared || in_engine == engine.end()) {
      ASSERT_EQ(want, state.end());
    } else {
      ASSERT_NE(want, state.end());
      ASSERT_EQ(in_engine->second, want->second);
    }
  }

  struct Item {
    Found found;
    Key begin;  // Or the key.
    std::string end;
    friend bool operator==(const Item&, const Item&) = default;
  };

  static std::vector<Item> Items(const VersionWindow& window, KeyRangeRef range, Version version,
                                 Cursor::Order order) {
    std::vector<Item> items;
    for (Cursor c(window, range, version, order); c.valid(); c.Next()) {
      if (c.found() == Found::value) {
        items.push_back({Found::value, Key(c.key()), std::string(c.value())});
      } else {
        items.push_back({Found::cleared, Key(c.span().begin), Key(c.span().end)});
      }
    }
    return items;
  }

  void CheckRange(const VersionWindow& window) {
    const Version version = DrawVersion(window);
    Key begin = DrawKey(), end = random_.Chance(OneIn(4)) ? KeyAfter(begin) : DrawKey();
    if (random_.Chance(OneIn(4))) begin.clear();
    if (random_.Chance(OneIn(4))) end.assign(30, '\xff');
    if (random_.Chance(OneIn(8))) begin.push_back('\0');
    const KeyRangeRef range{begin, end};
    const std::vector<Item> items = Items(window, range, version, Cursor::Order::ascending);
    std::vector<Item> back = Items(window, range, version, Cursor::Order::descending);
    std::reverse(back.begin(), back.end());
    ASSERT_EQ(items.size(), back.size());
    ASSERT_TRUE(items == back);
    State state;
    const State& engine = states_[window.oldest()];
    if (!range.empty()) state.insert(engine.lower_bound(begin), engine.lower_bound(end));
    Key last_end;
    Found last = Found::value;
    for (const Item& item : items) {
      ++checks_;
      const bool span = item.found == Found::cleared;
      const Key item_end = span ? Key(item.end) : KeyAfter(item.begin);
      ASSERT_TRUE(begin <= item.begin && item.begin < item_end && item_end <= end);
      ASSERT_TRUE(last_end <= item.begin);
      ASSERT_FALSE(span && last == Found::cleared && last_end == item.begin) << "not widest";
      ApplyTo(state, {span ? Kind::clear : Kind::set, item.begin, item.end});
      last_end = item_end;
      last = item.found;
      spans_ += span ? 1 : 0;
    }
    State want;
    const State& all = states_[version];
    if (!range.empty()) want.insert(all.lower_bound(begin), all.lower_bound(end));
    ASSERT_EQ(state, want);
  }

  Random random_;
  size_t checks_ = 0, spans_ = 0;
  size_t answers_[3] = {0, 0, 0};
  // Of the world at hand.
  std::vector<Key> universe_;
  std::map<Version, State> states_;
  Ratio clears_{};
};

WindowMutation SetTo(KeyRef key, std::string_view value) { return {Kind::set, key, value}; }
WindowMutation ClearOf(KeyRef begin, KeyRef end) { return {Kind::clear, begin, end}; }

TEST(VersionWindowTest, ReadsEachVersion) {
  VersionWindow window(10);
  const WindowMutation first[] = {SetTo("k", "1"), SetTo("k", "2"), SetTo("l", "")};
  window.Apply(20, first);
  const WindowMutation second[] = {ClearOf("a", "z"), SetTo("m", "3"), ClearOf("q", "b")};
  window.Apply(30, second);
  EXPECT_EQ(window.Get("k", 19).found, Found::not_here);
  EXPECT_EQ(window.Get("k", 20).value, "2");
  EXPECT_EQ(window.Get("l", 25).found, Found::value);
  EXPECT_EQ(window.Get("m", 29).found, Found::not_here);
  EXPECT_EQ(window.Get("m", 1000).value, "3");
  EXPECT_EQ(window.Get("k", 30).found, Found::cleared);
  EXPECT_EQ(window.Get("untouched", 30).found, Found::cleared);
  EXPECT_EQ(window.Get("z", 30).found, Found::not_here);
  window.Forget(30);
  EXPECT_EQ(window.Get("m", 30).found, Found::not_here);
}

TEST(VersionWindowTest, ClearsOfWhatIsClearedAddNoNodes) {
  VersionWindow window(0);
  const WindowMutation all = ClearOf("a", "z");
  window.Apply(1, {&all, 1});
  for (Version v = 2; v <= 1000; ++v) {
    const Key key = "k" + std::to_string(v), after = KeyAfter(key), last = key + "~";
    const WindowMutation clears[] = {ClearOf(key, after), ClearOf(key, last)};
    window.Apply(v, clears);
  }
  EXPECT_EQ(window.nodes(), 2u);
}

// The same range cleared at every version, and one hot key: what is held grows with the mutations,
// not with their square, and all of it comes back.
TEST(VersionWindowTest, MemoryFollowsTheMutations) {
  VersionWindow window(0);
  for (Version v = 1; v <= 20'000; ++v) {
    const WindowMutation mutations[] = {ClearOf("a", "b"), SetTo("a1", "x"), SetTo("hot", "y")};
    window.Apply(v, mutations);
    if (v > 1000) window.Forget(v - 1000);
    ASSERT_LE(window.nodes(), 8u);
    ASSERT_LE(window.bytes(), 1'000'000u);
  }
  window.Forget(20'000);
  EXPECT_EQ(window.nodes(), 0u);
  EXPECT_EQ(window.bytes(), 0u);
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> argument = orrery::SeedArgument(argc, argv);
  if (!argument.has_value()) return 2;
  const uint64_t seed = *argument;
  testing::RegisterTest(
      "VersionWindow", "Model", nullptr, nullptr, __FILE__, __LINE__,
      [seed]() -> testing::Test* { return new orrery::VersionWindowModel(seed); });
  return RUN_ALL_TESTS();
}
