// Random: a seeded generator with integer draws only. The same seed gives the same draws on every
// machine and build: no floating point, no standard distributions.
//
// The generator is xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
// generators", 2021), seeded by splitmix64. Not for secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/hash.h"
#include "core/base/time.h"

namespace orrery {

// A probability as a ratio of integers. REQUIRES: denominator > 0.
struct Ratio {
  uint32_t numerator;
  uint32_t denominator;
};
constexpr Ratio OneIn(uint32_t n) { return {1, n}; }

// Names a stream of randomness of a process. Two purposes never share draws, so that one more draw
// in one place shifts nothing elsewhere.
struct Purpose {
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a purpose.
  consteval Purpose(const char* stream_name) : name(stream_name), key(HashName(stream_name)) {}
  const char* name;
  uint64_t key;
};

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = MixWord(seed += 0x9e3779b97f4a7c15u);
  }

  uint64_t Next() {
    const uint64_t result = Rotate(state_[0] + state_[3], 23) + state_[0];
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // Uniform over [0, bound). REQUIRES: bound > 0. (Bias below 2^-32 for bounds below 2^32.)
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }

  // Uniform over [low, high], both ends included. REQUIRES: low <= high.
  int64_t Between(int64_t low, int64_t high) {
    const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
    return static_cast<int64_t>(static_cast<uint64_t>(low) + (span == 0 ? Next() : Below(span)));
  }
  Duration Between(Duration low, Duration high) {
    return Duration(Between(low.count(), high.count()));
  }

  bool Chance(Ratio p) { return Below(p.denominator) < p.numerator; }

  // Permutes [first, last) (Fisher and Yates).
  template <class Iterator>
  void Shuffle(Iterator first, Iterator last) {
    for (size_t n = static_cast<size_t>(last - first); n > 1; --n) {
      std::swap(first[n - 1], first[Below(n)]);
    }
  }

 private:
  static constexpr uint64_t Rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  uint64_t state_[4];
};

}  // namespace orrery
