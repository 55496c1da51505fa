// Goal: Buffers share, slice and free their bytes. Method: small cases; the sanitizers see leaks.
#include "core/base/buffer.h"

#include <gtest/gtest.h>

#include <cstring>

namespace orrery {
namespace {

TEST(BufferTest, CopiesAndSlicesShareBytes) {
  const Buffer whole = Buffer::Copy("hello world");
  Buffer slice;
  {
    const Buffer copy = whole;
    slice = copy.Slice(6, 5);
    EXPECT_EQ(copy.data(), whole.data());
  }
  EXPECT_EQ(slice.view(), "world");
  EXPECT_EQ(slice.data(), whole.data() + 6);
  slice = slice.Slice(1, 0);
  EXPECT_TRUE(slice.empty());
}

TEST(BufferTest, ASliceKeepsTheBytesAlive) {
  Buffer slice;
  {
    Buffer whole = Buffer::Copy(std::string(1000, 'x'));
    slice = whole.Slice(999, 1);
    whole = Buffer();
  }
  EXPECT_EQ(slice.view(), "x");
}

TEST(BufferTest, MoveLeavesEmpty) {
  Buffer a = Buffer::Copy("a");
  const Buffer b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is the promise.
  EXPECT_EQ(b.view(), "a");
}

TEST(BufferTest, SelfAssignmentKeepsTheBytes) {
  Buffer a = Buffer::Copy("abc");
  const Buffer& same = a;
  a = same;
  EXPECT_EQ(a.view(), "abc");
}

TEST(BufferTest, FreezeTakesAPrefix) {
  MutableBuffer room(8);
  std::memcpy(room.data(), "12345678", 8);
  EXPECT_EQ(std::move(room).Freeze(3).view(), "123");
  const MutableBuffer unused(8);
}

TEST(BufferDeathTest, ASliceBeyondTheEnd) {
  const Buffer whole = Buffer::Copy("abc");
  EXPECT_DEATH((void)whole.Slice(2, 2), "INVARIANT failed.*\\(2, 2, 3\\)");
  EXPECT_DEATH((void)whole.Slice(SIZE_MAX, 2), "INVARIANT failed");
}

}  // namespace
}  // namespace orrery
