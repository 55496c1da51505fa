// Goal: a transaction sees its own writes above the database exactly, and its reads conflict with
// exactly what came from the database.
// Method: a model that keeps, for each elementary piece of a tiny key space, the value, whether it
// depends on the database and whether it can be read. Seeded writes and reads of every kind, whose
// keys and ends touch often; the database answers in pieces of random size. Every answer, error and
// set of conflicts is compared.
#include "txn/client/read_your_writes.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/async/manual_loop.h"
#include "core/async/task_group.h"
#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"
#include "storage/log/atomic_operations.h"
#include "txn/client/versionstamp_range.h"

namespace orrery {
namespace {

uint64_t base_seed = 1;

constexpr std::string_view kEnd = "\xff";
constexpr Version kReadVersion = 1'000'000;

// "b", a stamp, and where it goes.
Key StampedKey() { return "b" + std::string(10, '\0') + std::string("\x01\0\0\0", 4); }

class MapReader final : public SnapshotReader {
 public:
  MapReader(const std::map<Key, std::string>& rows, const std::vector<Key>& bounds, Random& random)
      : rows_(rows), bounds_(bounds), random_(random) {}

  Task<absl::StatusOr<std::optional<std::string>>> Get(Key key) override {
    const auto it = rows_.find(key);
    co_return it == rows_.end() ? std::nullopt : std::optional(it->second);
  }

  Task<absl::StatusOr<RangePiece>> GetRange(KeyRange range, ReadLimits limits,
                                            bool reverse) override {
    EXPECT_LT(range.begin, range.end);
    // As a shard's end: anywhere inside.
    for (int tries = static_cast<int>(random_.Below(3)); tries > 0; --tries) {
      const Key& bound = bounds_[random_.Below(bounds_.size())];
      if (range.begin < bound && bound < range.end) (reverse ? range.begin : range.end) = bound;
    }
    size_t rows_max = 1 + random_.Below(4);
    if (limits.rows != 0) rows_max = std::min<size_t>(rows_max, limits.rows);
    std::vector<std::pair<Key, std::string>> found(rows_.lower_bound(range.begin),
                                                   rows_.lower_bound(range.end));
    if (reverse) std::reverse(found.begin(), found.end());
    RangePiece piece;
    piece.through = reverse ? range.begin : range.end;
    for (const auto& [key, value] : found) {
      piece.rows.AddCopy(key, value);
      if (piece.rows.size() == rows_max) {
        piece.through = reverse ? key : KeyAfter(key);
        break;
      }
    }
    co_return std::move(piece);
  }

  Task<absl::StatusOr<Key>> GetKey(KeySelector selector, Key end) override {
    auto it = selector.or_equal ? rows_.upper_bound(selector.key) : rows_.lower_bound(selector.key);
    for (; selector.offset < 1; ++selector.offset) {
      if (it == rows_.begin()) co_return Key();
      --it;
    }
    for (; selector.offset > 1 && it != rows_.end(); --selector.offset) ++it;
    co_return it == rows_.end() ? std::move(end) : it->first;
  }

 private:
  const std::map<Key, std::string>& rows_;
  const std::vector<Key>& bounds_;
  Random& random_;
};

// One elementary piece of the key space: from its key up to the next one.
struct Piece {
  std::optional<std::string> value;
  bool depends = true;
  bool unreadable = false;
};

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    for (const char* key : {"", "a", "aa", "b", "b\x80", "c", "d"}) keys_.push_back(key);
    const KeyRange stamped = VersionstampRange(StampedKey(), kReadVersion, kEnd);
    std::set<Key> bounds{stamped.begin, stamped.end};
    for (const Key& key : keys_) bounds.insert({key, KeyAfter(key)});
    bounds_.assign(bounds.begin(), bounds.end());
    for (const Key& bound : bounds_) pieces_[bound];
    for (const Key& key : keys_) {
      if (random_.Chance({1, 2})) rows_[key] = pieces_[key].value.emplace(Value());
    }
  }

  void RunSteps(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      if (random_.Chance({1, 2})) {
        Write();
      } else if (random_.Chance({1, 3})) {
        CheckGet();
      } else if (random_.Chance({1, 2})) {
        CheckKey();
      } else {
        CheckRange();
      }
    }
  }

 private:
  const Key& AnyKey() { return keys_[random_.Below(keys_.size())]; }
  Key AnyBound() {
    return random_.Chance({1, 10}) ? Key(kEnd) : bounds_[random_.Below(bounds_.size())];
  }
  std::string Value() {
    std::string value(random_.Below(3), '\0');
    for (char& byte : value) byte = static_cast<char>('x' + random_.Below(2));
    return value;
  }
  auto From(KeyRef key) { return pieces_.lower_bound(Key(key)); }

  void Write() {
    const Key key = AnyKey();
    const std::string value = Value();
    switch (random_.Below(6)) {
      case 0: {
        writes_.Write(MutationType::kSet, key, value);
        pieces_[key] = {value, false, pieces_[key].unreadable};
        break;
      }
      case 1: {
        KeyRange range{AnyBound(), AnyBound()};
        if (range.begin > range.end) std::swap(range.begin, range.end);
        if (range.begin == range.end) break;
        writes_.Clear(range);
        for (auto it = From(range.begin); it != From(range.end); ++it) {
          it->second = {std::nullopt, false, false};
        }
        break;
      }
      case 2: {
        writes_.Clear({key, KeyAfter(key)});
        pieces_[key] = {std::nullopt, false, false};
        break;
      }
      case 3:
        if (!random_.Chance({1, 3})) break;
        if (random_.Chance({1, 2})) {
          writes_.Write(MutationType::kSetVersionstampedValue, key, std::string(14, '\0'));
          pieces_[key] = {std::nullopt, false, true};
        } else {
          const KeyRange range = VersionstampRange(StampedKey(), kReadVersion, kEnd);
          writes_.WriteVersionstampedKey(StampedKey(), value, range);
          for (auto it = From(range.begin); it != From(range.end); ++it) {
            it->second.unreadable = true;
          }
        }
        break;
      default: {
        constexpr MutationType kTypes[] = {MutationType::kAdd, MutationType::kAppendIfFits,
                                           MutationType::kByteMax, MutationType::kCompareAndClear,
                                           MutationType::kXor};
        const MutationType type = kTypes[random_.Below(std::size(kTypes))];
        writes_.Write(type, key, value);
        Piece& piece = pieces_[key];
        piece.value = ApplyAtomic(type, piece.value, value);
        break;
      }
    }
  }

  template <class T>
  absl::StatusOr<T> Await(Task<absl::StatusOr<T>> task) {
    ManualLoop loop;
    TaskGroup group(loop, [](std::string_view, absl::Status) {});
    Future<absl::StatusOr<T>> future = group.Start("test", std::move(task));
    std::optional<absl::StatusOr<T>> result;
    const auto take = [](Future<absl::StatusOr<T>> from,
                         std::optional<absl::StatusOr<T>>* to) -> Task<absl::Status> {
      to->emplace(co_await std::move(from));
      co_return absl::OkStatus();
    };
    group.Spawn("take", take(std::move(future), &result));
    loop.Run();
    return *std::move(result);
  }

  void ExpectConflicts(ConflictRanges& conflicts, const std::set<Key>& expected) {
    for (const Key& bound : bounds_) {
      bool has = false;
      for (const KeyRange& range : conflicts.Merged()) has |= KeyRangeRef(range).Contains(bound);
      EXPECT_EQ(has, expected.contains(bound)) << "conflict at " << testing::PrintToString(bound);
    }
  }

  void CheckGet() {
    const Key key = AnyKey();
    const Key after = KeyAfter(key);
    const Piece& piece = pieces_[key];
    const WriteMap::Segment segment = writes_.At(key, after);
    ASSERT_EQ(segment.unreadable, piece.unreadable);
    ASSERT_EQ(segment.independent(), !piece.depends);
    if (piece.unreadable || !segment.is_key) return;
    const auto base = rows_.find(key);
    const auto value = WriteMap::ValueOf(
        segment,
        base == rows_.end() ? std::nullopt : std::optional<std::string_view>(base->second));
    ASSERT_EQ(value, piece.value);
  }

  // What the model reads from [begin, end), which it empties down to what remains.
  struct Read {
    bool unreadable = false;
    bool more = false;
    std::vector<KeyValue> rows;
    std::set<Key> depends;
  };
  Read ReadModel(KeyRange range, ReadLimits limits, bool reverse) {
    Read read;
    std::vector<std::pair<Key, Piece>> pieces(From(range.begin), From(range.end));
    if (reverse) std::reverse(pieces.begin(), pieces.end());
    uint64_t bytes = 0;
    for (const auto& [key, piece] : pieces) {
      if (piece.unreadable) {
        read.unreadable = true;
        break;
      }
      if (piece.depends) read.depends.insert(key);
      if (!piece.value.has_value()) continue;
      read.rows.emplace_back(key, *piece.value);
      bytes += key.size() + piece.value->size();
      if (read.rows.size() == limits.rows || (limits.bytes != 0 && bytes >= limits.bytes)) {
        read.more = reverse ? key != range.begin : KeyAfter(key) != range.end;
        break;
      }
    }
    return read;
  }

  void CheckRange() {
    KeyRange range{AnyBound(), AnyBound()};
    if (range.begin > range.end) std::swap(range.begin, range.end);
    const ReadLimits limits{.rows = static_cast<uint32_t>(random_.Below(5)),
                            .bytes = random_.Chance({1, 3}) ? 1 + random_.Below(8) : 0};
    const bool reverse = random_.Chance({1, 2});
    MapReader reader(rows_, bounds_, random_);
    const absl::StatusOr<RangeResult> result =
        Await(ReadRange(reader, writes_, range, limits, reverse));
    const Read expected = ReadModel(range, limits, reverse);
    if (expected.unreadable) {
      ASSERT_EQ(CodeOf(result.status()), ErrorCode::accessed_unreadable);
      return;
    }
    ASSERT_TRUE(result.ok()) << Describe(result.status());
    ASSERT_EQ(result->rows.Copy(), expected.rows) << reverse << " " << limits.rows;
    ASSERT_EQ(result->more, expected.more);
    ConflictRanges conflicts;
    AddReadConflict(writes_, RangeOfRead(range, *result, reverse), conflicts);
    ExpectConflicts(conflicts, expected.depends);
  }

  void CheckKey() {
    const bool or_equal = random_.Chance({1, 2});
    const KeySelector selector{or_equal ? AnyKey() : AnyBound(), or_equal,
                               static_cast<int32_t>(random_.Between(-4, 5))};
    MapReader reader(rows_, bounds_, random_);
    const absl::StatusOr<Key> key = Await(ReadKey(reader, writes_, selector, Key(kEnd)));
    Key start = selector.or_equal ? KeyAfter(selector.key) : selector.key;
    start = std::min(start, Key(kEnd));
    const bool reverse = selector.offset <= 0;
    const auto count = static_cast<uint32_t>(reverse ? 1 - selector.offset : selector.offset);
    const Read expected = ReadModel(reverse ? KeyRange{"", start} : KeyRange{start, Key(kEnd)},
                                    {.rows = count}, reverse);
    if (expected.unreadable) {
      ASSERT_EQ(CodeOf(key.status()), ErrorCode::accessed_unreadable);
      return;
    }
    ASSERT_TRUE(key.ok()) << Describe(key.status());
    const bool found = expected.rows.size() == count;
    ASSERT_EQ(*key, found ? expected.rows.back().key : reverse ? Key() : Key(kEnd));
    ConflictRanges conflicts;
    AddReadConflict(writes_, RangeOfSelector(selector, *key, kEnd), conflicts);
    ExpectConflicts(conflicts, expected.depends);
  }

  Random random_;
  std::vector<Key> keys_;    // Those that rows may have.
  std::vector<Key> bounds_;  // Those, what follows each at once, and the ends of stamped ranges.
  std::map<Key, std::string> rows_;
  std::map<Key, Piece> pieces_;
  WriteMap writes_;
};

TEST(ReadYourWrites, IsAsTheModel) {
  for (uint64_t i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("--seed=" + std::to_string(base_seed + i));
    Model(base_seed + i).RunSteps(20);
  }
}

TEST(ReadYourWrites, ACopyOfTheMapStaysAsItWas) {
  WriteMap writes;
  writes.Write(MutationType::kSet, "a", "1");
  const WriteMap before = writes;
  writes.Write(MutationType::kSet, "a", "2");
  writes.Clear({"", "b"});
  const WriteMap::Segment segment = before.At("a", "b");
  ASSERT_TRUE(segment.is_key);
  EXPECT_EQ(WriteMap::ValueOf(segment, std::nullopt), "1");
  EXPECT_EQ(writes.mutations().size(), 3u);
}

TEST(ConflictRanges, MergeWhatTouchesAndNothingElse) {
  ConflictRanges ranges;
  ranges.Add({"c", "d"});
  ranges.Add({"a", "b"});
  ranges.Add({"x", "x"});
  ranges.AddKey("b");
  ranges.Add({"c", "c\x01"});
  EXPECT_EQ(ranges.Merged(), (std::vector<KeyRange>{{"a", KeyAfter("b")}, {"c", "d"}}));
  for (int i = 0; i < 100'000; ++i) ranges.AddKey("b");
  EXPECT_EQ(ranges.Merged().size(), 2u);
  EXPECT_LT(ranges.Merged().capacity(), 10'000u) << "reading a key again and again takes memory";
}

TEST(VersionstampRange, HasEveryStampAfterTheReadVersionAndNoMore) {
  const KeyRange range = VersionstampRange(StampedKey(), kReadVersion, kEnd);
  const auto at = [](Version version, uint16_t order) {
    return "b" + MakeVersionstamp(version, order);
  };
  EXPECT_TRUE(KeyRangeRef(range).Contains(at(kReadVersion + 1, 0)));
  EXPECT_TRUE(KeyRangeRef(range).Contains("b" + std::string(10, '\xff')));
  EXPECT_FALSE(KeyRangeRef(range).Contains(at(kReadVersion - 1, 0xffff)));
  EXPECT_FALSE(KeyRangeRef(range).Contains("c"));
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> seed = orrery::SeedArgument(argc, argv);
  if (!seed.has_value()) return 2;
  orrery::base_seed = *seed;
  return RUN_ALL_TESTS();
}
