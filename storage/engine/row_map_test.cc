// Goal: RowMap is std::map, and WriteBatch gives back what was put in. Method: random operations on
// short keys with zero bytes and shared prefixes, against the model; damaged batches.
#include "storage/engine/row_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "storage/engine/write_batch.h"

namespace orrery {
namespace {

using Model = std::map<std::string, std::string>;

std::string DrawKey(Random& random) {
  static constexpr char kBytes[] = {'\0', 'a', '\xff'};
  std::string key = random.Chance(OneIn(2)) ? "" : "shared prefix";
  for (uint64_t n = random.Below(5); n > 0; --n) key += kBytes[random.Below(3)];
  return key;
}

TEST(RowMapTest, IsAnOrderedMap) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    RowMap rows;
    Model model;
    uint64_t bytes = 0;
    for (int step = 0; step < 1000; ++step) {
      const std::string a = DrawKey(random);
      const std::string b = DrawKey(random);
      if (random.Chance(OneIn(10))) {
        rows.Clear({a, b});
        if (a < b) model.erase(model.lower_bound(a), model.lower_bound(b));
      } else {
        rows.Set(a, b);
        model[a] = b;
      }
      const auto found = rows.Find(b);
      const auto expected = model.find(b);
      ASSERT_EQ(found.has_value(), expected != model.end()) << seed;
      if (found.has_value()) ASSERT_EQ(*found, expected->second) << seed;
      std::vector<std::pair<std::string, std::string>> scanned;
      const bool reverse = random.Chance(OneIn(2));
      rows.Scan({a, b}, reverse, [&](KeyRef key, std::string_view value) {
        scanned.emplace_back(key, value);
        return true;
      });
      std::vector<std::pair<std::string, std::string>> wanted;
      if (a < b) wanted.assign(model.lower_bound(a), model.lower_bound(b));
      if (reverse) std::reverse(wanted.begin(), wanted.end());
      ASSERT_EQ(scanned, wanted) << seed;
    }
    for (const auto& [key, value] : model) bytes += key.size() + value.size();
    EXPECT_EQ(rows.bytes(), bytes);
    EXPECT_EQ(rows.size(), model.size());
  }
}

TEST(WriteBatchTest, GivesBackWhatWasPutInAndRefusesDamage) {
  WriteBatch batch;
  batch.Set("key", "value");
  batch.Clear({"a", "b"});
  batch.Set("", "");
  const auto show = [](std::string_view bytes, std::string& out) {
    return WriteBatch::ForEach(
        bytes,
        [&out](KeyRef key, std::string_view value) {
          out += "set " + std::string(key) + "=" + std::string(value) + ";";
        },
        [&out](KeyRangeRef range) {
          out += "clear " + std::string(range.begin) + ".." + std::string(range.end) + ";";
        });
  };
  std::string out;
  ASSERT_TRUE(show(batch.bytes(), out).ok());
  EXPECT_EQ(out, "set key=value;clear a..b;set =;");
  int whole = 0;
  for (size_t size = 0; size < batch.bytes().size(); ++size) {
    whole += show(std::string_view(batch.bytes()).substr(0, size), out).ok() ? 1 : 0;
  }
  EXPECT_EQ(whole, 3) << "the ends of the three operations, 0 among them";
  std::string bad = batch.bytes();
  bad[0] = 3;
  EXPECT_EQ(CodeOf(show(bad, out)), ErrorCode::file_corrupt);
}

}  // namespace
}  // namespace orrery
