// Goal: streams of randomness keep the promise of core/env/env.h: one per purpose, another in each
// life. Method: draws compared.
#include <vector>

#include "tests/conformance/conformance_world.h"

namespace orrery::conformance {
namespace {

class RandomTest : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Worlds, RandomTest, ::testing::ValuesIn(Worlds()), NameOfWorld);

std::vector<uint64_t> Draws(Random& random) {
  std::vector<uint64_t> out;
  for (int i = 0; i < 4; ++i) out.push_back(random.Next());
  return out;
}

TEST_P(RandomTest, PurposesHaveStreamsOfTheirOwnThatGoOn) {
  Run([](Env& env) -> Task<absl::Status> {
    const std::vector<uint64_t> one = Draws(env.random("one"));
    const std::vector<uint64_t> other = Draws(env.random("other"));
    const std::vector<uint64_t> more = Draws(env.random("one"));
    EXPECT_NE(one, other);
    EXPECT_NE(one, more);
    EXPECT_EQ(&env.random("one"), &env.random("one"));
    co_return absl::OkStatus();
  });
}

TEST_P(RandomTest, AnotherLifeDrawsOthers) {
  std::vector<uint64_t> first;
  Run([&first](Env& env) -> Task<absl::Status> {
    first = Draws(env.random("one"));
    co_return absl::OkStatus();
  });
  Run([&first](Env& env) -> Task<absl::Status> {
    EXPECT_NE(Draws(env.random("one")), first);
    co_return absl::OkStatus();
  });
}

TEST_P(RandomTest, AnotherProcessDrawsOthers) {
  std::vector<uint64_t> of_peer;
  world->DefinePeer([this, &of_peer](Env& env) -> Task<absl::Status> {
    of_peer = Draws(env.random("one"));
    world->PeerReady();
    co_return absl::OkStatus();
  });
  Run([this, &of_peer](Env& env) -> Task<absl::Status> {
    CO_ASSERT_OK(co_await world->StartPeer(env));
    co_await world->KillPeer(env);
    EXPECT_EQ(of_peer.size(), 4u);
    EXPECT_NE(Draws(env.random("one")), of_peer);
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace orrery::conformance
