// The load under which a version window is measured: 16-byte keys, 100-byte values, a window of 1 M
// mutations spread over 1 M keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "storage/server/version_window.h"

namespace orrery::window_load {

inline constexpr uint64_t kKeys = 1'000'000;
inline constexpr Version kWindow = 10'000;  // Versions.
inline constexpr size_t kPerVersion = 100;  // Mutations.

// Ascending in `number`. With a shared prefix only the last 4 bytes differ.
inline std::string MakeKey(uint64_t number, bool prefix) {
  std::string key = prefix ? std::string(12, '.') : std::string();
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  const uint64_t rest = MixWord(number);
  while (key.size() < 16) key.push_back(static_cast<char>(rest >> (4 * key.size() - 16)));
  return key;
}

class Filler {
 public:
  explicit Filler(bool prefix) : prefix_(prefix), value_(100, 'v') {}

  void ApplyOne(VersionWindow& window) {
    keys_.clear();
    mutations_.clear();
    for (size_t i = 0; i < kPerVersion; ++i) keys_.push_back(RandomKey());
    for (const std::string& key : keys_)
      mutations_.push_back({WindowMutation::Kind::set, key, value_});
    window.Apply(window.newest() + 1, mutations_);
  }
  std::string RandomKey() { return MakeKey(random_.Below(kKeys), prefix_); }
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }

 private:
  Random random_{1};
  bool prefix_;
  std::string value_;
  std::vector<std::string> keys_;
  std::vector<WindowMutation> mutations_;
};

inline std::unique_ptr<VersionWindow> FullWindow(Filler& filler) {
  auto window = std::make_unique<VersionWindow>(0);
  while (window->newest() < kWindow) filler.ApplyOne(*window);
  return window;
}

}  // namespace orrery::window_load
