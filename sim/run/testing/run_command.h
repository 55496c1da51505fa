// Command lines of the ping system, run in the test's own process.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "sim/run/command_line.h"
#include "sim/run/testing/ping_system.h"

namespace orrery::sim {

struct CommandOutput {
  int code;
  std::string out;
  std::string err;
};

// "ping WORDS...", with standard output and error captured.
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

inline std::string LastLine(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

// The value of a plain member of a JSON object; the last one of that name.
inline std::string Member(const std::string& json, const std::string& name) {
  const size_t at = json.rfind("\"" + name + "\":");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 3;
  return json.substr(begin, json.find_first_of(",}", begin) - begin);
}

}  // namespace orrery::sim
