// The latency table.
#include "sim/world/latency.h"

#include <algorithm>
#include <array>

namespace orrery::sim {
namespace {

// Quantiles of the latency in 1/256 of the median, for the lower 63 of 64 equal shares of
// probability: a log-normal-like body between a half and four medians.
constexpr std::array<uint16_t, 64> kBody = {
    128, 147, 156, 163, 169, 174, 179, 183, 187, 190, 194, 197, 200, 203, 206, 209,
    212, 215, 217, 220, 223, 225, 228, 231, 233, 236, 239, 242, 245, 248, 251, 254,
    257, 260, 263, 267, 270, 274, 277, 281, 285, 290, 294, 299, 304, 309, 315, 321,
    327, 334, 341, 349, 358, 368, 380, 393, 408, 427, 450, 480, 522, 590, 730, 1024};

constexpr uint64_t kMedianUnit = 256;

}  // namespace

Duration DrawLatency(Duration median, Duration tail_max, uint64_t draw) {
  const size_t share = draw >> 58;
  const uint64_t fraction = (draw >> 42) & 0xffff;  // Within the share.
  const uint64_t unit = static_cast<uint64_t>(median.count());
  if (share < 63) {
    const uint64_t low = kBody[share];
    const uint64_t quantile = (low << 16) + (kBody[share + 1] - low) * fraction;
    return Duration(static_cast<int64_t>(unit * (quantile >> 8) / (kMedianUnit << 8)));
  }
  // The tail: the excess over four medians doubles with every further bit that is zero, so that
  // P(excess > x) falls as 1/x.
  const int doublings = __builtin_clzll((draw << 6) | 1);
  const uint64_t excess =
      std::min<uint64_t>(unit << std::min(doublings, 24), static_cast<uint64_t>(tail_max.count()));
  return Duration(static_cast<int64_t>(unit * 4 + (excess * (fraction | 0x8000) >> 16)));
}

}  // namespace orrery::sim
