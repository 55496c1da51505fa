// Goal: readers of a FileImage see every change; after a loss of power each byte has its durable
// value or that of a change that was not durable, and nothing else; what was synced is there.
// Method: random operations beside a reference that keeps, for each byte and for the size, the
// values that are legal. `--seed=N` repeats a run; the seed is printed.
#include "sim/disk/file_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kBytesMax = 6000;  // Crosses a chunk of SparseBytes.
constexpr int kOperations = 4000;

enum class Style { kNone, kAll, kRandom };

class Draws : public CrashDraw {
 public:
  Draws(Random& random, Style style) : random_(random), style_(style) {}
  void Begin(uint64_t changes) override { changes_ = changes; }
  bool SectorSurvives(uint64_t, uint64_t, uint64_t) override {
    return style_ == Style::kAll || (style_ == Style::kRandom && random_.Chance(OneIn(2)));
  }
  uint64_t SizesSurviving() override {
    if (style_ == Style::kRandom) return random_.Below(changes_ + 1);
    return style_ == Style::kAll ? changes_ : 0;
  }
  bool SizeFollowsBytes() override { return false; }

 private:
  Random& random_;
  const Style style_;
  uint64_t changes_ = 0;
};

std::string ContentOf(const FileImage& file) {
  std::string out(file.size(), '?');
  file.Read(0, file.size(), out.data());
  return out;
}

Buffer Bytes(size_t count, char value) { return Buffer::Copy(std::string(count, value)); }

class Reference {
 public:
  void Write(uint64_t number, uint64_t offset, std::string_view data) {
    if (data.empty()) return;
    if (current_.size() < offset + data.size()) {
      current_.resize(offset + data.size());
      sizes_.push_back({.number = number, .size = current_.size(), .cut = false});
    }
    for (size_t i = 0; i < data.size(); ++i) Put(number, offset + i, data[i], /*cut=*/false);
  }
  void Truncate(uint64_t number, uint64_t size) {
    for (uint64_t at = size; at < current_.size(); ++at) Put(number, at, 0, /*cut=*/true);
    sizes_.push_back({.number = number, .size = size, .cut = true});
    current_.resize(size);
    truncations_.push_back(number);
  }
  void WriteDurable(uint64_t number, uint64_t offset, std::string_view data) {
    if (data.empty()) return;
    if (!truncations_.empty()) Sync(truncations_.back());
    const uint64_t durable_size = std::max(durable_size_, offset + data.size());
    if (current_.size() < offset + data.size()) current_.resize(offset + data.size());
    for (size_t i = 0; i < data.size(); ++i) {
      current_[offset + i] = data[i];
      bytes_[offset + i] = {{.number = number, .value = data[i]}};
    }
    durable_size_ = durable_size;
  }
  void Sync(uint64_t through) {
    for (auto& history : bytes_) {
      size_t last = 0;
      for (size_t i = 1; i < history.size(); ++i) {
        const Entry& entry = history[i];
        if (entry.number <= through && (!entry.forgotten || entry.cut)) last = i;
      }
      history.erase(history.begin(), history.begin() + static_cast<ptrdiff_t>(last));
    }
    // Sizes: those of writes that a sync forgot stay in doubt, the rest is settled.
    std::vector<Size> rest;
    for (const Size& size : sizes_) {
      if (size.number > through || (size.forgotten && !size.cut)) {
        rest.push_back(size);
      } else if (size.cut) {
        durable_size_ = size.size;
        rest.clear();  // What grew before was cut.
      }
    }
    for (uint64_t at = durable_size_; at < kBytesMax; ++at) {
      const Entry& base = bytes_[at].front();
      if (base.number > 0 && base.number <= through && !base.cut) durable_size_ = at + 1;
    }
    sizes_ = std::move(rest);
    std::erase_if(truncations_, [=](uint64_t number) { return number <= through; });
  }
  void Forget(uint64_t through) {
    for (auto& history : bytes_) {
      for (size_t i = 1; i < history.size(); ++i) {
        history[i].forgotten |= history[i].number <= through;
      }
    }
    for (Size& size : sizes_) size.forgotten |= size.number <= through;
  }

  void CheckCrash(const std::string& after, Style style) {
    std::set<uint64_t> sizes = {durable_size_};
    for (const Size& size : sizes_) {
      sizes.insert(size.cut ? size.size : std::max(size.size, durable_size_));
      sizes.insert(size.size);
    }
    ASSERT_TRUE(sizes.contains(after.size())) << after.size() << ", durable " << durable_size_;
    if (truncations_.empty()) ASSERT_GE(after.size(), durable_size_);
    if (style == Style::kAll) ASSERT_EQ(after, current_);
    if (style == Style::kNone) ASSERT_EQ(after.size(), durable_size_);
    for (size_t at = 0; at < after.size(); ++at) {
      const auto& history = bytes_[at];
      if (style == Style::kNone) {
        ASSERT_EQ(after[at], history.front().value) << at;
        continue;
      }
      ASSERT_TRUE(std::any_of(history.begin(), history.end(),
                              [&](const Entry& entry) { return entry.value == after[at]; }))
          << "at " << at << ": " << int{after[at]};
    }
    current_ = after;
    durable_size_ = after.size();
    for (uint64_t at = 0; at < kBytesMax; ++at) {
      bytes_[at] = {{.number = 0, .value = at < after.size() ? after[at] : '\0'}};
    }
    sizes_.clear();
    truncations_.clear();
  }

  const std::string& current() const { return current_; }

 private:
  struct Entry {
    uint64_t number;
    char value;
    bool cut = false;  // By a truncation.
    bool forgotten = false;
  };
  struct Size {
    uint64_t number;
    uint64_t size;
    bool cut;
    bool forgotten = false;
  };

  void Put(uint64_t number, uint64_t at, char value, bool cut) {
    bytes_[at].push_back({.number = number, .value = value, .cut = cut});
    if (!cut) current_[at] = value;
  }
  std::string current_;
  uint64_t durable_size_ = 0;
  // The first entry of each byte is durable, the others may survive.
  std::vector<std::vector<Entry>> bytes_{kBytesMax, {{.number = 0, .value = 0}}};
  std::vector<Size> sizes_;
  std::vector<uint64_t> truncations_;
};

class FileImageModel : public testing::Test {
 public:
  explicit FileImageModel(uint64_t seed) : random_(seed) {}

  void TestBody() override {
    for (int i = 0; i < kOperations && !HasFatalFailure(); ++i) {
      Step();
      ASSERT_EQ(ContentOf(file_), reference_.current()) << "operation " << i;
    }
  }

 private:
  void Step() {
    const uint64_t offset = random_.Below(kBytesMax - 1);
    const uint64_t length = random_.Below(std::min<uint64_t>(kBytesMax - offset, 1500));
    const std::string data(length, static_cast<char>('A' + random_.Below(26)));
    const uint64_t choice = random_.Below(20);
    if (choice < 8) {
      file_.Write(offset, Buffer::Copy(data));
      reference_.Write(file_.last_change(), offset, data);
    } else if (choice < 10) {
      file_.Truncate(offset);
      reference_.Truncate(file_.last_change(), offset);
    } else if (choice < 13) {
      file_.WriteDurable(offset, Buffer::Copy(data));
      reference_.WriteDurable(file_.last_change(), offset, data);
    } else if (choice < 15) {
      mark_ = file_.last_change();
    } else if (choice < 17) {
      const uint64_t through = random_.Chance(OneIn(2)) ? mark_ : file_.last_change();
      file_.Sync(through);
      reference_.Sync(through);
    } else if (choice < 18) {
      file_.Forget(file_.last_change());
      reference_.Forget(file_.last_change());
    } else {
      const auto style = static_cast<Style>(random_.Below(3));
      Draws draws(random_, style);
      file_.LosePower(draws);
      reference_.CheckCrash(ContentOf(file_), style);
    }
  }

  Random random_;
  FileImage file_;
  Reference reference_;
  uint64_t mark_ = 0;  // What a sync under way would cover.
};

// What remains of a file that `prepare` made, over many losses of power.
template <class Prepare>
std::set<std::string> Outcomes(Prepare prepare) {
  std::set<std::string> outcomes;
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    FileImage file;
    prepare(file);
    Draws draws(random, Style::kRandom);
    file.LosePower(draws);
    outcomes.insert(ContentOf(file));
  }
  return outcomes;
}

TEST(FileImage, OldNewAndIntermediateAreEachSeen) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.WriteDurable(0, Bytes(4, 'a'));
    file.Write(0, Bytes(4, 'b'));
    file.Write(0, Bytes(2, 'c'));
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"aaaa", "bbbb", "ccbb", "ccaa"}));
}

TEST(FileImage, TornAtSectorsInAnySubsetAndNeverWithinOne) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.WriteDurable(0, Bytes(3 * kSectorBytes, 'a'));
    file.Write(0, Bytes(3 * kSectorBytes, 'b'));
  });
  EXPECT_EQ(outcomes.size(), 8u);
  for (const std::string& content : outcomes) {
    for (uint64_t at = 0; at < content.size(); ++at) {
      EXPECT_EQ(content[at], content[at / kSectorBytes * kSectorBytes]);
    }
  }
}

TEST(FileImage, AnUnsyncedAppendLeavesSizeOrBytesOrBothOrNeither) {
  const auto outcomes = Outcomes([](FileImage& file) { file.Write(0, Bytes(2, 'a')); });
  EXPECT_EQ(outcomes, (std::set<std::string>{"", std::string(2, '\0'), "aa"}));
}

TEST(FileImage, ForgottenBytesStayInDoubtAndSyncedOnesAfterThemDoNot) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.Write(0, Bytes(2, 'a'));
    file.Forget(file.last_change());
    file.Write(2, Bytes(2, 'b'));
    file.Sync(file.last_change());
    EXPECT_EQ(ContentOf(file), "aabb");
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{std::string("\0\0bb", 4), "aabb"}));
}

TEST(FileImage, AForgottenTruncationDoesNotCutWhatIsSyncedAfterIt) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.WriteDurable(0, Bytes(6, 'a'));
    file.Truncate(0);
    file.Forget(file.last_change());
    file.Write(0, Bytes(2, 'b'));
    file.Sync(file.last_change());
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"bb"}));
}

TEST(FileImage, ADurableTruncationKeepsOlderForgottenBytesAway) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.Write(0, Bytes(4, 'a'));
    file.Forget(file.last_change());
    file.Truncate(0);
    file.Truncate(4);
    file.Sync(file.last_change());
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{std::string(4, '\0')}));
}

TEST(FileImage, ADurableTruncationSettlesTheSizeAgainstOlderForgottenWrites) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.Write(0, Bytes(4, 'a'));
    file.Forget(file.last_change());
    file.Truncate(2);
    file.Sync(file.last_change());
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{std::string(2, '\0'), "aa"}));
}

TEST(FileImage, ADurableWriteOvertakesNoTruncation) {
  const auto outcomes = Outcomes([](FileImage& file) {
    file.WriteDurable(0, Bytes(6, 'a'));
    file.Truncate(0);
    file.WriteDurable(0, Bytes(2, 'b'));
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"bb"}));
}

TEST(FileImage, DamageIsReadAndLastsButNotUnderNewerBytes) {
  FileImage file;
  file.WriteDurable(0, Bytes(4, 'a'));
  file.FlipBit(0);
  EXPECT_EQ(ContentOf(file), "`aaa");
  file.Write(1, Bytes(1, 'b'));
  file.FlipBit(8);
  file.FlipBit(16);
  EXPECT_EQ(ContentOf(file), "`b`a");
  Random random(1);
  Draws none(random, Style::kNone);
  file.LosePower(none);
  EXPECT_EQ(ContentOf(file), "```a");
}

TEST(FileImage, TooManyUnsyncedChangesAreWrittenBackOldestFirst) {
  FileImage file;
  for (size_t i = 0; i < 3 * FileImage::kUnsyncedChangesMax; ++i) {
    file.Write(i, Bytes(1, static_cast<char>('a' + i % 26)));
    ASSERT_LE(file.unsynced_changes(), FileImage::kUnsyncedChangesMax);
  }
  const std::string before = ContentOf(file);
  Random random(1);
  Draws none(random, Style::kNone);
  file.LosePower(none);
  const std::string after = ContentOf(file);
  EXPECT_GT(after.size(), FileImage::kUnsyncedChangesMax);
  EXPECT_EQ(after, before.substr(0, after.size()));
}

TEST(FileImage, TooManyUnsyncedBytesAreWrittenBackOldestFirst) {
  constexpr uint64_t kBytes = FileImage::kUnsyncedBytesMax / 16;
  FileImage file;
  for (uint64_t i = 0; i < 48; ++i) {
    file.Write(i * kBytes, Bytes(kBytes, static_cast<char>('a' + i % 26)));
    ASSERT_LE(file.unsynced_bytes(), FileImage::kUnsyncedBytesMax);
  }
  EXPECT_GE(file.unsynced_bytes(), FileImage::kUnsyncedBytesMax / 4);
  const std::string before = ContentOf(file);
  Random random(1);
  Draws none(random, Style::kNone);
  file.LosePower(none);
  EXPECT_EQ(file.unsynced_bytes(), 0u);
  const std::string after = ContentOf(file);
  EXPECT_GE(after.size(), before.size() - FileImage::kUnsyncedBytesMax);
  EXPECT_LT(after.size(), before.size());
  EXPECT_TRUE(after == before.substr(0, after.size()));
}

}  // namespace
}  // namespace orrery::sim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> argument = orrery::SeedArgument(argc, argv);
  if (!argument.has_value()) return 2;
  const uint64_t seed = *argument;
  for (uint64_t i = 0; i < 10; ++i) {
    testing::RegisterTest(
        "FileImage", ("Model" + std::to_string(i)).c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [seed, i]() -> testing::Test* { return new orrery::sim::FileImageModel(seed + i); });
  }
  return RUN_ALL_TESTS();
}
