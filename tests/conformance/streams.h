// Connected pairs, and bytes that show where they belong.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/async/task_group.h"
#include "core/base/random.h"
#include "tests/conformance/conformance_world.h"

namespace orrery::conformance {

inline const NetworkAddress kAnyPort = *NetworkAddress::Parse("127.0.0.1:0");

// Ends of one stream.
struct Pair {
  std::unique_ptr<Connection> server;
  std::unique_ptr<Connection> client;
};

inline Task<absl::StatusOr<Pair>> MakePair(Env& env) {
  CO_ASSERT_ASSIGN(const std::unique_ptr<Listener> listener, env.network().Listen(kAnyPort));
  TaskGroup group(env.executor(), IgnoreError);
  Future<absl::StatusOr<std::unique_ptr<Connection>>> server =
      group.Start("accept", listener->Accept());
  Pair pair;
  CO_ASSERT_ASSIGN(pair.client, co_await env.network().Connect(listener->local_address()));
  CO_ASSERT_ASSIGN(pair.server, co_await std::move(server));
  co_return pair;
}

// Reads `bytes` bytes, or up to the end of the stream.
inline Task<absl::StatusOr<std::string>> ReadBytes(Connection& connection, size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    CO_ASSIGN_OR_RETURN(const Buffer some, co_await connection.Read());
    if (some.empty()) break;
    all += some.view();
  }
  co_return all;
}

// Bytes without a pattern, the same for the same arguments.
inline std::string Noise(size_t bytes, uint64_t seed = 1) {
  Random random(seed);
  std::string out(bytes, '\0');
  for (char& byte : out) byte = static_cast<char>(random.Next());
  return out;
}

}  // namespace orrery::conformance
