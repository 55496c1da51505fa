// Goal: codes travel through absl::Status and back, and print for people. Method: tables.
#include "core/base/error_codes.h"

#include <gtest/gtest.h>

#include "core/base/status.h"

namespace orrery {
namespace {

TEST(ErrorCodesTest, RoundTripThroughStatus) {
  const absl::Status status = Error(ErrorCode::io_error);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(CodeOf(status), ErrorCode::io_error);
  EXPECT_TRUE(Error(ErrorCode::ok).ok());
  EXPECT_EQ(CodeOf(absl::OkStatus()), ErrorCode::ok);
}

TEST(ErrorCodesTest, ForeignStatusesAreInternal) {
  EXPECT_EQ(CodeOf(absl::NotFoundError("x")), ErrorCode::internal_error);
  EXPECT_EQ(InfoOf(static_cast<ErrorCode>(31337)).code, ErrorCode::internal_error);
}

TEST(ErrorCodesTest, Describe) {
  EXPECT_EQ(Describe(absl::OkStatus()), "ok");
  EXPECT_EQ(Describe(Error(ErrorCode::timed_out)),
            "timed_out (1004): the call did not finish within its time");
  EXPECT_EQ(Describe(Error(ErrorCode::file_not_found, "log")),
            "file_not_found (1511): the file does not exist: log");
}

absl::StatusOr<int> Half(int x) {
  if (x % 2 != 0) return Error(ErrorCode::invalid_argument, "odd");
  return x / 2;
}

absl::StatusOr<int> Quarter(int x) {
  ASSIGN_OR_RETURN(const int half, Half(x));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(StatusTest, EarlyReturn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(CodeOf(Quarter(6).status()), ErrorCode::invalid_argument);
}

TEST(StatusTest, BrokenPromises) {
  EXPECT_EQ(CodeOf(OnBrokenPromise<absl::Status>::Make()), ErrorCode::broken_promise);
  EXPECT_EQ(CodeOf(OnBrokenPromise<absl::StatusOr<int>>::Make().status()),
            ErrorCode::broken_promise);
}

}  // namespace
}  // namespace orrery
