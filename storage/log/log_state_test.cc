// Goal: LogState is what a plain list of versions would be, and its small rules hold.
// Method: random operations beside a model that keeps everything, compared after each; then the
// entries' encoding and the filter of batches by hand.
#include "storage/log/log_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/base/error_codes.h"
#include "core/base/random.h"
#include "storage/log/log_entry.h"
#include "storage/log/mutation_codec.h"

namespace orrery {
namespace {

constexpr Version kBegin = 100;

Tag StorageTag(uint32_t id) { return {TagKind::kStorage, id}; }

struct ModelVersion {
  Version version;
  Location location;
  std::set<Tag> tags;
  std::string batch;
};

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  void Step() {
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
        return Push();
      case 3:
        return Durable();
      case 4:
        return state_.LearnKnownCommitted(random_.Between(kBegin, state_.durable()));
      case 5:
        return Pop();
      case 6:
        return state_.Spill(random_.Below(3000));
      default:
        return Compare();
    }
  }

  void Compare() {
    const Tag tag = DrawTag();
    const Version after = std::max(popped(tag), random_.Between(kBegin, state_.accepted()));
    const Version through =
        random_.Chance(OneIn(2)) ? kInvalidVersion : random_.Between(kBegin, state_.accepted());
    const Version bound = state_.Bound(through);
    EXPECT_LE(bound, state_.durable());
    if (through < 0) EXPECT_LE(bound, state_.known_committed());
    const uint64_t bytes_max = random_.Below(100);
    const LogState::Found found = state_.Find(tag, after, bound, bytes_max);
    EXPECT_EQ(state_.popped(tag), popped(tag));
    std::vector<const ModelVersion*> expected;
    for (const ModelVersion& each : versions_) {
      if (each.tags.contains(tag) && each.version > after && each.version <= found.through) {
        expected.push_back(&each);
      }
    }
    ASSERT_EQ(found.messages.size(), expected.size());
    uint64_t bytes = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      const LogMessages& got = found.messages[i];
      EXPECT_EQ(got.version, expected[i]->version);
      EXPECT_EQ(got.location, expected[i]->location);
      if (i > 0) EXPECT_LT(bytes, bytes_max);
      bytes += got.bytes;
      if (got.in_memory) EXPECT_EQ(got.batch.view(), expected[i]->batch);
      (got.in_memory ? in_memory : spilled) += 1;
    }
    if (found.through < bound) {
      EXPECT_FALSE(found.messages.empty());
      EXPECT_GE(bytes, bytes_max);
    } else {
      EXPECT_EQ(found.through, std::max(after, bound));
    }
    CompareNeeded();
  }

  uint64_t in_memory = 0;
  uint64_t spilled = 0;
  uint64_t freed = 0;  // Times that not everything was needed.

 private:
  Tag DrawTag() { return StorageTag(static_cast<uint32_t>(random_.Below(4))); }
  Version popped(Tag tag) {
    const auto at = popped_.find(tag);
    return at == popped_.end() ? kBegin : at->second;
  }

  void Push() {
    const Version previous = state_.accepted();
    const Version version = previous + random_.Between(1, 10);
    EXPECT_EQ(state_.Judge(previous, version), LogState::Verdict::kAccept);
    EXPECT_EQ(state_.Judge(previous + 1, version + 2), LogState::Verdict::kWait);
    EXPECT_EQ(state_.Judge(previous - 1, version), LogState::Verdict::kOffChain);
    EXPECT_EQ(state_.Judge(previous - 1, previous), LogState::Verdict::kDuplicate);
    ModelVersion next{version, location_ += 10, {}, std::string(random_.Below(50), 'b')};
    for (uint64_t n = random_.Below(4); n > 0; --n) next.tags.insert(DrawTag());
    const std::vector<Tag> tags(next.tags.begin(), next.tags.end());
    state_.Accept(tags, {.version = version,
                         .location = next.location,
                         .bytes = static_cast<uint32_t>(next.batch.size()),
                         .one_tag_set = true,
                         .in_memory = true,
                         .batch = Buffer::Copy(next.batch)});
    versions_.push_back(std::move(next));
  }

  void Durable() {
    if (versions_.empty()) return;
    state_.OnDurable(versions_[random_.Below(versions_.size())].version);
  }

  void Pop() {
    const Tag tag = DrawTag();
    const Version version = std::min(random_.Between(kBegin - 5, state_.accepted() + 5),
                                     popped(tag) + random_.Between(-5, 100));
    state_.Pop(tag, version);
    popped_[tag] = std::max(popped(tag), std::min(version, state_.durable()));
    CompareNeeded();
  }

  void CompareNeeded() {
    Location last_durable = 0;
    Location needed = UINT64_MAX;
    uint64_t bytes = 0;
    for (const ModelVersion& each : versions_) {
      if (each.version <= state_.durable()) last_durable = each.location;
      const bool kept =
          std::ranges::any_of(each.tags, [&](Tag tag) { return popped(tag) < each.version; });
      if (kept) needed = std::min(needed, each.location);
      if (kept) bytes += each.batch.size();
    }
    EXPECT_EQ(state_.needed_from(), std::min(needed, last_durable));
    EXPECT_LE(state_.memory_bytes(), bytes);
    if (!versions_.empty() && state_.needed_from() > versions_.front().location) ++freed;
  }

  Random random_;
  LogState state_{kBegin};
  std::vector<ModelVersion> versions_;
  std::map<Tag, Version> popped_;
  Location location_ = 0;
};

TEST(LogStateTest, IsAListOfVersions) {
  uint64_t in_memory = 0;
  uint64_t spilled = 0;
  uint64_t freed = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Model model(seed);
    for (int i = 0; i < 300; ++i) model.Step();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    in_memory += model.in_memory;
    spilled += model.spilled;
    freed += model.freed;
  }
  EXPECT_GT(in_memory, 1000u);
  EXPECT_GT(spilled, 1000u);
  EXPECT_GT(freed, 1000u);
}

TEST(LogStateTest, ALockedLogAcceptsNothingAndKnowsWhatItHas) {
  LogState state(kBegin);
  state.Accept({}, {.version = 110, .location = 1});
  state.Lock();
  EXPECT_EQ(state.Judge(110, 120), LogState::Verdict::kLocked);
  EXPECT_EQ(state.Judge(115, 120), LogState::Verdict::kLocked);
  EXPECT_EQ(state.Judge(100, 110), LogState::Verdict::kDuplicate);
}

TEST(LogStateTest, RestoresAChainWhoseBeginningWasPopped) {
  LogState state(kBegin);
  const std::vector<Tag> tags = {StorageTag(1)};
  EXPECT_TRUE(state.Restore(140, tags, {.version = 150, .location = 5}).ok());
  EXPECT_TRUE(state.Restore(150, {}, {.version = 151, .location = 6}).ok());
  EXPECT_EQ(CodeOf(state.Restore(150, {}, {.version = 152, .location = 7})),
            ErrorCode::file_corrupt);
  EXPECT_EQ(CodeOf(state.Restore(151, {}, {.version = 151, .location = 7})),
            ErrorCode::file_corrupt);
  EXPECT_EQ(state.durable(), 151);
  EXPECT_EQ(state.needed_from(), 5u);
  state.Pop(StorageTag(1), 1000);
  EXPECT_EQ(state.needed_from(), 6u);  // The last one says where the log ends.
  const std::vector<std::pair<Tag, Version>> pops = {{StorageTag(1), 151}};
  EXPECT_EQ(state.pops(), pops);
  LogState other(kBegin);
  EXPECT_EQ(CodeOf(other.Restore(kBegin - 1, {}, {.version = 150, .location = 5})),
            ErrorCode::file_corrupt);
}

TEST(LogEntryTest, DecodesWhatItEncodes) {
  const Buffer version = EncodeLogEntry(
      LogVersionEntry{.version = 7, .previous = -1, .known_committed = 3, .batch = "batch"});
  const auto decoded = DecodeLogEntry(version.view());
  ASSERT_TRUE(decoded.ok());
  const auto& entry = std::get<LogVersionEntry>(*decoded);
  EXPECT_EQ(entry.version, 7);
  EXPECT_EQ(entry.previous, -1);
  EXPECT_EQ(entry.known_committed, 3);
  EXPECT_EQ(entry.batch, "batch");
  EXPECT_EQ(version.Slice(kLogEntryHeaderBytes, 5).view(), "batch");

  const LogPops pops = {{StorageTag(4), 5}, {{TagKind::kMetadata, 0}, 6}};
  const std::string bytes = EncodeLogEntry(pops);
  const auto popped = DecodeLogEntry(bytes);
  ASSERT_TRUE(popped.ok());
  EXPECT_EQ(std::get<LogPops>(*popped), pops);

  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeLogEntry(std::string_view(bytes).substr(0, n)).ok()) << n;
  }
  for (size_t n = 0; n < kLogEntryHeaderBytes; ++n) {
    EXPECT_FALSE(DecodeLogEntry(version.view().substr(0, n)).ok()) << n;
  }
  EXPECT_FALSE(DecodeLogEntry(bytes + "x").ok());
  EXPECT_FALSE(DecodeLogEntry("\x09").ok());
}

TEST(LogEntryTest, KnowsAndFiltersTheTagsOfABatch) {
  const std::vector<Tag> both = {StorageTag(2), StorageTag(1)};
  const std::vector<Tag> one = {StorageTag(1)};
  MutationBatchWriter same;
  same.Add(both, {MutationType::kSet, "a", "1"});
  same.Add(both, {MutationType::kSet, "b", "2"});
  auto tags = TagsOfBatch(std::move(same).Finish());
  ASSERT_TRUE(tags.ok());
  EXPECT_TRUE(tags->one_tag_set);
  EXPECT_EQ(tags->tags, (std::vector<Tag>{StorageTag(1), StorageTag(2)}));

  MutationBatchWriter mixed;
  mixed.Add(both, {MutationType::kSet, "a", "1"});
  mixed.Add({}, {MutationType::kSet, "b", "2"});
  mixed.Add(one, {MutationType::kSet, "c", "3"});
  const std::string batch = std::move(mixed).Finish();
  tags = TagsOfBatch(batch);
  ASSERT_TRUE(tags.ok());
  EXPECT_FALSE(tags->one_tag_set);
  EXPECT_EQ(tags->tags, (std::vector<Tag>{StorageTag(1), StorageTag(2)}));
  MutationBatchWriter expected;
  expected.Add(both, {MutationType::kSet, "a", "1"});
  const auto filtered = FilterBatch(batch, StorageTag(2));
  ASSERT_TRUE(filtered.ok());
  EXPECT_EQ(*filtered, std::move(expected).Finish());

  EXPECT_FALSE(TagsOfBatch("nonsense").ok());
  EXPECT_TRUE(TagsOfBatch("").ok());
}

}  // namespace
}  // namespace orrery
