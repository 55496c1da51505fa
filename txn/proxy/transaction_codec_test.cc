// Goal: a transaction reads back as it was sent; what is cut, too long or garbage is refused; every
// limit is exact to the byte; and an attempt is found in the rows of its batch. Method: seeded
// random transactions with every truncation and changes of bytes, and tables of what lies at and
// just beyond each limit.
#include "txn/proxy/transaction_codec.h"

#include "core/base/encoding.h"
#include "core/base/random.h"
#include "gtest/gtest.h"
#include "txn/proxy/commit_ids.h"

namespace orrery {
namespace {

using enum MutationType;

struct Owned {
  Version read_version = kInvalidVersion;
  std::vector<KeyRange> reads;
  std::vector<KeyRange> writes;
  std::vector<Mutation> mutations;

  CommitTransactionRef ref() const {
    CommitTransactionRef transaction;
    transaction.read_version = read_version;
    transaction.reads.assign(reads.begin(), reads.end());
    transaction.writes.assign(writes.begin(), writes.end());
    transaction.mutations.assign(mutations.begin(), mutations.end());
    return transaction;
  }
};

std::string RandomBytes(Random& random, size_t size_max) {
  std::string bytes(random.Below(size_max + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

Owned RandomTransaction(Random& random) {
  Owned transaction;
  transaction.reads.resize(random.Below(3));
  transaction.writes.resize(random.Below(3));
  transaction.mutations.resize(random.Below(3));
  if (!transaction.reads.empty()) transaction.read_version = random.Between(0, 1'000'000);
  for (auto* ranges : {&transaction.reads, &transaction.writes}) {
    for (KeyRange& range : *ranges) range = {RandomBytes(random, 20), RandomBytes(random, 200)};
  }
  for (Mutation& each : transaction.mutations) {
    each = {random.Chance(OneIn(2)) ? kSet : kAdd, RandomBytes(random, 20),
            RandomBytes(random, 200)};
  }
  return transaction;
}

void ExpectSame(const CommitTransactionRef& a, const CommitTransactionRef& b) {
  ASSERT_EQ(a.read_version, b.read_version);
  ASSERT_EQ(a.reads, b.reads);
  ASSERT_EQ(a.writes, b.writes);
  ASSERT_EQ(a.mutations, b.mutations);
}

TEST(TransactionCodec, ReadsBackAndRefusesTheRest) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    const Owned transaction = RandomTransaction(random);
    const std::string bytes = EncodeTransaction(transaction.ref());
    const auto back = DecodeTransaction(bytes);
    ASSERT_TRUE(back.ok());
    ExpectSame(*back, transaction.ref());
    for (size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_FALSE(DecodeTransaction(std::string_view(bytes).substr(0, size)).ok()) << size;
    }
    ASSERT_FALSE(DecodeTransaction(bytes + '\0').ok());
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1 + random.Below(255)));
      const auto read = DecodeTransaction(changed);
      if (!read.ok()) continue;
      std::string again = EncodeTransaction(*read);
      again[2] = changed[2];  // A newer writer whose transactions can still be read.
      ASSERT_TRUE(again == changed) << round << " " << i;
    }
  }
  for (int round = 0; round < 20'000; ++round) {
    const std::string header("TX\x01\x01", 4);
    (void)DecodeTransaction(header + RandomBytes(random, 60)).ok();  // Refused or read: no crash.
  }
  std::string newer = EncodeTransaction({});
  newer[2] = newer[3] = 9;
  EXPECT_EQ(CodeOf(DecodeTransaction(newer).status()), ErrorCode::protocol_mismatch);
}

ErrorCode Check(Mutation mutation, bool system = false) {
  const Owned transaction{.mutations = {std::move(mutation)}};
  return CodeOf(CheckTransaction(transaction.ref(), system));
}

TEST(TransactionCodec, LimitsAreExact) {
  const auto key = [](size_t size, char first = 'k') { return std::string(size, first); };
  EXPECT_EQ(Check({kSet, key(kKeyBytesMax), "v"}), ErrorCode::ok);
  EXPECT_EQ(Check({kSet, key(kKeyBytesMax + 1), "v"}), ErrorCode::key_too_large);
  const std::string system = "\xff/" + key(kSystemKeyBytesMax - 2);
  EXPECT_EQ(Check({kSet, system, "v"}, true), ErrorCode::ok);
  EXPECT_EQ(Check({kSet, system + "k", "v"}, true), ErrorCode::key_too_large);
  EXPECT_EQ(Check({kSet, system, "v"}), ErrorCode::key_outside_legal_range);
  EXPECT_EQ(Check({kSet, "\xff\xff", "v"}, true), ErrorCode::key_outside_legal_range);
  EXPECT_EQ(Check({kSet, "k", key(kValueBytesMax)}), ErrorCode::ok);
  EXPECT_EQ(Check({kSet, "k", key(kValueBytesMax + 1)}), ErrorCode::value_too_large);
  EXPECT_EQ(Check({kClearRange, "a", "\xff"}), ErrorCode::ok);
  EXPECT_EQ(Check({kClearRange, "a", std::string("\xff\0", 2)}),
            ErrorCode::key_outside_legal_range);
  EXPECT_EQ(Check({kClearRange, "a", key(kKeyBytesMax + 1)}), ErrorCode::ok);
  EXPECT_EQ(Check({kClearRange, "a", key(kKeyBytesMax + 2)}), ErrorCode::key_too_large);
  EXPECT_EQ(Check({kClearRange, "b", "a"}), ErrorCode::inverted_range);
  EXPECT_EQ(Check({kClearRange, "a", "a"}), ErrorCode::ok);
  const std::string position(4, '\0');
  EXPECT_EQ(Check({kSetVersionstampedKey, key(kKeyBytesMax) + position, "v"}), ErrorCode::ok);
  EXPECT_EQ(Check({kSetVersionstampedKey, key(kKeyBytesMax + 1) + position, "v"}),
            ErrorCode::key_too_large);
  EXPECT_EQ(Check({kSetVersionstampedValue, "k", key(kValueBytesMax) + position}), ErrorCode::ok);
  EXPECT_EQ(Check({kSetVersionstampedValue, "k", key(kValueBytesMax + 1) + position}),
            ErrorCode::value_too_large);
  EXPECT_EQ(Check({kSetVersionstampedKey, "short", "v"}), ErrorCode::client_invalid_operation);
}

TEST(TransactionCodec, SizeIsExactAndTheIdIsFree) {
  Owned transaction;
  for (int i = 0; i < 100; ++i) transaction.mutations.push_back({kSet, "k", ""});
  for (Mutation& each : transaction.mutations) each.value.assign(99'997, 'v');
  transaction.writes.push_back({"a", "b"});
  const std::string id(kAttemptIdBytes, 'i');
  for (auto* ranges : {&transaction.reads, &transaction.writes}) {
    ranges->push_back(AttemptRange(id));
  }
  const size_t bytes = TransactionBytes(transaction.ref());
  ASSERT_EQ(bytes, 100u * 99'998 + 2);
  ASSERT_LT(bytes, kTransactionBytesMax);
  transaction.mutations.push_back({kSet, "k", std::string(kTransactionBytesMax - bytes - 1, 'v')});
  EXPECT_EQ(CodeOf(CheckTransaction(transaction.ref(), false)), ErrorCode::ok);
  transaction.mutations.back().value.push_back('v');
  EXPECT_EQ(CodeOf(CheckTransaction(transaction.ref(), false)), ErrorCode::transaction_too_large);
}

TEST(CommitIds, AnAttemptIsFoundInTheRowsOfItsBatch) {
  std::vector<std::pair<std::string, uint16_t>> ids;
  for (uint32_t i = 0; i < 12'000; ++i) {
    std::string id(8, 'i');
    AppendFixed<uint64_t>(id, i);
    ids.emplace_back(id, static_cast<uint16_t>(2 * i));
  }
  const Version version = 123'456'789;
  const std::vector<Mutation> rows = CommittedRows(version, ids);
  ASSERT_GT(rows.size(), 1u);
  const KeyRange here = CommittedRange(version - 1, version);
  const KeyRange later = CommittedRange(version, version + 1);
  for (const Mutation& row : rows) {
    EXPECT_LE(row.value.size(), kValueBytesMax);
    EXPECT_TRUE(KeyRangeRef(here).Contains(row.key));
    EXPECT_FALSE(KeyRangeRef(later).Contains(row.key));
  }
  for (size_t i = 0; i < ids.size(); i += 997) {
    int found = 0;
    for (const Mutation& row : rows) {
      const auto at = FindInCommittedRow(row.key, row.value, ids[i].first);
      if (!at.has_value()) continue;
      ++found;
      EXPECT_EQ(*at, std::pair(version, ids[i].second));
    }
    EXPECT_EQ(found, 1);
  }
  const std::string stranger(kAttemptIdBytes, 'x');
  EXPECT_FALSE(FindInCommittedRow(rows[0].key, rows[0].value, stranger).has_value());
  EXPECT_FALSE(FindInCommittedRow("other", rows[0].value, ids[0].first).has_value());
  EXPECT_TRUE(CommittedRows(version, {}).empty());
}

}  // namespace
}  // namespace orrery
