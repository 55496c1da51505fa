// Configuration: how a database is laid out over its processes. Rows "\xff/conf/" + name = text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "storage/log/mutation.h"

namespace orrery {

inline constexpr std::string_view kConfigurationPrefix = "\xff/conf/";

struct Configuration {
  // "single", "double" or "triple": copies of logs and data, each in a zone of its own (k).
  uint32_t replication = 1;
  // How many of each role a generation has. Fewer when there are not enough processes; of logs at
  // least as many as span `replication` zones.
  uint32_t logs = 3;
  uint32_t commit_proxies = 2;
  uint32_t grv_proxies = 1;
  uint32_t resolvers = 1;

  // Rows: redundancy, logs, commit_proxies, grv_proxies, resolvers.
  std::vector<Mutation> Rows() const;

  // Sets one: ("redundancy", "triple"). invalid_argument for an unknown name or a value that makes
  // no sense (counts: 1 to 100), with one line that says what is expected; nothing changes then.
  absl::Status Set(std::string_view name, std::string_view value);

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

// "single" for 1, and so on.
std::string_view RedundancyName(uint32_t replication);

}  // namespace orrery
