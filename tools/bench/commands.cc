// Programs by way of the shell.
#include "tools/bench/commands.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace orrery::bench {

std::string Runfile(const std::string& path) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  return self + ".runfiles/orrery/" + path;
}

absl::StatusOr<std::string> OutputOf(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return Error(ErrorCode::io_error, "cannot run " + command);
  std::string output;
  char piece[4096];
  while (const size_t bytes = ::fread(piece, 1, sizeof(piece), pipe)) output.append(piece, bytes);
  const int end = ::pclose(pipe);
  if (end != 0) return Error(ErrorCode::io_error, command + " has failed");
  return output;
}

double NumberOf(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  const size_t at = json.find(key);
  return at == std::string::npos ? 0 : std::strtod(json.c_str() + at + key.size(), nullptr);
}

Background::Background(const std::string& command) {
  std::string line = "exec " + command;
  std::string shell = "sh", flag = "-c";
  char* arguments[] = {shell.data(), flag.data(), line.data(), nullptr};
  // What cannot be started answers nobody, and whoever asks it says so.
  if (::posix_spawn(&pid_, "/bin/sh", nullptr, nullptr, arguments, environ) != 0) pid_ = -1;
}

Background::~Background() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace orrery::bench
