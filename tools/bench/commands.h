// Other programs, as a benchmark runs them: what they print, and servers that run meanwhile.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/status.h"

namespace orrery::bench {

// Where `path` of this repository is among this program's runfiles.
std::string Runfile(const std::string& path);

// A shell command's standard output; an error when it does not end with exit code 0.
absl::StatusOr<std::string> OutputOf(const std::string& command);

// The number under `name` in one JSON object; 0 when there is none.
double NumberOf(const std::string& json, const std::string& name);

// A shell command that runs until the end of the object, which kills it.
class Background {
 public:
  // REQUIRES: `command` is one program: its shell becomes it.
  explicit Background(const std::string& command);
  Background(const Background&) = delete;
  ~Background();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace orrery::bench
