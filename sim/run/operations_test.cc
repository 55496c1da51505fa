// Goal: sets of ordinals are read and written as they are meant, a plan leaves out what it says,
// and the draws of an operation depend on no other one. Method: tables of texts, a model, and plans
// by hand.
#include "sim/run/operations.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/fault/fault_plan.pb.h"

namespace orrery::sim {
namespace {

TEST(OrdinalSet, IsReadAndWritten) {
  for (const char* text : {"", "0", "0-17,23,40-41", "5,7,9-10", "18446744073709551615"}) {
    const absl::StatusOr<OrdinalSet> set = OrdinalSet::Parse(text);
    ASSERT_TRUE(set.ok()) << text << set.status();
    EXPECT_EQ(set->ToText(), text);
  }
}

TEST(OrdinalSet, WhatMakesNoSenseIsRefused) {
  for (const char* text : {"x", "1-", "-1", "1,", ",1", "3-2", "1,1", "5,3", "1-4,4", "1 ,2", "1;2",
                           "18446744073709551616"}) {
    EXPECT_FALSE(OrdinalSet::Parse(text).ok()) << text;
  }
}

TEST(OrdinalSet, HoldsWhatAnOrdinarySetHolds) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    std::set<uint64_t> model;
    OrdinalSet set;
    for (uint64_t ordinal = 0; ordinal < 60; ++ordinal) {
      if (!random.Chance({2, 3})) continue;
      model.insert(ordinal);
      set.Add(ordinal);
      set.Add(ordinal);  // No effect.
    }
    const absl::StatusOr<OrdinalSet> read = OrdinalSet::Parse(set.ToText());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->size(), model.size());
    EXPECT_EQ(read->List(), std::vector<uint64_t>(model.begin(), model.end()));
    for (uint64_t ordinal = 0; ordinal < 62; ++ordinal) {
      EXPECT_EQ(read->Contains(ordinal), model.contains(ordinal)) << ordinal;
    }
  }
}

FaultPlan PlanWith(const std::string& only) {
  FaultPlan plan;
  PlannedOperations* const entry = plan.add_operations();
  entry->set_workload("ledger");
  entry->set_client(1);
  entry->set_only(only);
  return plan;
}

TEST(Operations, OnlyWhatIsListedOfAListedClientBegins) {
  absl::StatusOr<Operations> operations = Operations::Of(PlanWith("1-2"), 7);
  ASSERT_TRUE(operations.ok()) << operations.status();
  EXPECT_TRUE(operations->narrowed());
  for (uint64_t ordinal = 0; ordinal < 4; ++ordinal) {
    EXPECT_EQ(operations->Begins("ledger", 1, ordinal), ordinal == 1 || ordinal == 2);
    EXPECT_TRUE(operations->Begins("ledger", 0, ordinal));
    EXPECT_TRUE(operations->Begins("ring", 1, ordinal));
  }
  EXPECT_EQ(operations->asked(),
            (std::map<std::string, uint64_t>{{"ledger/0", 4}, {"ledger/1", 4}, {"ring/1", 4}}));
}

TEST(Operations, AnEntryThatMakesNoSenseIsNamed) {
  const absl::Status text = Operations::Of(PlanWith("2-1"), 7).status();
  EXPECT_EQ(text.message(),
            "operations of ledger/1: \"2-1\" is no set of ordinals like \"0-17,23\", ascending and "
            "apart");
  FaultPlan twice = PlanWith("1");
  *twice.add_operations() = twice.operations(0);
  EXPECT_EQ(Operations::Of(twice, 7).status().message(), "operations of ledger/1 are listed twice");
}

TEST(Operations, AnOperationDrawsWhatItDrawsWhateverElseIsDone) {
  const Operations all(7);
  absl::StatusOr<Operations> some = Operations::Of(PlanWith("1"), 7);
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(all.RandomOf("ledger", 1, 3).Next(), some->RandomOf("ledger", 1, 3).Next());
  std::set<uint64_t> different = {Operations(8).RandomOf("ledger", 1, 3).Next()};
  for (const char* workload : {"ledger", "ring"}) {
    for (int client = 0; client < 3; ++client) {
      for (uint64_t ordinal = 0; ordinal < 10; ++ordinal) {
        different.insert(all.RandomOf(workload, client, ordinal).Next());
      }
    }
  }
  EXPECT_EQ(different.size(), 61u);
}

}  // namespace
}  // namespace orrery::sim
