// The --seed=N of tests that draw.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <system_error>

namespace orrery {

// The seed that `argv` asks for with --seed=N, otherwise 1; it is printed, so that a failure can be
// repeated. nullopt, with a line on standard error, for any other argument. To be called after
// testing::InitGoogleTest, which takes its own arguments out.
inline std::optional<uint64_t> SeedArgument(int argc, char** argv) {
  uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    constexpr std::string_view kSeed = "--seed=";
    const std::string_view argument = argv[i];
    const char* const end = argument.data() + argument.size();
    const bool is_seed = argument.starts_with(kSeed);
    const char* const digits = argument.data() + (is_seed ? kSeed.size() : 0);
    const auto [at, error] = std::from_chars(digits, end, seed);
    if (!is_seed || error != std::errc() || at != end) {
      std::fprintf(stderr, "unknown argument %s; usage: --seed=N\n", argv[i]);
      return std::nullopt;
    }
  }
  std::printf("--seed=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace orrery
