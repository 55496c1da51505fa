// Goal: ownership at a version is what the changes up to it made, also after older ones are
// forgotten. Method: random changes against a table of keys and versions.
#include "storage/server/shard_ownership.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/random.h"

namespace orrery {
namespace {

// Keys are one letter: their ranges [letter, letter + 1) do not cut finer than the table.
Key KeyOf(int letter) { return Key(1, static_cast<char>('a' + letter)); }

TEST(ShardOwnershipTest, IsWhatTheChangesMade) {
  constexpr int kLetters = 8;
  Random random(1);
  for (int world = 0; world < 300; ++world) {
    ShardOwnership shards;
    std::map<Version, std::array<bool, kLetters>> model{{0, {}}};
    Version version = 0;
    Version oldest = 0;
    for (int step = 0; step < 40; ++step) {
      version += random.Between(0, 3);
      std::array<bool, kLetters> now = model.rbegin()->second;
      const auto begin = static_cast<int>(random.Below(kLetters));
      const auto end = static_cast<int>(random.Between(begin + 1, kLetters));
      const bool owned = random.Chance(OneIn(2));
      if (version > oldest) {
        shards.Change({KeyOf(begin), KeyOf(end)}, owned, version);
        for (int i = begin; i < end; ++i) now[static_cast<size_t>(i)] = owned;
        model[version] = now;
      }
      if (random.Chance(OneIn(6))) {
        oldest = random.Between(oldest, version);
        shards.Forget(oldest);
      }
      for (int check = 0; check < 10; ++check) {
        const Version at = random.Between(oldest, version + 1);
        const auto& table = std::prev(model.upper_bound(at))->second;
        const auto from = static_cast<int>(random.Below(kLetters));
        const auto to = static_cast<int>(random.Between(from + 1, kLetters));
        bool all = true;
        for (int i = from; i < to; ++i) all = all && table[static_cast<size_t>(i)];
        ASSERT_EQ(shards.Owned({KeyOf(from), KeyOf(to)}, at), all) << at;
        ASSERT_EQ(shards.OwnedKey(KeyOf(from) + "x", at), table[static_cast<size_t>(from)]) << at;
        ASSERT_FALSE(shards.OwnedKey("", at) || shards.OwnedKey(KeyOf(kLetters), at));
        std::array<bool, kLetters> listed{};
        for (const KeyRange& range : shards.OwnedRanges(at)) {
          for (int i = 0; i < kLetters; ++i) {
            listed[static_cast<size_t>(i)] |= KeyRangeRef(range).Contains(KeyOf(i));
          }
        }
        ASSERT_EQ(listed, table) << at;
      }
    }
  }
}

}  // namespace
}  // namespace orrery
