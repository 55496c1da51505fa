// Goal: what is found fails, none of its elements can be left out, and it takes no more tests than
// the paper says. Method: drawn predicates of every shape, compared with trying all.
#include "sim/run/minimise/delta.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/base/random.h"

namespace orrery::sim {
namespace {

using Fails = std::function<bool(const Subset&)>;

class Predicate final : public SubsetTest {
 public:
  explicit Predicate(Fails fails, size_t tests_max = SIZE_MAX)
      : fails_(std::move(fails)), tests_max_(tests_max) {}

  std::optional<size_t> FirstFailing(size_t count,
                                     const std::function<Subset(size_t)>& make) override {
    for (size_t i = 0; i < count && !over(); ++i) {
      ++tests_;
      const Subset subset = make(i);
      EXPECT_TRUE(std::is_sorted(subset.begin(), subset.end()));
      if (fails_(subset)) return i;
    }
    return std::nullopt;
  }
  bool over() const override { return tests_ >= tests_max_; }
  size_t tests() const { return tests_; }

 private:
  Fails fails_;
  size_t tests_max_;
  size_t tests_ = 0;
};

Subset UpTo(size_t size) {
  Subset all(size);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

bool Includes(const Subset& subset, const Subset& needed) {
  return std::includes(subset.begin(), subset.end(), needed.begin(), needed.end());
}

void ExpectOneMinimal(const Subset& found, const Fails& fails) {
  EXPECT_TRUE(fails(found));
  for (size_t i = 0; i < found.size(); ++i) {
    Subset less = found;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(fails(less)) << "element " << found[i] << " is not needed";
  }
}

Subset DrawSubset(Random& random, size_t size, size_t count) {
  Subset drawn = UpTo(size);
  random.Shuffle(drawn.begin(), drawn.end());
  drawn.resize(std::min(count, size));
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

TEST(Delta, FindsExactlyWhatAMonotoneFailureNeeds) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    const size_t size = 1 + random.Below(100);
    const Subset needed = DrawSubset(random, size, random.Below(6));
    Predicate test([&needed](const Subset& subset) { return Includes(subset, needed); });
    EXPECT_EQ(Minimal(UpTo(size), test), needed) << "seed " << seed;
    // |c|^2 + 3|c| of the paper, and one for the empty set.
    EXPECT_LE(test.tests(), size * size + 3 * size + 1) << "seed " << seed;
  }
}

TEST(Delta, AnyOfSeveralCausesIsFoundWithoutTheOthers) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    const size_t size = 2 + random.Below(40);
    std::vector<Subset> causes;
    for (uint64_t i = 0; i < 1 + random.Below(4); ++i) {
      causes.push_back(DrawSubset(random, size, 1 + random.Below(5)));
    }
    const Fails fails = [&causes](const Subset& subset) {
      return std::any_of(causes.begin(), causes.end(),
                         [&subset](const Subset& cause) { return Includes(subset, cause); });
    };
    Predicate test(fails);
    ExpectOneMinimal(Minimal(UpTo(size), test), fails);
  }
}

TEST(Delta, WhatIsFoundIsOneMinimalAlsoWhenMoreMayFailLess) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    const size_t size = 1 + random.Below(30);
    const Subset all = UpTo(size);
    // Any function at all: every subset fails or not by its hash.
    const Fails fails = [seed, &all](const Subset& subset) {
      uint64_t hash = seed;
      for (const size_t element : subset) hash = HashWords(hash, element);
      return subset == all || hash % 5 == 0;
    };
    Predicate test(fails);
    ExpectOneMinimal(Minimal(all, test), fails);
  }
}

TEST(Delta, FewOfManyAreFoundInFewTests) {
  const Subset needed = {17, 18, 1500, 2999};
  Predicate test([&needed](const Subset& subset) { return Includes(subset, needed); });
  EXPECT_EQ(Minimal(UpTo(3000), test), needed);
  EXPECT_LT(test.tests(), 200u);
}

TEST(Delta, WhenTheTimeIsUpTheSmallestThatFailedIsGiven) {
  const Subset needed = {3, 60};
  const Fails fails = [&needed](const Subset& subset) { return Includes(subset, needed); };
  Subset before = UpTo(100);
  for (size_t tests_max = 0; tests_max < 60; ++tests_max) {
    Predicate test(fails, tests_max);
    const Subset found = Minimal(UpTo(100), test);
    EXPECT_TRUE(fails(found));
    EXPECT_LE(found.size(), before.size());
    before = found;
  }
  EXPECT_EQ(before, needed);
}

TEST(Delta, ABoundOfTheGranularityBoundsTheTests) {
  const Subset needed = UpTo(100);
  const Fails fails = [&needed](const Subset& subset) { return Includes(subset, needed); };
  Predicate test(fails);
  EXPECT_EQ(Minimal(UpTo(100), test, 16), needed);
  EXPECT_EQ(test.tests(), 1u + 2u + 4u + 8u + 16u);
  const Subset two = {20, 70};
  Predicate coarse([&two](const Subset& subset) { return Includes(subset, two); });
  const Subset found = Minimal(UpTo(100), coarse, 4);
  EXPECT_TRUE(Includes(found, two));
  EXPECT_LE(found.size(), 50u);
}

TEST(Delta, NothingAndOneElement) {
  Predicate always([](const Subset&) { return true; });
  EXPECT_EQ(Minimal({}, always), Subset());
  EXPECT_EQ(Minimal({5}, always), Subset());
  Predicate needs_it([](const Subset& subset) { return !subset.empty(); });
  EXPECT_EQ(Minimal({5}, needs_it), Subset({5}));
}

}  // namespace
}  // namespace orrery::sim
