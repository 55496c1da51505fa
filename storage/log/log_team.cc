// Going round from the tag's own log, one log for each new zone.
#include "storage/log/log_team.h"

#include <algorithm>
#include <string_view>

namespace orrery {

std::vector<size_t> LogTeamOf(Tag tag, const LogSet& set) {
  const auto count = static_cast<size_t>(set.logs_size());
  std::vector<size_t> team;
  std::vector<std::string_view> zones;
  for (size_t i = 0; tag.kind == TagKind::kStorage && i < count; ++i) {
    if (zones.size() == set.replication()) break;
    const size_t index = (tag.id + i) % count;
    const std::string_view zone = set.logs(static_cast<int>(index)).zone();
    if (std::ranges::find(zones, zone) != zones.end()) continue;
    zones.push_back(zone);
    team.push_back(index);
  }
  if (zones.empty() || zones.size() < set.replication()) {
    team.clear();
    for (size_t i = 0; i < count; ++i) team.push_back(i);
  }
  std::ranges::sort(team);
  return team;
}

}  // namespace orrery
