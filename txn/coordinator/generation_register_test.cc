// Goal: one register obeys its rules, its image survives and refuses damage, and a database is
// created once. Method: direct cases; every truncation and changed byte of an image; every
// combination of answers for the steps of creation, and all crash points of a creation.
#include "txn/coordinator/generation_register.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error_codes.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

constexpr RegisterId kId = {1, 2};
constexpr RegisterId kOther = {1, 3};

GenerationRegister Ready() {
  GenerationRegister result;
  EXPECT_TRUE(result.Form(kId).ok());
  EXPECT_TRUE(result.Seal(kId).ok());
  return result;
}

TEST(GenerationRegister, ReadThenWrite) {
  GenerationRegister r = Ready();
  GenerationRegister::ReadAnswer read = r.Read(kId, {0, 0});
  EXPECT_TRUE(read.ready);
  EXPECT_FALSE(read.changed);
  read = r.Read(kId, {5, 1});
  EXPECT_TRUE(read.ready && read.changed);
  EXPECT_EQ(read.read_generation, (RegisterGeneration{5, 1}));
  EXPECT_EQ(read.write_generation, RegisterGeneration{});
  EXPECT_FALSE(r.Read(kId, {5, 1}).changed);
  EXPECT_EQ(r.Read(kId, {4, 9}).read_generation, (RegisterGeneration{5, 1}));

  EXPECT_FALSE(r.Write(kId, {5, 0}, "low").accepted);
  EXPECT_EQ(r.Write(kId, {5, 0}, "low").read_generation, (RegisterGeneration{5, 1}));
  GenerationRegister::WriteAnswer write = r.Write(kId, {5, 1}, "v");
  EXPECT_TRUE(write.accepted && write.changed);
  write = r.Write(kId, {5, 1}, "v");  // Sent twice.
  EXPECT_TRUE(write.accepted);
  EXPECT_FALSE(write.changed);
  EXPECT_TRUE(r.Write(kId, {6, 0}, "w").accepted);  // Nobody read higher.
  EXPECT_FALSE(r.Write(kId, {5, 1}, "v").accepted);
  read = r.Read(kId, {7, 0});
  EXPECT_EQ(read.write_generation, (RegisterGeneration{6, 0}));
  EXPECT_EQ(read.value, "w");
}

TEST(GenerationRegister, OnlyAReadyOneOfTheSameIdAnswers) {
  GenerationRegister absent;
  EXPECT_FALSE(absent.Read(kId, {1, 1}).ready);
  EXPECT_FALSE(absent.Write(kId, {1, 1}, "v").ready);
  EXPECT_EQ(absent.state(), RegisterState::kAbsent);
  GenerationRegister forming;
  ASSERT_TRUE(forming.Form(kId).ok());
  EXPECT_FALSE(forming.Read(kId, {1, 1}).ready);
  EXPECT_FALSE(forming.Write(kId, {1, 1}, "v").ready);
  GenerationRegister ready = Ready();
  EXPECT_FALSE(ready.Read(kOther, {9, 9}).ready);
  EXPECT_FALSE(ready.Write(kOther, {9, 9}, "v").ready);
  EXPECT_EQ(ready.Read(kId, {0, 0}).read_generation, RegisterGeneration{});
}

TEST(GenerationRegister, FormAndSeal) {
  GenerationRegister r;
  EXPECT_EQ(CodeOf(r.Seal(kId)), ErrorCode::file_not_found);
  EXPECT_TRUE(r.Form(kId).ok());
  EXPECT_TRUE(r.Form(kId).ok());
  EXPECT_EQ(CodeOf(r.Form(kOther)), ErrorCode::file_exists);
  EXPECT_EQ(CodeOf(r.Seal(kOther)), ErrorCode::file_exists);
  EXPECT_EQ(r.state(), RegisterState::kForming);
  EXPECT_TRUE(r.Seal(kId).ok());
  EXPECT_TRUE(r.Write(kId, {1, 1}, "v").accepted);
  EXPECT_TRUE(r.Form(kId).ok());  // A late message takes nothing back.
  EXPECT_TRUE(r.Seal(kId).ok());
  EXPECT_EQ(r.Read(kId, {0, 0}).value, "v");
}

TEST(GenerationRegister, ImageReadsBackAndRefusesDamage) {
  GenerationRegister r = Ready();
  ASSERT_TRUE(r.Write(kId, {3, 4}, "value").accepted);
  ASSERT_TRUE(r.Read(kId, {5, 6}).changed);
  const std::string image = r.Image();
  absl::StatusOr<GenerationRegister> again = GenerationRegister::FromImage(image);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->Image(), image);
  EXPECT_EQ(again->Read(kId, {0, 0}).read_generation, (RegisterGeneration{5, 6}));
  EXPECT_EQ(again->Read(kId, {0, 0}).write_generation, (RegisterGeneration{3, 4}));
  EXPECT_EQ(again->Read(kId, {0, 0}).value, "value");
  for (size_t size = 0; size < image.size(); ++size) {
    EXPECT_FALSE(GenerationRegister::FromImage(std::string_view(image).substr(0, size)).ok());
  }
  EXPECT_FALSE(GenerationRegister::FromImage(image + '\0').ok());
  for (size_t i = 0; i < image.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = image;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_FALSE(GenerationRegister::FromImage(damaged).ok()) << i;
    }
  }
  std::string newer = image;
  newer[9] = 2;
  EXPECT_EQ(CodeOf(GenerationRegister::FromImage(newer).status()), ErrorCode::protocol_mismatch);
}

TEST(Forming, EveryCombinationOfAnswers) {
  std::vector<FormingAnswer> kinds = {{false, {}, {}}, {true, RegisterState::kAbsent, {}}};
  for (const RegisterState state : {RegisterState::kForming, RegisterState::kReady}) {
    for (const RegisterId id : {kId, kOther}) kinds.push_back({true, state, id});
  }
  const RegisterId fresh = {8, 8};
  for (const FormingAnswer& a : kinds) {
    for (const FormingAnswer& b : kinds) {
      for (const FormingAnswer& c : kinds) {
        const std::vector<FormingAnswer> all = {a, b, c};
        const FormingDecision decision = NextFormingStep(all, fresh);
        bool ready = false;
        bool everyone = true;
        bool absent = false;
        for (const FormingAnswer& one : all) {
          ready |= one.answered && one.state == RegisterState::kReady;
          everyone &= one.answered;
          absent |= one.answered && one.state == RegisterState::kAbsent;
          const bool has_id = one.answered && one.state != RegisterState::kAbsent;
          if (has_id && decision.step != FormingStep::kRefuse) EXPECT_EQ(one.id, decision.id);
        }
        if (decision.step == FormingStep::kForm) EXPECT_TRUE(!ready && everyone && absent);
        if (decision.step == FormingStep::kSeal) EXPECT_TRUE(everyone && (ready || !absent));
        if (decision.step == FormingStep::kDone) EXPECT_TRUE(everyone && ready);
        if (!everyone) {
          EXPECT_TRUE(decision.step == FormingStep::kWait || decision.step == FormingStep::kRefuse);
        }
      }
    }
  }
}

// Runs creation after creation, each cut off after some number of its messages, until one ends.
// Before one of the messages the disk of one coordinator is lost.
TEST(Forming, CutOffAnywhereWithOneLostDiskItNeverForgetsASealedRegister) {
  for (int wipe_at = 0; wipe_at < 12; ++wipe_at) {
    for (size_t wiped = 0; wiped < 3; ++wiped) {
      for (int cut_after = 1; cut_after < 8; ++cut_after) {
        std::array<GenerationRegister, 3> registers;
        int sent = 0;
        bool beside_a_sealed_one = false;
        FormingStep step = FormingStep::kForm;
        for (uint64_t attempt = 1; attempt < 20 && step != FormingStep::kDone; ++attempt) {
          for (int budget = cut_after; budget > 0 && step != FormingStep::kDone;) {
            std::vector<FormingAnswer> answers;
            for (const GenerationRegister& r : registers)
              answers.push_back({true, r.state(), r.id()});
            const FormingDecision decision = NextFormingStep(answers, {attempt, attempt});
            step = decision.step;
            ASSERT_NE(step, FormingStep::kRefuse);
            const RegisterState needy =
                step == FormingStep::kForm ? RegisterState::kAbsent : RegisterState::kForming;
            for (size_t i = 0; i < 3 && budget > 0; ++i) {
              if (answers[i].state != needy) continue;
              --budget;
              if (sent++ == wipe_at) {
                for (size_t other = 0; other < 3; ++other) {
                  beside_a_sealed_one |=
                      other != wiped && registers[other].state() == RegisterState::kReady;
                }
                registers[wiped] = GenerationRegister();
              }
              if (step == FormingStep::kForm) ASSERT_TRUE(registers[i].Form(decision.id).ok());
              // A coordinator that lost its disk since it was asked refuses the seal.
              if (step == FormingStep::kSeal) (void)registers[i].Seal(decision.id);
            }
          }
        }
        ASSERT_EQ(step, FormingStep::kDone);
        int ready = 0;
        for (const GenerationRegister& r : registers) ready += r.state() == RegisterState::kReady;
        ASSERT_GE(ready, 2);
        if (beside_a_sealed_one) ASSERT_NE(registers[wiped].state(), RegisterState::kReady);
      }
    }
  }
}

}  // namespace
}  // namespace orrery
