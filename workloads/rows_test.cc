// Goal: the checks over rows accept what is right and name what is not: ring, bank, exactly_once,
// atomic_ops, replicas. Method: a right answer, and for each way to be wrong a planted one.
#include <gtest/gtest.h>

#include "core/base/encoding.h"
#include "workloads/atomic_log.h"
#include "workloads/bank_check.h"
#include "workloads/expect_violation.h"
#include "workloads/once_book.h"
#include "workloads/replica_chunk.h"
#include "workloads/ring_check.h"

namespace orrery::workloads {
namespace {

Rows Numbered(const std::vector<uint64_t>& values) {
  Rows rows;
  for (size_t i = 0; i < values.size(); ++i) rows[NumberedKey("x", i)] = std::to_string(values[i]);
  return rows;
}

TEST(Ring, OneRingIsAccepted) {
  EXPECT_TRUE(CheckRing(Numbered({1, 2, 3, 0}), 4).ok());
  EXPECT_TRUE(CheckRing(Numbered({2, 3, 1, 0}), 4).ok());
}

TEST(Ring, PlantedBreaksAreFound) {
  ExpectViolation(CheckRing(Numbered({1, 0, 3, 2}), 4), "closes after 2 of 4");
  ExpectViolation(CheckRing(Numbered({1, 2, 3, 1}), 4), "does not lead back");
  ExpectEvidence(CheckRing(Numbered({1, 2, 3, 1}), 4), 3, "is followed by");
  ExpectViolation(CheckRing(Numbered({1, 2, 0}), 4), "3 rows");
  ExpectViolation(CheckRing(Numbered({1, 2, 3, 9}), 4), "no node");
  Rows rows = Numbered({1, 2, 3, 0});
  rows.begin()->second = "two";
  ExpectViolation(CheckRing(rows, 4), "no node");
  rows = Numbered({1, 2, 3});
  rows[NumberedKey("x", 7)] = "0";
  ExpectViolation(CheckRing(rows, 4), "no node");
}

TEST(Bank, PlantedMoneyIsFound) {
  EXPECT_TRUE(CheckBank(Numbered({30, 0, 60}), 3, 90).ok());
  ExpectViolation(CheckBank(Numbered({30, 1, 60}), 3, 90), "have 91");
  ExpectViolation(CheckBank(Numbered({30, 60}), 3, 90), "2 were read");
  ExpectViolation(CheckBank(Numbered({30, 1000, 60}), 3, 90), "is not account 1");
}

TEST(Once, PlantedRepeatsAndLossesAreFound) {
  OnceBook book(2);
  book.Acknowledge(book.Begin(0));
  book.Acknowledge(book.Begin(1));
  book.Begin(1);  // Never acknowledged: it may be there or not.
  const Rows right = {{"0/1", "0"}, {"1/3", "1"}};
  EXPECT_TRUE(book.Check(right, {1, 1}).ok());
  Rows rows = right;
  rows["2/1"] = "1";
  EXPECT_TRUE(book.Check(rows, {1, 2}).ok());
  ExpectViolation(book.Check(rows, {1, 1}), "counter 1 is 1, and 2");
  rows = right;
  rows["1/4"] = "1";
  ExpectViolation(book.Check(rows, {1, 2}), "done twice");
  ExpectEvidence(book.Check(rows, {1, 2}), 2, "both committed");
  ExpectViolation(book.Check({{"0/1", "0"}}, {1, 0}), "operation 1 was acknowledged");
  ExpectViolation(book.Check(right, {2, 1}), "counter 0 is 2, and 1");
  ExpectViolation(book.Check({{"7/1", "0"}}, {0, 0}), "no operation");
  ExpectViolation(book.Check({{"0/1", "1"}}, {0, 0}), "no operation");
}

std::string Number(uint64_t value) {
  std::string bytes;
  AppendFixed(bytes, value);
  return bytes;
}

TEST(AtomicLog, PlantedValuesAreFound) {
  const Rows log = {
      {"stamp1", EncodeOperations({{MutationType::kAdd, "a", Number(3)}})},
      {"stamp2", EncodeOperations({{MutationType::kAdd, "a", Number(4)},
                                   {MutationType::kAppendIfFits, "b", "x"}})},
      {"stamp3", EncodeOperations({{MutationType::kAppendIfFits, "b", "y"},
                                   {MutationType::kSet, "c", "gone"},
                                   {MutationType::kClearRange, "c", ""}})},
  };
  const Rows right = {{"a", Number(7)}, {"b", "xy"}};
  EXPECT_TRUE(CheckAtomicLog(log, right, {"stamp1", "stamp3"}).ok());
  ExpectViolation(CheckAtomicLog(log, {{"a", Number(11)}, {"b", "xy"}}, {}), "a has another value");
  ExpectViolation(CheckAtomicLog(log, {{"a", Number(7)}, {"b", "yx"}}, {}), "b has another value");
  ExpectViolation(CheckAtomicLog(log, {{"a", Number(7)}}, {}), "b should have");
  ExpectViolation(CheckAtomicLog(log, {{"a", Number(7)}, {"b", "xy"}, {"c", "gone"}}, {}),
                  "3 rows, and 2");
  ExpectViolation(CheckAtomicLog(log, right, {"stamp4"}), "acknowledged");
  ExpectViolation(CheckAtomicLog({{"stamp1", "\x02"}}, {}, {}), "does not decode");
}

TEST(Replicas, PlantedDifferencesAreFound) {
  const ReplicaChunk all{"r1", {{"a", "1"}, {"b", "2"}, {"c", "3"}}, false};
  const ReplicaChunk part{"r2", {{"a", "1"}, {"b", "2"}}, true};
  ASSERT_TRUE(CompareReplicas({all, all}).ok());
  EXPECT_EQ(*CompareReplicas({all, all}), std::nullopt);
  ASSERT_TRUE(CompareReplicas({all, part}).ok());
  EXPECT_EQ(*CompareReplicas({all, part}), KeyAfter("b")) << "as far as both go";
  ReplicaChunk other = all;
  other.rows[1].second = "9";
  ExpectViolation(CompareReplicas({all, other}).status(), "differ from key b on");
  other = all;
  other.rows.pop_back();
  ExpectViolation(CompareReplicas({all, other}).status(), "differ from key c on");
  ExpectViolation(CompareReplicas({other, all}).status(), "differ from key c on");
  other.rows.clear();
  ExpectViolation(CompareReplicas({all, all, other}).status(), "differ from key a on");
  other.more = true;
  ExpectViolation(CompareReplicas({all, other}).status(), "announces more");
}

TEST(Replicas, RowsDecode) {
  std::string bytes;
  AppendVarint(bytes, 1);
  AppendVarint(bytes, 2);
  bytes += "kvv";
  std::vector<std::pair<Key, std::string>> rows;
  EXPECT_TRUE(DecodeRows(bytes, rows));
  EXPECT_EQ(rows, (std::vector<std::pair<Key, std::string>>{{"k", "vv"}}));
  bytes.pop_back();
  EXPECT_FALSE(DecodeRows(bytes, rows));
}

}  // namespace
}  // namespace orrery::workloads
