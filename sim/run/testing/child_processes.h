// Processes that a test wants to find, to kill them.
#pragma once

#include <sys/types.h>

#include <fstream>
#include <string>
#include <vector>

namespace orrery::sim {

inline std::vector<pid_t> ChildrenOf(pid_t parent) {
  const std::string number = std::to_string(parent);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

}  // namespace orrery::sim
