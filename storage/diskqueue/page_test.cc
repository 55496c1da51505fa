// Goal: a page or header that is not exactly what was written is refused, and recovery takes the
// queue's pages and no others. Method: every truncation and bit flip; hand-made sets of pages.
#include "storage/diskqueue/page.h"

#include <gtest/gtest.h>

#include "storage/diskqueue/file_header.h"
#include "storage/diskqueue/recover_pages.h"
#include "storage/diskqueue/slot_allocator.h"

namespace orrery {
namespace {

constexpr uint64_t kQueueId = 77;

TEST(PageTest, DecodesWhatWasSealed) {
  std::string page(kPageBytes, '\0');
  page.replace(kPageHeaderBytes, 5, "hello");
  PageHeader header{.slot = 3,
                    .sequence = 9,
                    .incarnation = 2,
                    .synced_sequence = 8,
                    .synced_checksum = 11,
                    .synced_slot = 2,
                    .previous_checksum = 12,
                    .previous_slot = 4,
                    .begin = 123,
                    .payload_bytes = 5,
                    .kind = PageKind::kCopy};
  SealPage(header, kQueueId, page.data());
  EXPECT_EQ(DecodePage(page, kQueueId, 3), header);
  EXPECT_FALSE(DecodePage(page, kQueueId, 4).has_value()) << "misdirected";
  EXPECT_FALSE(DecodePage(page, kQueueId + 1, 3).has_value()) << "another queue's";
}

TEST(PageTest, EveryBitFlipAndTruncationIsDetected) {
  std::string page(kPageBytes, '\0');
  page.replace(kPageHeaderBytes, 5, "hello");
  PageHeader header{.slot = 3, .sequence = 9, .incarnation = 2, .payload_bytes = 5};
  SealPage(header, kQueueId, page.data());
  for (size_t bit = 0; bit < page.size() * 8; ++bit) {
    page[bit / 8] = static_cast<char>(page[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(DecodePage(page, kQueueId, 3).has_value()) << "bit " << bit;
    page[bit / 8] = static_cast<char>(page[bit / 8] ^ (1 << (bit % 8)));
  }
  for (size_t size = 0; size < page.size(); ++size) {
    ASSERT_FALSE(DecodePage(page.substr(0, size), kQueueId, 3).has_value()) << size;
  }
  EXPECT_TRUE(DecodePage(page, kQueueId, 3).has_value());
  EXPECT_FALSE(DecodePage(std::string(kPageBytes, '\0'), 0, 0).has_value());
}

TEST(FileHeaderTest, RefusesWhatItMustNotRead) {
  StoreIdentity identity;
  identity.cluster[0] = 'c';
  FileHeader header{.magic = "ABCDEFGH",
                    .written_by = 3,
                    .minimum_reader = 2,
                    .identity = identity,
                    .parameter = 42};
  std::string bytes = EncodeFileHeader(header);
  ASSERT_EQ(bytes.size(), kFileHeaderBytes);
  const auto decode = [&](uint32_t reader) {
    return DecodeFileHeader(bytes, "ABCDEFGH", reader, identity, "f");
  };
  ASSERT_TRUE(decode(2).ok());
  EXPECT_EQ(decode(2)->parameter, 42u);
  EXPECT_EQ(decode(2)->written_by, 3u);
  EXPECT_EQ(CodeOf(decode(1).status()), ErrorCode::protocol_mismatch);
  EXPECT_EQ(CodeOf(DecodeFileHeader(bytes, "ABCDEFGX", 2, identity, "f").status()),
            ErrorCode::file_corrupt);
  EXPECT_EQ(CodeOf(DecodeFileHeader(bytes, "ABCDEFGH", 2, {}, "f").status()),
            ErrorCode::wrong_cluster);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_EQ(CodeOf(decode(2).status()), ErrorCode::file_corrupt) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(DecodeFileHeader(bytes.substr(0, size), "ABCDEFGH", 2, identity, "f").ok());
  }
}

// A page whose checksum stands for its content.
PageHeader Page(uint64_t sequence, uint64_t incarnation, uint64_t checksum, uint64_t previous,
                uint64_t synced, uint64_t synced_checksum, PageKind kind = PageKind::kData) {
  return {.checksum = checksum,
          .slot = checksum,  // One slot each.
          .sequence = sequence,
          .incarnation = incarnation,
          .synced_sequence = synced,
          .synced_checksum = synced_checksum,
          .synced_slot = synced_checksum,
          .previous_checksum = previous,
          .previous_slot = previous,
          .begin = LocationAt(1, 0),
          .kind = kind};
}

// Pages 1 to 5; 1 to 3 are known to be synced.
std::vector<PageHeader> FivePages() {
  return {Page(1, 1, 101, 0, 0, 0), Page(2, 1, 102, 101, 1, 101), Page(3, 1, 103, 102, 1, 101),
          Page(4, 1, 104, 103, 3, 103), Page(5, 1, 105, 104, 3, 103)};
}

TEST(RecoverPagesTest, KeepsWhatIsChained) {
  auto pages = RecoverPages(FivePages(), "q");
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(pages->synced_sequence, 3u);
  EXPECT_EQ(pages->synced.size(), 3u);
  EXPECT_EQ(pages->tail.size(), 2u);
}

TEST(RecoverPagesTest, AHoleAboveDCutsAndBelowDIsCorruption) {
  for (size_t lost = 0; lost < 5; ++lost) {
    auto found = FivePages();
    found.erase(found.begin() + static_cast<int64_t>(lost));
    auto pages = RecoverPages(found, "q");
    if (lost < 3) {
      ASSERT_EQ(CodeOf(pages.status()), ErrorCode::file_corrupt) << lost;
      EXPECT_NE(pages.status().message().find("page " + std::to_string(lost + 1) + " at offset " +
                                              std::to_string((101 + lost) * kPageBytes)),
                std::string::npos)
          << pages.status().message();
    } else {
      ASSERT_TRUE(pages.ok());
      EXPECT_EQ(pages->tail.size(), lost - 3);
    }
  }
  EXPECT_EQ(CodeOf(RecoverPages({}, "q").status()), ErrorCode::file_corrupt);
}

TEST(RecoverPagesTest, CopiesCountOnceTheirIncarnationIsEstablished) {
  auto found = FivePages();
  found.push_back(Page(4, 2, 204, 103, 3, 103, PageKind::kCopy));
  auto pages = RecoverPages(found, "q");
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(pages->incarnation_max, 2u);
  ASSERT_EQ(pages->tail.size(), 2u);
  EXPECT_EQ(pages->tail[0].checksum, 104u);

  found.push_back(Page(5, 2, 205, 204, 4, 204));  // 5 of incarnation 1 was cut.
  pages = RecoverPages(found, "q");
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(pages->synced.back().checksum, 204u);
  ASSERT_EQ(pages->tail.size(), 1u);
  EXPECT_EQ(pages->tail[0].checksum, 205u);

  found.pop_back();
  found.push_back(Page(6, 2, 206, 205, 4, 204));  // Stale 5 does not fill the hole at 5.
  pages = RecoverPages(found, "q");
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(pages->synced_sequence, 4u);
  EXPECT_TRUE(pages->tail.empty());
}

TEST(RecoverPagesTest, PoppedPagesMayBeGone) {
  auto found = FivePages();
  for (PageHeader& page : found) page.begin = LocationAt(4, 0);
  found.erase(found.begin(), found.begin() + 3);
  auto pages = RecoverPages(found, "q");
  ASSERT_TRUE(pages.ok());
  EXPECT_TRUE(pages->synced.empty());
  EXPECT_EQ(pages->tail.size(), 2u);
}

TEST(SlotTest, TakesInOrderOfBecomingFreeAndFindsRuns) {
  SlotAllocator slots;
  slots.Free({1, 4});
  slots.Free({5, 2});
  slots.Free({10, 3});
  EXPECT_EQ(slots.free_count(), 9u);
  const auto taken = slots.Take(7);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].count, 6u);
  EXPECT_EQ(taken[1].first, 10u);
  SlotMap map;
  map.Append(20, taken[0]);
  map.Append(26, taken[1]);
  EXPECT_EQ(map.Find(20, 100).count, 6u);
  EXPECT_EQ(map.Find(24, 1).first, 5u);
  EXPECT_EQ(map.Find(26, 9).first, 10u);
  map.PopBelow(23, slots);
  EXPECT_EQ(map.begin(), 23u);
  EXPECT_EQ(slots.free_count(), 5u);
  EXPECT_EQ(map.Find(23, 100).first, 4u);
}

}  // namespace
}  // namespace orrery
