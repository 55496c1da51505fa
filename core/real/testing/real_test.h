// What the tests of this room share: a RealEnv in a fresh directory, and connected pairs.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/observe/metrics.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"

namespace orrery::real {

inline const NetworkAddress kAnyPort = *NetworkAddress::Parse("127.0.0.1:0");

// Ends of one stream.
struct Pair {
  std::unique_ptr<Connection> server;
  std::unique_ptr<Connection> client;
};

class RealTest : public testing::Test {
 protected:
  RealTest() {
    std::string pattern = testing::TempDir() + "/real.XXXXXX";
    directory = ::mkdtemp(pattern.data());
    knobs.Add<RealKnobs>();
    // Both ends lie in one process here, and what is tested is between them.
    EXPECT_TRUE(knobs.Set("real_local_streams", "false").ok());
  }

  RealOptions Options() {
    RealOptions options;
    options.data_directory = directory + "/data";
    options.trace_path = directory + "/trace";
    options.locality.process = "test";
    options.knobs = &knobs;
    return options;
  }

  // Runs `main` to its end in a new Env.
  absl::Status Run(Main main) { return Run(Options(), std::move(main)); }
  absl::Status Run(RealOptions options, Main main) {
    absl::StatusOr<std::unique_ptr<RealEnv>> env = RealEnv::Create(std::move(options));
    if (!env.ok()) return env.status();
    return (*env)->Run(std::move(main));
  }

  // Static coroutines: they may outlive a test body's full expressions.
  static Task<absl::StatusOr<Pair>> MakePair(Env& env) {
    CO_ASSIGN_OR_RETURN(const std::unique_ptr<Listener> listener, env.network().Listen(kAnyPort));
    TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
    Future<absl::StatusOr<std::unique_ptr<Connection>>> server =
        group.Start("accept", listener->Accept());
    Pair pair;
    CO_ASSIGN_OR_RETURN(pair.client, co_await env.network().Connect(listener->local_address()));
    CO_ASSIGN_OR_RETURN(pair.server, co_await std::move(server));
    co_return pair;
  }

  // Reads `bytes` bytes, or up to the end of the stream.
  static Task<absl::StatusOr<std::string>> ReadBytes(Connection& connection, size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
      CO_ASSIGN_OR_RETURN(const Buffer some, co_await connection.Read());
      if (some.empty()) break;
      all += some.view();
    }
    co_return all;
  }

  std::string directory;
  KnobSet knobs;
};

}  // namespace orrery::real
