// Names: the name service of a world. It keeps the last answers of each name, since whoever asks
// may get one that is out of date.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/env/address.h"

namespace orrery::sim {

class Names {
 public:
  using Addresses = std::vector<NetworkAddress>;

  // Every change reaches an asker after a lag below `lag_max`, drawn by hash from `draw_key`, the
  // asker, the name and the number of the change.
  Names(uint64_t draw_key, Duration lag_max) : draw_key_(draw_key), lag_max_(lag_max) {}

  void Set(const std::string& name, Addresses addresses, Time now);

  struct Answer {
    const Addresses* addresses;  // nullptr: unknown. Valid until the next Set.
    bool stale;                  // A newer answer exists.
  };

  // What `asker` gets at `now`. Changes later than `as_of` are not seen.
  Answer Find(const std::string& name, uint64_t asker, Time now, Time as_of) const;

 private:
  static constexpr size_t kVersionsMax = 8;

  struct Version {
    uint64_t number;
    Time since;
    Addresses addresses;
  };

  const uint64_t draw_key_;
  const Duration lag_max_;
  std::map<std::string, std::deque<Version>> names_;
};

}  // namespace orrery::sim
