// The language of `orrery shell`: one command, then its words. A word may stand in double quotes;
// \xNN is one byte, \\ and \" themselves. Several commands on a line are parted by ;.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace orrery::tools {

struct ShellVerb {
  const char* name;
  const char* words;  // "KEY VALUE"
  const char* what;
  size_t words_min;
  size_t words_max;
};

// In alphabetical order.
std::span<const ShellVerb> ShellVerbs();

struct ShellCommand {
  const ShellVerb* verb;
  std::vector<std::string> words;
};

// invalid_argument with one line: an unknown command and what is near it, too many or too few
// words, a bad escape, an open quote. Nothing is done of a line that does not parse.
absl::StatusOr<std::vector<ShellCommand>> ParseShellLine(std::string_view line);

// Printable bytes as they are, the rest as \xNN: what ParseShellLine reads back.
std::string Printable(std::string_view bytes);

}  // namespace orrery::tools
