// Goal: whatever I/O call fails, and whether power is lost with it, the register that is found
// later is the last whose Replace was ok, or the one that was being written. Method: file operation
// number 1, 2, 3, ... of opening and five changes fails, before or after it had its effect, until
// nothing fails any more; then the power goes, or only the process.
#include "txn/coordinator/register_file.h"

#include <gtest/gtest.h>

#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "sim/world/world.h"
#include "storage/diskqueue/testing/failing_files.h"

namespace orrery {
namespace {

constexpr RegisterId kId = {1, 2};
constexpr uint64_t kChanges = 5;

struct Seen {
  bool fired = false;
  bool done = false;
  uint64_t durable = 0;  // Changes whose Replace was ok.
  uint64_t tried = 0;
  absl::StatusOr<GenerationRegister> found = GenerationRegister();
};

// Change number n; 0 is the absent register.
void Change(GenerationRegister& the_register, uint64_t n) {
  if (n == 1) {
    ASSERT_TRUE(the_register.Form(kId).ok());
    ASSERT_TRUE(the_register.Seal(kId).ok());
  } else {
    // Shorter and shorter.
    ASSERT_TRUE(the_register.Write(kId, {n, 1}, std::string((kChanges - n) * 2000, 'v')).accepted);
  }
}

Task<absl::Status> ChangeAll(Env* env, Seen* seen, uint64_t fails, bool after) {
  FailingEnv failing(*env, fails, ErrorCode::io_error, after);
  absl::StatusOr<GenerationRegister> opened = co_await RegisterFile::Open(failing, "dir");
  RegisterFile file(failing, "dir");
  while (opened.ok() && seen->durable < kChanges) {
    Change(*opened, ++seen->tried);
    absl::Status replaced = co_await file.Replace(opened->Image());
    if (!replaced.ok()) break;
    seen->durable = seen->tried;
  }
  seen->fired = failing.files().fired();
  seen->done = true;
  co_return absl::OkStatus();
}

Task<absl::Status> Find(Env* env, Seen* seen) {
  seen->found = co_await RegisterFile::Open(*env, "dir");
  seen->done = true;
  co_return absl::OkStatus();
}

bool RunOne(uint64_t seed, uint64_t fails, bool after, bool power) {
  KnobSet knobs;
  Seen seen;
  bool find = false;
  sim::World world({.seed = seed, .knobs = &knobs});
  sim::Machine& machine = world.AddMachine({.name = "m", .zone = "z"});
  sim::Process& process = world.AddProcess(
      machine, {.name = "p",
                .main =
                    [&](Env& env) {
                      return find ? Find(&env, &seen) : ChangeAll(&env, &seen, fails, after);
                    },
                .supervised = false});
  process.Start();
  EXPECT_TRUE(world.RunUntil(world.Now() + Seconds(10)));
  EXPECT_TRUE(seen.done);
  if (power) {
    machine.PowerOff();
    machine.PowerOn();
  }
  find = true;
  seen.done = false;
  if (!process.running()) process.Start();
  EXPECT_TRUE(world.RunUntil(world.Now() + Seconds(10)));
  EXPECT_TRUE(seen.done);
  EXPECT_TRUE(seen.found.ok()) << Describe(seen.found.status());
  if (!seen.found.ok()) return false;
  GenerationRegister expected;
  bool as_expected = false;
  for (uint64_t n = 0; n <= seen.tried; ++n) {
    if (n > 0) Change(expected, n);
    if (n < seen.durable) continue;
    as_expected |= expected.state() == RegisterState::kAbsent
                       ? seen.found->state() == RegisterState::kAbsent
                       : seen.found->state() != RegisterState::kAbsent &&
                             seen.found->Image() == expected.Image();
  }
  EXPECT_TRUE(as_expected) << "seed " << seed << ", operation " << fails << ", after " << after
                           << ", power " << power << ": durable " << seen.durable;
  if (!seen.fired) {
    EXPECT_EQ(seen.durable, kChanges);
  }
  return seen.fired;
}

TEST(RegisterFileTest, EveryOperationFails) {
  for (const bool after : {false, true}) {
    for (const bool power : {false, true}) {
      for (uint64_t seed = 1; seed <= 20; ++seed) {
        uint64_t fails = 1;
        while (RunOne(seed, fails, after, power) && !HasFailure()) ++fails;
        ASSERT_FALSE(HasFailure());
        EXPECT_GT(fails, 5 * kChanges);
      }
    }
  }
}

}  // namespace
}  // namespace orrery
