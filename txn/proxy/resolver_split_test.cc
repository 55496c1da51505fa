// Goal: a batch judged in parts by several resolvers gets the verdicts that one would give, up to
// what several cannot know; and answers that do not fit are refused. Method: seeded random batches,
// resolved by real conflict sets, one for all keys and one for each part.
#include "txn/proxy/resolver_split.h"

#include <algorithm>
#include <tuple>

#include "core/base/error_codes.h"
#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

struct Transaction {
  Version read_version;
  std::vector<KeyRange> reads;
  std::vector<KeyRange> writes;
};

std::vector<KeyRange> RandomRanges(Random& random) {
  std::vector<KeyRange> ranges(random.Below(4));
  for (KeyRange& range : ranges) {
    range.begin = std::string(1, static_cast<char>('a' + random.Below(10)));
    range.end = random.Chance(OneIn(2)) ? KeyAfter(range.begin)
                                        : std::string(1, static_cast<char>('a' + random.Below(10)));
    if (range.end < range.begin) std::swap(range.begin, range.end);
  }
  return ranges;
}

// What a resolver with this memory answers.
ResolveReply Answer(ConflictSet& set, Version version, std::string_view bytes, uint32_t count) {
  const auto parsed = ParseResolveTransactions(bytes, count);
  EXPECT_TRUE(parsed.ok());
  std::vector<ConflictTransaction> batch;
  for (const ResolveTransactionRef& each : *parsed) {
    batch.push_back({each.read_version, each.reads, each.writes, each.report_reads});
  }
  const BatchVerdicts& verdicts = set.Resolve(version, batch);
  ResolveReply reply;
  for (const Verdict each : verdicts.verdicts) {
    reply.mutable_verdicts()->push_back(static_cast<char>(each));
  }
  for (const ConflictingRead& each : verdicts.conflicting_reads) {
    reply.add_conflicting_reads(each.transaction);
    reply.add_conflicting_reads(each.read);
  }
  return reply;
}

ResolverSplit SplitOf(const std::vector<Key>& begins, const std::vector<Transaction>& batch) {
  ResolverSplit split(begins);
  for (const Transaction& each : batch) {
    ResolveTransactionRef transaction;
    transaction.read_version = each.read_version;
    transaction.report_reads = true;
    transaction.reads.assign(each.reads.begin(), each.reads.end());
    transaction.writes.assign(each.writes.begin(), each.writes.end());
    split.Add(transaction);
  }
  return split;
}

TEST(ResolverSplit, PartsGiveTheVerdictOfTheWhole) {
  uint64_t same = 0;
  uint64_t stricter = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const std::vector<Key> whole = {""};
    std::vector<Key> begins = {"", "c"};
    if (random.Chance(OneIn(2))) begins.push_back("f\x01");
    ConflictSet all(100);
    std::vector<ConflictSet> parts;
    for (size_t i = 0; i < begins.size(); ++i) parts.emplace_back(100);
    for (Version version = 110; version < 200; version += 10) {
      std::vector<Transaction> batch(random.Below(6));
      for (Transaction& each : batch) {
        each = {Version{95} + static_cast<Version>(random.Below(version - 95)),
                RandomRanges(random), RandomRanges(random)};
      }
      const auto count = static_cast<uint32_t>(batch.size());
      ResolverSplit one = SplitOf(whole, batch);
      const auto expected = one.Combine({Answer(all, version, one.TakePart(0), count)});
      ASSERT_TRUE(expected.ok());
      ResolverSplit many = SplitOf(begins, batch);
      std::vector<ResolveReply> replies;
      for (size_t i = 0; i < begins.size(); ++i) {
        replies.push_back(Answer(parts[i], version, many.TakePart(i), count));
      }
      const auto got = many.Combine(replies);
      ASSERT_TRUE(got.ok());
      if (got->verdicts == expected->verdicts) {
        EXPECT_TRUE(std::ranges::includes(got->conflicting_reads, expected->conflicting_reads));
        ++same;
        continue;
      }
      // A part remembers the writes of what another part refused: the first to differ is refused
      // by the parts alone. From then on they remember differently.
      const auto [first, other] = std::ranges::mismatch(expected->verdicts, got->verdicts);
      ASSERT_EQ(*first, Verdict::committed) << seed;
      ASSERT_EQ(*other, Verdict::conflict) << seed;
      ++stricter;
      break;
    }
  }
  EXPECT_GT(same, 1000u);
  EXPECT_GT(stricter, 10u);
}

TEST(ResolverSplit, AnswersThatDoNotFitAreRefused) {
  const std::vector<Key> begins = {"", "m"};
  ResolverSplit split = SplitOf(begins, {{1, {{"a", "b"}}, {}}, {1, {{"x", "y"}}, {}}});
  const auto code = [&split](std::vector<std::string> verdicts, std::vector<uint32_t> reads) {
    std::vector<ResolveReply> replies;
    for (const std::string& each : verdicts) {
      replies.emplace_back();
      replies.back().set_verdicts(each);
    }
    for (const uint32_t each : reads) replies[0].add_conflicting_reads(each);
    return CodeOf(split.Combine(replies).status());
  };
  const std::string both(2, '\0');
  EXPECT_EQ(code({both, both}, {}), ErrorCode::ok);
  EXPECT_EQ(code({both, both}, {0, 0}), ErrorCode::ok);
  EXPECT_EQ(code({both}, {}), ErrorCode::corrupt_frame);
  EXPECT_EQ(code({both, ""}, {}), ErrorCode::corrupt_frame);
  EXPECT_EQ(code({both, "\x03\x03"}, {}), ErrorCode::corrupt_frame);
  EXPECT_EQ(code({both, "\xff\xff"}, {}), ErrorCode::corrupt_frame);
  EXPECT_EQ(code({both, both}, {0}), ErrorCode::corrupt_frame);
  EXPECT_EQ(code({both, both}, {1, 0}), ErrorCode::corrupt_frame);  // Read by the other resolver.
  EXPECT_EQ(code({both, both}, {2, 0}), ErrorCode::corrupt_frame);
}

TEST(ResolverSplit, StateCountsIfAllAgree) {
  const auto reply = [](std::vector<std::tuple<Version, uint32_t, bool>> state) {
    ResolveReply reply;
    for (const auto& [version, order, committed] : state) {
      StateTransaction& each = *reply.add_state();
      each.set_version(version);
      each.set_order(order);
      each.set_committed(committed);
      each.set_mutations(std::to_string(version));
    }
    return reply;
  };
  const auto versions = [](const std::vector<ResolveReply>& replies, Version after) {
    std::vector<Version> all;
    const auto agreed = AgreeOnState(replies, after);
    if (!agreed.ok()) return std::vector<Version>{-1};
    for (const AgreedStateTransaction& each : *agreed) {
      EXPECT_EQ(each.mutations, std::to_string(each.version));
      all.push_back(each.version);
    }
    return all;
  };
  using All = std::vector<Version>;
  const ResolveReply a = reply({{5, 0, true}, {6, 0, true}, {7, 1, true}});
  EXPECT_EQ(versions({a}, 5), (All{6, 7}));
  // One had forgotten what this proxy knows already.
  EXPECT_EQ(versions({a, reply({{6, 0, false}, {7, 1, true}})}, 5), (All{7}));
  EXPECT_EQ(versions({a, reply({{6, 0, true}})}, 5), (All{-1}));
  EXPECT_EQ(versions({a, reply({{6, 0, true}, {7, 2, true}})}, 5), (All{-1}));
  EXPECT_EQ(versions({a, reply({{6, 0, true}, {7, 1, true}, {8, 0, true}})}, 5), (All{-1}));
}

}  // namespace
}  // namespace orrery
