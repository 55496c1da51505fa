// Goal: the checks over histories accept what is right and name what is not: ledger, register,
// list_append, versionstamps. Method: small histories by hand with one planted anomaly each, and
// random serial ones, shuffled legally (must pass) and with a stale read planted (must fail).
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "core/base/encoding.h"
#include "core/base/random.h"
#include "storage/log/atomic_operations.h"
#include "workloads/expect_violation.h"
#include "workloads/ledger_book.h"
#include "workloads/list_history.h"
#include "workloads/register_book.h"
#include "workloads/stamp_history.h"

namespace orrery::workloads {
namespace {

// ---- ledger

TEST(Ledger, WhatIsAcknowledgedMustBeRead) {
  LedgerBook book("l", 16);
  const size_t key = book.Open();
  const LedgerBook::Expectation before = book.BeginRead(key);
  const std::string one = book.BeginWrite(key);
  EXPECT_EQ(one.size(), 16u);
  book.Acknowledge(key, 100);
  EXPECT_TRUE(book.EndRead(before, 50, std::nullopt).ok()) << "it began before";
  EXPECT_TRUE(book.EndRead(book.BeginRead(key), 100, one).ok());
  ExpectViolation(book.EndRead(book.BeginRead(key), 100, std::nullopt), "read 0 after 1");
  ExpectEvidence(book.EndRead(book.BeginRead(key), 100, std::nullopt), 2,
                 "  [1] write 1 of l/00000000, committed at version 100\n        -> [2]  ack");
  ExpectViolation(book.EndRead(book.BeginRead(key), 99, one), "after a commit at 100");
  ExpectViolation(book.CheckReadVersion(book.BeginRead(key), 99), "after a commit at 100");
  EXPECT_TRUE(book.CheckReadVersion(book.BeginRead(key), 100).ok());
  ExpectViolation(book.EndRead(book.BeginRead(key), 100, "2:"), "only 1 were written");
  ExpectViolation(book.EndRead(book.BeginRead(key), 100, "x"), "nobody wrote");
}

TEST(Ledger, WhatWasReadMustBeReadAgain) {
  LedgerBook book("l", 1);
  const size_t key = book.Open();
  const std::string one = book.BeginWrite(key);
  EXPECT_TRUE(book.EndRead(book.BeginRead(key), 10, one).ok()) << "under way, seen";
  const absl::Status status = book.EndRead(book.BeginRead(key), 11, std::nullopt);
  ExpectViolation(status, "read 0 after 1");
  ExpectEvidence(status, 2, "read that gave 1 of ");
}

TEST(Ledger, EvidenceNamesTheOperations) {
  LedgerBook book("l", 1);
  const size_t key = book.Open();
  book.BeginWrite(key, {.client = 1, .ordinal = 5});
  book.Acknowledge(key, 100);
  book.BeginWrite(key, {.client = 1, .ordinal = 6});  // Under way: not what is missed.
  const auto expected = book.BeginRead(key, {.client = 2, .ordinal = 7});
  book.Acknowledge(key, 200);
  const absl::Status status = book.EndRead(expected, 300, std::nullopt);
  ExpectEvidence(status, 2, "committed at version 100  (l, client 1, operation 5)\n");
  ExpectEvidence(status, 2, "that gave 0  (l, client 2, operation 7)\n");
}

TEST(Ledger, AWriterSeesWhatItAcknowledgedAndNoMore) {
  LedgerBook book("l", 1);
  const size_t key = book.Open();
  const std::string one = book.BeginWrite(key);
  EXPECT_TRUE(book.EndRead(book.BeginOwnRead(key), 10, std::nullopt).ok());
  ExpectViolation(book.EndRead(book.BeginOwnRead(key), 10, one), "was not acknowledged");
}

TEST(Ledger, ARetiredWriteMayBeThereOrNot) {
  LedgerBook book("l", 1);
  const size_t key = book.Open();
  book.BeginWrite(key);
  book.Retire(key);
  EXPECT_FALSE(book.writable(key));
  EXPECT_TRUE(book.CheckAll({}).ok());
  EXPECT_TRUE(book.CheckAll({{book.KeyOf(key), "1:"}}).ok());
}

TEST(Ledger, TheLastLookFindsLossesAndStrangers) {
  LedgerBook book("l", 1);
  const size_t key = book.Open();
  const std::string one = book.BeginWrite(key);
  book.Acknowledge(key, 5);
  ExpectViolation(book.CheckAll({}), "read 0 after 1");
  ExpectViolation(book.CheckAll({{book.KeyOf(key), one}, {"l/stranger", "1:"}}), "2 rows");
  EXPECT_TRUE(book.CheckAll({{book.KeyOf(key), one}}).ok());
}

// ---- register

GenerationRegister::ReadAnswer Register(uint64_t read, uint64_t write, std::string value) {
  return {.ready = true,
          .read_generation = {read, 0},
          .write_generation = {write, 0},
          .value = std::move(value)};
}

TEST(Register, NothingToldIsTakenBack) {
  RegisterBook book(2);
  const RegisterBook::Told nothing = book.ToldBy(0);
  EXPECT_TRUE(book.Answer(0, nothing, Register(5, 4, "x"), {.client = 0, .ordinal = 1}).ok());
  EXPECT_EQ(book.highest(), (RegisterGeneration{5, 0}));
  EXPECT_TRUE(book.Answer(0, book.ToldBy(0), Register(5, 4, "x")).ok());
  EXPECT_TRUE(book.Answer(0, nothing, Register(3, 3, "w")).ok()) << "it was asked before";
  EXPECT_TRUE(book.Answer(1, book.ToldBy(1), Register(1, 0, "")).ok()) << "it is another one";
  const absl::Status promise = book.Answer(0, book.ToldBy(0), Register(4, 4, "x"));
  ExpectViolation(promise, "coordinator 1 answered read generation 4/0 after it had told read");
  ExpectEvidence(promise, 2, "ended before it began");
  ExpectViolation(book.Answer(0, book.ToldBy(0), Register(6, 3, "w")), "write generation 3/0");
}

TEST(Register, WhatTookBackAndWhatItTookBackAreShown) {
  RegisterBook book(1);
  const RegisterBook::Told nothing = book.ToldBy(0);
  EXPECT_TRUE(book.Answer(0, nothing, Register(5, 4, "x"), {.client = 0, .ordinal = 1}).ok());
  EXPECT_TRUE(book.Answer(0, nothing, Register(3, 3, "w"), {.client = 0, .ordinal = 2}).ok());
  EXPECT_TRUE(book.Answer(0, nothing, Register(5, 4, "x"), {.client = 0, .ordinal = 3}).ok());
  const absl::Status status =
      book.Answer(0, book.ToldBy(0), Register(4, 4, "x"), {.client = 1, .ordinal = 4});
  const std::optional<sim::Evidence> evidence = sim::EvidenceOf(status);
  ASSERT_TRUE(evidence.has_value());
  ASSERT_EQ(evidence->nodes.size(), 2u);
  EXPECT_EQ(evidence->nodes[0].ordinal, 1) << "it was the first to be told";
  EXPECT_EQ(evidence->nodes[1].ordinal, 4);
}

TEST(Register, AMajorityKeepsIts) {
  RegisterBook book(3);
  EXPECT_TRUE(book.Answer(1, book.ToldBy(1), {}).ok());
  EXPECT_TRUE(book.Answer(1, book.ToldBy(1), {}).ok()) << "it is the same one";
  const absl::Status status = book.Answer(2, book.ToldBy(2), {});
  ExpectViolation(status, "2 of 3 coordinators have lost their registers");
  const std::optional<sim::Evidence> evidence = sim::EvidenceOf(status);
  ASSERT_TRUE(evidence.has_value());
  EXPECT_EQ(evidence->nodes.size(), 2u);
}

TEST(Register, WhatIsLostStaysLost) {
  RegisterBook book(3);
  const RegisterBook::Told before = book.ToldBy(0);
  EXPECT_TRUE(book.Answer(0, before, {}).ok());
  EXPECT_TRUE(book.Answer(0, before, Register(1, 0, "")).ok()) << "it was asked before";
  EXPECT_TRUE(book.Answer(0, book.ToldBy(0), {}).ok());
  ExpectViolation(book.Answer(0, book.ToldBy(0), Register(2, 0, "")),
                  "that it has one after it had told that it has no register");
}

TEST(Register, AGenerationWritesOneValue) {
  RegisterBook book(2);
  EXPECT_TRUE(book.Answer(0, book.ToldBy(0), Register(2, 2, "x")).ok());
  EXPECT_TRUE(book.Answer(1, book.ToldBy(1), Register(2, 2, "x")).ok());
  ExpectViolation(book.Answer(1, book.ToldBy(1), Register(2, 2, "y")), "wrote two values");
}

// ---- list_append

class Lists : public testing::Test {
 protected:
  // A committed transaction that begins and ends after all before.
  size_t Add(std::vector<ListOperation> operations, ListOutcome outcome = ListOutcome::kCommitted) {
    const uint64_t begin = ++moments_;
    return Add(begin, ++moments_, std::move(operations), outcome);
  }
  size_t Add(uint64_t begin, uint64_t end, std::vector<ListOperation> operations,
             ListOutcome outcome = ListOutcome::kCommitted) {
    moments_ = std::max(moments_, end);
    history_.transactions.push_back({.by = {.client = 0},
                                     .begin = begin,
                                     .end = end,
                                     .outcome = outcome,
                                     .operations = std::move(operations)});
    return history_.transactions.size() - 1;
  }
  static ListOperation Append(ListId list, uint64_t element) {
    return {.kind = ListOperation::kAppend, .list = list, .element = element, .elements = {}};
  }
  static ListOperation Read(ListId list, ListElements elements) {
    return {
        .kind = ListOperation::kRead, .list = list, .element = 0, .elements = std::move(elements)};
  }
  absl::Status Check() { return CheckListHistory(history_); }

  ListHistory history_;
  uint64_t moments_ = 100;
};

TEST_F(Lists, ASerialHistoryIsAccepted) {
  Add({Append(1, 1), Read(2, {})});
  Add({Read(1, {1}), Append(1, 2), Read(1, {1, 2}), Append(2, 3)});
  Add({Read(1, {1, 2}), Read(2, {3})});
  history_.last = {{1, {1, 2}}, {2, {3}}};
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(Lists, WriteSkewIsACircle) {
  // Side by side: each reads what the other appends to, and sees nothing of it.
  Add(1, 10, {Read(1, {}), Append(2, 1)});
  Add(2, 11, {Read(2, {}), Append(1, 2)});
  history_.last = {{1, {2}}, {2, {1}}};
  ExpectViolation(Check(), "not strictly serialisable");
  ExpectViolation(Check(), "rw on list 1, 2");
  ExpectViolation(Check(), "rw on list 2, 1");
  ExpectEvidence(Check(), 2, "  [1] T0: read list 1, empty, append 1 to list 2\n");
  ExpectEvidence(Check(), 2,
                 "  [2] T1: read list 2, empty, append 2 to list 1\n        -> [1]  rw on");
}

TEST_F(Lists, AStaleReadIsACircleByRealTime) {
  Add({Append(1, 1)});
  Add({Read(1, {})});  // After the append had been acknowledged.
  history_.last = {{1, {1}}};
  ExpectViolation(Check(), "rt, acknowledged before the other began");
  // The same side by side is in order.
  history_.transactions[1].begin = 1;
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(Lists, LongForkIsACircle) {
  Add(1, 50, {Append(1, 1)});
  Add(2, 51, {Append(2, 2)});
  Add(3, 52, {Read(1, {1}), Read(2, {})});
  Add(4, 53, {Read(1, {}), Read(2, {2})});
  history_.last = {{1, {1}}, {2, {2}}};
  ExpectViolation(Check(), "wr on list");
  ExpectEvidence(Check(), 4, "read list 1 up to 1, read list 2, empty\n");
}

TEST_F(Lists, AppendsInTwoOrdersAreACircle) {
  Add(1, 50, {Append(1, 1), Append(2, 2)});
  Add(2, 51, {Append(1, 3), Append(2, 4)});
  history_.last = {{1, {1, 3}}, {2, {4, 2}}};
  ExpectViolation(Check(), "ww on list");
}

TEST_F(Lists, LostDoubledAbortedAndForeignAppendsAreFound) {
  Add({Append(1, 1)});
  Add({Append(1, 2)}, ListOutcome::kFailed);
  Add({Append(1, 3)}, ListOutcome::kUnknown);
  history_.last = {{1, {1}}};
  EXPECT_TRUE(Check().ok()) << Check();
  history_.last = {{1, {1, 3}}};
  EXPECT_TRUE(Check().ok()) << Check();
  history_.last = {};
  ExpectViolation(Check(), "element 1 of transaction 0 of client 0 is not in list 1");
  history_.last = {{1, {1, 1}}};
  ExpectViolation(Check(), "appended twice");
  history_.last = {{1, {1, 2}}};
  ExpectViolation(Check(), "which had failed");
  history_.last = {{1, {1, 9}}};
  ExpectViolation(Check(), "nobody appended 9");
}

TEST_F(Lists, HalfATransactionIsFound) {
  Add({Append(1, 1), Append(2, 2)}, ListOutcome::kUnknown);
  history_.last = {{1, {1}}};
  ExpectViolation(Check(), "others of the same transaction are there");
  history_.last = {{1, {1}}, {2, {2}}};
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(Lists, ReadsThatNobodyCanHaveAreFound) {
  Add({Append(1, 1), Append(1, 2)});
  Add({Append(1, 3)});
  history_.last = {{1, {1, 2, 3}}};
  const size_t reader = Add({Read(1, {1, 2, 3})});
  EXPECT_TRUE(Check().ok()) << Check();
  history_.transactions[reader].operations = {Read(1, {1, 3})};
  ExpectViolation(Check(), "no beginning");
  history_.transactions[reader].begin = 1;
  history_.transactions[reader].operations = {Read(1, {1})};
  ExpectViolation(Check(), "in the middle of the appends");
  history_.transactions[reader].operations = {Append(1, 4), Read(1, {1, 2, 3})};
  history_.last = {{1, {1, 2, 3, 4}}};
  ExpectViolation(Check(), "does not end with its own");
  history_.transactions[reader].operations = {};
  history_.last = {{1, {1, 3, 2}}};
  ExpectViolation(Check(), "side by side");
}

TEST_F(Lists, FailedReadsOfWhatFailedAreFound) {
  Add({Append(1, 1)}, ListOutcome::kFailed);
  Add({Read(1, {1})}, ListOutcome::kFailed);
  ExpectViolation(Check(), "no beginning");
}

// Serial histories whose transactions overlap in time as they may; then one read made stale.
TEST_F(Lists, RandomHistories) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    history_ = {};
    std::map<ListId, ListElements> state;
    uint64_t elements = 0;
    for (uint64_t i = 0; i < 200; ++i) {
      std::vector<ListOperation> operations;
      for (uint64_t n = random.Between(1, 4); n > 0; --n) {
        const ListId list = random.Below(5);
        if (random.Chance(OneIn(2))) {
          state[list].push_back(++elements);
          operations.push_back(Append(list, elements));
        } else {
          operations.push_back(Read(list, state[list]));
        }
      }
      // It takes effect at 1000 * i.
      Add(1000 * (i + 10) - random.Below(5000) / 2 * 2,
          1000 * (i + 10) + 1 + 2 * random.Below(2500), std::move(operations));
      // Moments are unique: those of beginnings even, of ends odd, and each with its own rest.
      history_.transactions.back().begin = history_.transactions.back().begin * 1000 + i;
      history_.transactions.back().end = history_.transactions.back().end * 1000 + i;
    }
    history_.last = state;
    ASSERT_TRUE(Check().ok()) << seed << Check();
    // A read after everything that sees one list without its last element.
    const ListId list = std::max_element(state.begin(), state.end(), [](auto& a, auto& b) {
                          return a.second.size() < b.second.size();
                        })->first;
    ListElements stale = state[list];
    stale.pop_back();
    Add(uint64_t{1} << 40, (uint64_t{1} << 40) + 1, {Read(list, stale)});
    EXPECT_EQ(CodeOf(Check()), ErrorCode::check_failed) << seed;
  }
}

TEST_F(Lists, ElementsDecode) {
  ListElements elements;
  EXPECT_TRUE(DecodeElements(EncodeElements({1, UINT64_MAX}), elements));
  EXPECT_EQ(elements, (ListElements{1, UINT64_MAX}));
  EXPECT_FALSE(DecodeElements("1234567", elements));
}

// ---- versionstamps

class Stamps : public testing::Test {
 protected:
  size_t Add(uint64_t begin, uint64_t end, Version version, uint16_t order,
             bool acknowledged = true) {
    const std::string stamp = MakeVersionstamp(version, order);
    history_.commits.push_back({.begin = begin,
                                .end = end,
                                .acknowledged = acknowledged,
                                .version = version,
                                .stamp = stamp});
    const size_t index = history_.commits.size() - 1;
    history_.operation_of_stamp.emplace_back(stamp, index);
    history_.stamp_of_operation[index] = stamp;
    std::sort(history_.operation_of_stamp.begin(), history_.operation_of_stamp.end());
    return index;
  }
  absl::Status Check() { return CheckStampHistory(history_); }
  StampHistory history_;
};

TEST_F(Stamps, InOrderIsAccepted) {
  Add(1, 5, 100, 0);
  Add(2, 6, 100, 1);
  Add(7, 8, 200, 0);
  Add(9, 0, 300, 0, false);
  history_.commits.push_back({.begin = 10});  // Unknown, and not there.
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(Stamps, AgainstRealTime) {
  Add(1, 2, 200, 0);
  Add(3, 4, 100, 0);
  ExpectViolation(Check(), "it began after commit 0");
}

TEST_F(Stamps, PlantedAnswersAndRows) {
  const size_t index = Add(1, 2, 100, 0);
  const StampHistory right = history_;
  history_.commits[index].stamp = MakeVersionstamp(100, 1);
  ExpectViolation(Check(), "was answered with stamp");
  history_ = right;
  history_.commits[index].version = 101;
  ExpectViolation(Check(), "not of this version");
  history_ = right;
  history_.stamp_of_operation.clear();
  ExpectViolation(Check(), "its row is not there");
  history_ = right;
  history_.operation_of_stamp.clear();
  ExpectViolation(Check(), "0 stamps have a commit");
  history_ = right;
  history_.operation_of_stamp.emplace_back(MakeVersionstamp(101, 0), index);
  ExpectViolation(Check(), "whose own row has");
  history_ = right;
  history_.operation_of_stamp.push_back(history_.operation_of_stamp[0]);
  ExpectViolation(Check(), "follows");
}

}  // namespace
}  // namespace orrery::workloads
