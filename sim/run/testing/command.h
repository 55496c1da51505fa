// The command line of the ping system, run in this process with its output captured.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "sim/run/command_line.h"
#include "sim/run/testing/ping_system.h"

namespace orrery::sim {

struct CommandOutput {
  int code = 0;
  std::string out;
  std::string err;
};

// `words` begin with the verb; the program is called "ping".
inline CommandOutput RunCommand(std::vector<std::string> words) {
  words.insert(words.begin(), "ping");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = SimMain(static_cast<int>(words.size()), argv.data(), PingSystem());
  std::fflush(nullptr);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

}  // namespace orrery::sim
