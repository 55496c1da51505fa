// ConformanceWorld: a world in which one behaviour is tried: a process under test and, where a
// behaviour needs it, a second one that can be killed and started again. The tests of this folder
// run each of their bodies in every world; a body sees only the Env, so it cannot know which.
//
// Bodies are coroutines over Env&. EXPECT_* work in them as anywhere; ASSERT_* do not compile, and
// the CO_ macros below take their place: each reports its file and line and leaves the body.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/async/task.h"
#include "core/base/status.h"
#include "core/env/env.h"

namespace orrery::conformance {

// What a process does. It outlives the tasks it starts, so a coroutine lambda with captures is in
// order here.
using Main = absl::AnyInvocable<Task<absl::Status>(Env&)>;

struct WorldKind {
  enum Kind { kReal, kRealTls, kRealLocal, kSim } kind;
  uint64_t seed = 0;  // Of a simulated world.
};

class ConformanceWorld {
 public:
  // A new world with empty disks.
  static std::unique_ptr<ConformanceWorld> Create(WorldKind kind);
  virtual ~ConformanceWorld() = default;

  // Runs the process under test until `main` returns, and gives its status; ok when KillSoon ended
  // it; timed_out when it takes for ever. A second Run is the next life of the process, with the
  // same files and another Env. The other process is killed in the end.
  virtual absl::Status Run(Main main) = 0;

  // From within Run: the process dies soon, with all its tasks, as by kill -9. The caller waits
  // with WaitForDeath meanwhile.
  virtual void KillSoon() = 0;

  // What the other process does. REQUIRES: called before Run.
  virtual void DefinePeer(Main main) = 0;

  // From the process under test: starts the other process and waits until it has called PeerReady;
  // kills it and waits until it is dead. REQUIRES: it is down, or up.
  virtual Task<absl::Status> StartPeer(Env& env) = 0;
  virtual Task<> KillPeer(Env& env) = 0;
  virtual void PeerReady() = 0;

  // An address that the other process may listen at and both can connect to.
  virtual NetworkAddress peer_address() const = 0;
};

// Waits until the process is killed.
Task<absl::Status> WaitForDeath(Env& env);

// Real TCP and some seeds; for what has to do with the network real TLS too.
std::vector<WorldKind> Worlds();
std::vector<WorldKind> NetworkWorlds();
std::string NameOfWorld(const ::testing::TestParamInfo<WorldKind>& info);

class ConformanceTest : public ::testing::TestWithParam<WorldKind> {
 protected:
  // Runs `main` in the world, and fails the test when it fails.
  void Run(Main main) {
    const absl::Status status = world->Run(std::move(main));
    EXPECT_TRUE(status.ok()) << Describe(status);
  }

  std::unique_ptr<ConformanceWorld> world = ConformanceWorld::Create(GetParam());
};

// Tasks of a test that must not fail.
inline void ExpectNoError(std::string_view task, absl::Status status) {
  ADD_FAILURE() << task << ": " << Describe(status);
}
inline void IgnoreError(std::string_view, absl::Status) {}

}  // namespace orrery::conformance

// Inside a body: leaves it, reported here, unless the condition holds, the Status is ok.
#define CO_ASSERT_TRUE(...)                                                                 \
  do {                                                                                      \
    if (!(__VA_ARGS__)) {                                                                   \
      ADD_FAILURE() << "not true: " #__VA_ARGS__;                                           \
      co_return ::orrery::Error(::orrery::ErrorCode::internal_error, "a failed assertion"); \
    }                                                                                       \
  } while (false)

#define CO_ASSERT_OK(...)                                                               \
  do {                                                                                  \
    if (::absl::Status conformance_status = (__VA_ARGS__); !conformance_status.ok()) {  \
      ADD_FAILURE() << #__VA_ARGS__ " gave " << ::orrery::Describe(conformance_status); \
      co_return conformance_status;                                                     \
    }                                                                                   \
  } while (false)

// CO_ASSERT_ASSIGN(auto x, co_await f()): `f` gives a StatusOr.
#define CO_ASSERT_ASSIGN(lhs, ...) \
  CO_ASSERT_ASSIGN_TO(ORRERY_CONCAT(conformance_result_, __LINE__), lhs, __VA_ARGS__)
#define CO_ASSERT_ASSIGN_TO(result, lhs, ...)                                      \
  auto result = (__VA_ARGS__);                                                     \
  if (!result.ok()) {                                                              \
    ADD_FAILURE() << #__VA_ARGS__ " gave " << ::orrery::Describe(result.status()); \
    co_return std::move(result).status();                                          \
  }                                                                                \
  lhs = *std::move(result)

// The Status must have this code.
#define EXPECT_CODE(code, ...)                                                 \
  do {                                                                         \
    const ::absl::Status conformance_status = (__VA_ARGS__);                   \
    EXPECT_EQ(::orrery::CodeOf(conformance_status), ::orrery::ErrorCode::code) \
        << #__VA_ARGS__ " gave " << ::orrery::Describe(conformance_status);    \
  } while (false)
