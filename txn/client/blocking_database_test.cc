// Goal: the blocking calls do what those of Transaction do.
// Method: calls from outside of a simulated world, which runs while they block.
#include "txn/client/blocking_database.h"

#include <gtest/gtest.h>

#include "txn/client/testing/fake_cluster.h"

namespace orrery {
namespace {

using testing::FakeCluster;

class BlockingDatabaseTest : public ::testing::Test {
 protected:
  FakeCluster cluster_{1, {.commit_unanswered = OneIn(3), .read_refused = OneIn(5)}};
  BlockingDatabase database_{cluster_.StartLoop(),
                             [this](Env& env) { return cluster_.Connect(env); }};
};

TEST_F(BlockingDatabaseTest, RunsTheRetryLoop) {
  for (int i = 0; i < 10; ++i) {
    const absl::Status done = database_.Run([](BlockingTransaction& tr) -> absl::Status {
      ASSIGN_OR_RETURN(const std::optional<std::string> value, tr.Get("key"));
      return tr.Set("key", value.value_or("") + "x");
    });
    ASSERT_TRUE(done.ok()) << Describe(done);
  }
  const auto value = database_.Begin().Get("key");
  ASSERT_TRUE(value.ok()) << Describe(value.status());
  EXPECT_EQ(*value, std::string(10, 'x'));
}

TEST_F(BlockingDatabaseTest, ReadsAndWritesAsATransaction) {
  BlockingTransaction tr = database_.Begin();
  EXPECT_TRUE(tr.Set("a", "1").ok());
  EXPECT_TRUE(tr.Set("b", "2").ok());
  EXPECT_TRUE(tr.Clear("a").ok());
  EXPECT_TRUE(tr.Atomic(MutationType::kAppendIfFits, "b", "3").ok());
  const auto key = tr.GetKey(KeySelector::FirstGreaterOrEqual("a"));
  ASSERT_TRUE(key.ok()) << Describe(key.status());
  EXPECT_EQ(*key, "b");
  const auto range = tr.GetRange(KeyRange{"", "c"});
  ASSERT_TRUE(range.ok()) << Describe(range.status());
  EXPECT_EQ(range->rows, (std::vector<KeyValue>{{"b", "23"}}));
  const auto result = tr.Commit();
  ASSERT_TRUE(result.ok()) << Describe(result.status());
  const auto later = database_.Begin().GetReadVersion();
  ASSERT_TRUE(later.ok());
  EXPECT_GE(*later, result->version);
  EXPECT_EQ(CodeOf(tr.OnError(Error(ErrorCode::key_too_large))), ErrorCode::key_too_large);
}

}  // namespace
}  // namespace orrery
