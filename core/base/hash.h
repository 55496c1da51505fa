// Hashes that are the same in every run, build and machine: XXH3 over bytes with a fixed seed, and
// a mixer of words for stateless draws. std::hash and absl::Hash are neither and are not used where
// a result could depend on them.
#pragma once

#include <cstdint>
#include <string_view>

namespace orrery {

// XXH3, 64 bits, seed 0.
uint64_t HashBytes(std::string_view bytes);

// XXH3, 64 bits, continued from `state`: for hashes rolled over a sequence of byte strings.
uint64_t HashBytes(std::string_view bytes, uint64_t state);

// A bijective mixer (the finaliser of splitmix64: Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014, with Stafford's variant 13 constants).
constexpr uint64_t MixWord(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// A hash of an ordered sequence of words: HashWords(a, b) differs from HashWords(b, a).
constexpr uint64_t HashWords(uint64_t first) { return MixWord(first + 0x9e3779b97f4a7c15u); }
template <class... Rest>
constexpr uint64_t HashWords(uint64_t first, Rest... rest) {
  return MixWord(HashWords(static_cast<uint64_t>(rest)...) * 0x9e3779b97f4a7c15u + first +
                 0x9e3779b97f4a7c15u);
}

// FNV-1a, usable at compile time: for names that become keys of random streams and probes.
constexpr uint64_t HashName(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : name) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return MixWord(h);
}

}  // namespace orrery
