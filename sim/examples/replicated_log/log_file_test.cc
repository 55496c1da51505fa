// The log's bytes: what a loss of power can leave behind is cut away, and damage before the last
// batch is refused. Every byte of a small log is cut at, and changed, in turn.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/examples/replicated_log/log_file.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr std::string_view kIdentity = "a of a,b,c";

struct Example {
  std::string bytes;
  std::vector<size_t> batch_ends;
};

// The identity, and three batches of one entry each.
Example MakeExample() {
  Example log;
  log.bytes = MakeBatch(0, kIdentity);
  log.batch_ends.push_back(log.bytes.size());
  for (uint64_t i = 1; i <= 3; ++i) {
    std::string records;
    AppendVoteRecord(i, 1, records);
    AppendEntryRecord(i, {.term = i, .command = "command " + std::to_string(i)}, records);
    log.bytes += MakeBatch(log.bytes.size(), records);
    log.batch_ends.push_back(log.bytes.size());
  }
  return log;
}

TEST(LogFile, ReadsWhatWasWritten) {
  const Example log = MakeExample();
  const absl::StatusOr<ReadLog> read = ParseLog(log.bytes, kIdentity);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->good_bytes, log.bytes.size());
  ASSERT_EQ(read->state.entries.size(), 3u);
  EXPECT_EQ(read->state.entries[2].command, "command 3");
}

TEST(LogFile, KeepsWholeBatchesWhereverItIsCut) {
  const Example log = MakeExample();
  for (size_t size = log.batch_ends[0]; size < log.bytes.size(); ++size) {
    const auto read = ParseLog(std::string_view(log.bytes).substr(0, size), kIdentity);
    ASSERT_TRUE(read.ok()) << size;
    size_t whole = 0;
    while (log.batch_ends[whole + 1] <= size) ++whole;
    EXPECT_EQ(read->state.entries.size(), whole) << size;
    EXPECT_EQ(read->good_bytes, log.batch_ends[whole]) << size;
  }
}

TEST(LogFile, ChangedBytesAreATornEndOnlyInTheLastBatch) {
  const Example log = MakeExample();
  for (size_t at = 0; at < log.bytes.size(); ++at) {
    std::string bytes = log.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    const auto read = ParseLog(bytes, kIdentity);
    if (at < log.batch_ends[2]) {
      ASSERT_FALSE(read.ok()) << at;
      EXPECT_EQ(CodeOf(read.status()), ErrorCode::file_corrupt) << at;
    } else {
      ASSERT_TRUE(read.ok()) << at;
      EXPECT_EQ(read->state.entries.size(), 2u) << at;
    }
  }
}

TEST(LogFile, RefusesTheLogOfAnotherReplica) {
  EXPECT_EQ(CodeOf(ParseLog(MakeExample().bytes, "b of a,b,c").status()),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace orrery::sim::replicated_log
