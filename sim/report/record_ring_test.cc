// Goal: a ring keeps the newest records that fit, whole and in order, through any number of turns,
// and another mapping of its memory sees the same. Method: rings of many sizes against a list.
#include "sim/report/record_ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "core/base/random.h"

namespace orrery::sim {
namespace {

TEST(RecordRing, KeepsTheNewestThatFit) {
  for (const size_t capacity : {16u, 17u, 100u, 1000u}) {
    std::vector<uint64_t> memory(RecordRing::BytesFor(capacity) / 8 + 1);
    RecordRing ring(memory.data(), capacity);
    std::deque<std::string> expected;
    size_t bytes = 0;
    uint64_t dropped = 0;
    Random random(capacity);
    for (int i = 0; i < 2000; ++i) {
      const std::string record(random.Below(capacity / 2), static_cast<char>('a' + i % 26));
      ring.Append(record);
      expected.push_back(record);
      bytes += record.size() + 4;
      while (bytes > capacity) {
        bytes -= expected.front().size() + 4;
        expected.pop_front();
        ++dropped;
      }
      ASSERT_EQ(ring.Read(), std::vector<std::string>(expected.begin(), expected.end())) << i;
      ASSERT_EQ(ring.dropped(), dropped);
    }
    EXPECT_EQ(RecordRing(memory.data(), capacity).Read(), ring.Read());
  }
}

TEST(RecordRing, WhatIsTooLargeIsDroppedAlone) {
  std::vector<uint64_t> memory(RecordRing::BytesFor(64) / 8 + 1);
  RecordRing ring(memory.data(), 64);
  ring.Append("kept");
  ring.Append(std::string(61, 'x'));
  EXPECT_EQ(ring.Read(), std::vector<std::string>{"kept"});
  EXPECT_EQ(ring.dropped(), 1u);
  ring.Append(std::string(60, 'y'));
  EXPECT_EQ(ring.Read(), std::vector<std::string>{std::string(60, 'y')});
}

}  // namespace
}  // namespace orrery::sim
