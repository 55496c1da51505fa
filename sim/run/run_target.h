// What a command line names a run by: "SEED|PLAN", and moments of it.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery::sim {

struct RunTarget {
  std::string seed;       // In decimal; "" of a plan.
  std::string plan_file;  // "" of a seed.
  std::string scenario_file;

  // A number is a seed, and needs the file of its scenario; anything else is the file of a plan,
  // whose scenario, unless it is given, is the file of its name beside it. invalid_argument,
  // file_not_found or platform_error, in one line.
  static absl::StatusOr<RunTarget> Find(const std::string& target,
                                        const std::string& scenario_file);
};

// "plans/" of "plans/a.textproto"; "" of a bare name.
std::string FolderOf(const std::string& file);
// "plans/a" of "plans/a.textproto".
std::string WithoutExtension(const std::string& file);

// Simulated time: "12.5s", "250ms", "60s". invalid_argument names `option`.
absl::StatusOr<Time> ParseMoment(const std::string& option, const std::string& text);

}  // namespace orrery::sim
