// Versions of names and who sees which.
#include "sim/network/names.h"

#include "core/base/hash.h"

namespace orrery::sim {

void Names::Set(const std::string& name, Addresses addresses, Time now) {
  std::deque<Version>& versions = names_[name];
  const uint64_t number = versions.empty() ? 0 : versions.back().number + 1;
  versions.push_back({number, now, std::move(addresses)});
  if (versions.size() > kVersionsMax) versions.pop_front();
}

Names::Answer Names::Find(const std::string& name, uint64_t asker, Time now, Time as_of) const {
  const auto found = names_.find(name);
  if (found == names_.end()) return {nullptr, false};
  const std::deque<Version>& versions = found->second;
  const uint64_t name_key = HashName(name);
  const uint64_t lag_bound = static_cast<uint64_t>(lag_max_.count());
  for (size_t i = versions.size(); i-- > 0;) {
    const Version& version = versions[i];
    // A name that is there from the beginning of the world was always there.
    const uint64_t lag = lag_bound == 0 || version.since == Time{}
                             ? 0
                             : HashWords(draw_key_, asker, name_key, version.number) % lag_bound;
    if (version.since > as_of || version.since + Duration(static_cast<int64_t>(lag)) > now)
      continue;
    const bool stale = i + 1 < versions.size();
    return {version.addresses.empty() ? nullptr : &version.addresses, stale};
  }
  return {nullptr, true};
}

}  // namespace orrery::sim
