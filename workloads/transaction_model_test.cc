// Goal: the model of a transaction accepts right answers and refuses every planted wrong one; what
// is drawn covers every kind of operation and every refusal. Method: answers by hand; answers of a
// second, differently written reader for drawn operations, each then spoilt in one way.
#include "workloads/transaction_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "storage/log/atomic_operations.h"
#include "workloads/operation_draw.h"

namespace orrery::workloads {
namespace {

const KeyRange kSpace{"s/", "s0"};

TransactionModel Model(Rows rows, TransactionModel::Options options = {}) {
  return TransactionModel(kSpace, std::move(rows), options);
}

bool Accepts(TransactionModel& model, const Operation& operation, const Answer& answer) {
  const absl::Status status = model.CheckAndApply(operation, answer);
  if (!status.ok()) EXPECT_EQ(CodeOf(status), ErrorCode::check_failed);
  return status.ok();
}

void Do(TransactionModel& model, const Operation& operation) {
  EXPECT_TRUE(Accepts(model, operation, Answer())) << Describe(operation);
}

TEST(TransactionModel, Gets) {
  TransactionModel model = Model({{"s/a", "1"}});
  const Operation get{.kind = Operation::kGet, .key = "s/a"};
  EXPECT_TRUE(Accepts(model, get, {.value = "1"}));
  EXPECT_FALSE(Accepts(model, get, {.value = "2"}));
  EXPECT_FALSE(Accepts(model, get, Answer()));
  EXPECT_FALSE(Accepts(model, get, {.status = Error(ErrorCode::io_error)}));
  Do(model, {.kind = Operation::kSet, .key = "s/a", .value = "2"});
  EXPECT_TRUE(Accepts(model, get, {.value = "2"}));
  EXPECT_FALSE(Accepts(model, get, {.value = "1"}));
  Do(model, {.kind = Operation::kClear, .key = "s/a"});
  EXPECT_TRUE(Accepts(model, get, Answer()));
  EXPECT_FALSE(Accepts(model, get, {.value = "2"}));
}

TEST(TransactionModel, ReadYourWritesOff) {
  const Operation write{.kind = Operation::kSet, .key = "s/a", .value = "2"};
  Operation get{.kind = Operation::kGet, .key = "s/a"};
  TransactionModel off = Model({{"s/a", "1"}}, {.read_your_writes = false});
  Do(off, write);
  EXPECT_TRUE(Accepts(off, get, {.value = "1"}));
  EXPECT_FALSE(Accepts(off, get, {.value = "2"}));
  TransactionModel snapshot = Model({{"s/a", "1"}}, {.snapshot_read_your_writes = false});
  Do(snapshot, write);
  EXPECT_TRUE(Accepts(snapshot, get, {.value = "2"}));
  get.snapshot = true;
  EXPECT_TRUE(Accepts(snapshot, get, {.value = "1"}));
  EXPECT_FALSE(Accepts(snapshot, get, {.value = "2"}));
}

TEST(TransactionModel, Ranges) {
  TransactionModel model = Model({{"s/a", "1"}, {"s/b", "2"}, {"s/c", "3"}});
  Operation range{.kind = Operation::kGetRange, .range = {"s/a", "s/c"}};
  EXPECT_TRUE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/b", "2"}}}));
  EXPECT_TRUE(Accepts(model, range, {.rows = {{"s/a", "1"}}, .more = true}));
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}}})) << "ended early, unsaid";
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/b", "2"}}, .more = true})) << "begins late";
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/b", "2"}, {"s/c", "3"}}}));
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/b", "9"}}}));
  EXPECT_FALSE(Accepts(model, range, {.rows = {}, .more = true})) << "not one row";
  range.reverse = true;
  EXPECT_TRUE(Accepts(model, range, {.rows = {{"s/b", "2"}, {"s/a", "1"}}}));
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/b", "2"}}}));
  range = {.kind = Operation::kGetRange, .range = kSpace, .rows = 2, .mode = 0};
  EXPECT_TRUE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/b", "2"}}, .more = true}));
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}}, .more = true})) << "not exact";
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/b", "2"}, {"s/c", "3"}}}));
}

TEST(TransactionModel, SelectorsGoByOffset) {
  TransactionModel model = Model({{"s/a", "1"}, {"s/b", "2"}, {"s/c", "3"}});
  const auto resolve = [&](Key key, bool or_equal, int32_t offset) {
    return model.Resolve({.key = std::move(key), .or_equal = or_equal, .offset = offset}, false);
  };
  EXPECT_EQ(resolve("s/b", false, 1), "s/b");  // First greater or equal.
  EXPECT_EQ(resolve("s/b", true, 1), "s/c");   // First greater than.
  EXPECT_EQ(resolve("s/b", true, 0), "s/b");   // Last less or equal.
  EXPECT_EQ(resolve("s/b", false, 0), "s/a");  // Last less than.
  EXPECT_EQ(resolve("s/bb", true, 0), "s/b");
  EXPECT_EQ(resolve("s/a", false, 3), "s/c");
  EXPECT_EQ(resolve("s/a", false, 4), std::nullopt);
  EXPECT_EQ(resolve("s/c", false, -1), "s/a");
  EXPECT_EQ(resolve("s/a", false, 0), std::nullopt);
  const Operation get{.kind = Operation::kGetKey, .begin = {.key = "s/b", .offset = 1}};
  EXPECT_TRUE(Accepts(model, get, {.key = "s/b"}));
  EXPECT_FALSE(Accepts(model, get, {.key = "s/c"}));
  const Operation beyond{.kind = Operation::kGetKey, .begin = {.key = "s/c", .offset = 5}};
  EXPECT_TRUE(Accepts(model, beyond, {.key = "t"}));
  EXPECT_FALSE(Accepts(model, beyond, {.key = "s/c"}));
}

TEST(TransactionModel, StampedValuesCannotBeReadBeforeTheCommit) {
  TransactionModel model = Model({{"s/a", "1"}, {"s/b", "2"}, {"s/c", "3"}});
  const std::string stamped = std::string(10, '\0') + std::string(4, '\0');
  Do(model, {.kind = Operation::kAtomic,
             .key = "s/b",
             .value = stamped,
             .type = MutationType::kSetVersionstampedValue});
  const Answer unreadable{.status = Error(ErrorCode::accessed_unreadable)};
  const Operation get{.kind = Operation::kGet, .key = "s/b"};
  EXPECT_TRUE(Accepts(model, get, unreadable));
  EXPECT_FALSE(Accepts(model, get, {.value = "2"}));
  Operation range{.kind = Operation::kGetRange, .range = kSpace};
  EXPECT_TRUE(Accepts(model, range, unreadable));
  EXPECT_TRUE(Accepts(model, range, {.rows = {{"s/a", "1"}}, .more = true}));
  EXPECT_FALSE(Accepts(model, range, {.rows = {{"s/a", "1"}, {"s/c", "3"}}}));
  range.rows = 1;
  EXPECT_FALSE(Accepts(model, range, unreadable)) << "the limit comes before";
  Rows after;
  ASSERT_TRUE(model.Commit(MakeVersionstamp(7, 3), after));
  EXPECT_EQ(after["s/b"], MakeVersionstamp(7, 3));
  EXPECT_FALSE(model.Commit("short", after));
  const Operation set{.kind = Operation::kSet, .key = "s/b", .value = "4"};
  Do(model, set);
  EXPECT_TRUE(Accepts(model, get, unreadable)) << "still";
  EXPECT_FALSE(Accepts(model, get, {.value = "4"}));
  ASSERT_TRUE(model.Commit(MakeVersionstamp(7, 3), after));
  EXPECT_EQ(after["s/b"], "4");
  Do(model, {.kind = Operation::kClear, .key = "s/b"});
  EXPECT_TRUE(Accepts(model, get, Answer()));
  Do(model, set);
  EXPECT_TRUE(Accepts(model, get, {.value = "4"}));
}

TEST(TransactionModel, RefusalsChangeNothing) {
  TransactionModel model = Model({});
  const Operation bad{
      .kind = Operation::kSet, .key = "s/a", .value = "1", .refused = ErrorCode::key_too_large};
  EXPECT_FALSE(Accepts(model, bad, Answer())) << "it was not refused";
  EXPECT_FALSE(Accepts(model, bad, {.status = Error(ErrorCode::value_too_large)}));
  EXPECT_TRUE(Accepts(model, bad, {.status = Error(ErrorCode::key_too_large)}));
  EXPECT_TRUE(model.view().empty());
  EXPECT_FALSE(model.wrote());
}

// An answer from the rows alone, one by one.
Answer Reference(const TransactionModel& model, const Operation& operation) {
  Answer answer;
  if (operation.refused != ErrorCode::ok) {
    answer.status = Error(operation.refused);
  } else if (operation.kind == Operation::kGet) {
    for (const auto& [key, value] : model.view()) {
      if (key == operation.key) answer.value = value;
    }
  } else if (operation.kind == Operation::kGetRange) {
    for (const auto& [key, value] : model.view()) {
      if (key >= operation.range.begin && key < operation.range.end) {
        answer.rows.emplace_back(key, value);
      }
    }
    if (operation.reverse) std::reverse(answer.rows.begin(), answer.rows.end());
    if (operation.rows > 0 && answer.rows.size() > static_cast<size_t>(operation.rows)) {
      answer.rows.resize(static_cast<size_t>(operation.rows));
      answer.more = true;
    }
  } else if (operation.kind == Operation::kGetKey) {
    answer.key = model.Resolve(operation.begin, false).value_or("");
  }
  return answer;
}

TEST(OperationDraw, EveryKindAndEveryRefusalComes) {
  Random random(5);
  TransactionModel model = Model({});
  std::set<int> kinds;
  std::set<ErrorCode> refusals;
  int spoilt = 0;
  for (int i = 0; i < 5000; ++i) {
    const Operation operation =
        DrawOperation(random, model, {.limits = true, .mistakes = true, .stamped_keys = "t/"});
    kinds.insert(operation.kind);
    refusals.insert(operation.refused);
    if (model.has_unreadable() || operation.kind == Operation::kGetSelectedRange) {
      if (i % 100 == 0) model = Model({});
      continue;
    }
    Answer answer = Reference(model, operation);
    Answer wrong = answer;
    if (operation.kind == Operation::kGet && operation.refused == ErrorCode::ok) {
      wrong.value = wrong.value.value_or("") + "!";
    } else if (!wrong.rows.empty()) {
      wrong.rows[random.Below(wrong.rows.size())].second += "!";
    } else {
      wrong.status = Error(ErrorCode::internal_error);
    }
    ++spoilt;
    TransactionModel copy = model;
    EXPECT_FALSE(Accepts(copy, operation, wrong)) << Describe(operation);
    EXPECT_TRUE(Accepts(model, operation, answer)) << Describe(operation);
  }
  EXPECT_GT(spoilt, 1000);
  EXPECT_EQ(kinds.size(), 11u);
  for (const ErrorCode code :
       {ErrorCode::key_too_large, ErrorCode::value_too_large, ErrorCode::key_outside_legal_range,
        ErrorCode::inverted_range, ErrorCode::range_limits_invalid, ErrorCode::version_invalid,
        ErrorCode::invalid_mutation_type, ErrorCode::read_version_already_set,
        ErrorCode::client_invalid_operation}) {
    EXPECT_TRUE(refusals.contains(code)) << InfoOf(code).name;
  }
}

}  // namespace
}  // namespace orrery::workloads
