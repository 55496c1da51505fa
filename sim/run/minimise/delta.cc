// ddmin, by the symbols of the paper.
#include "sim/run/minimise/delta.h"

#include <algorithm>
#include <utility>

namespace orrery::sim {
namespace {

// Where part `i` of `n` begins in `size` elements; the parts differ by one element at most.
size_t Begin(size_t i, size_t n, size_t size) { return i * size / n; }

Subset Part(const Subset& c, size_t i, size_t n) {
  return {c.begin() + static_cast<std::ptrdiff_t>(Begin(i, n, c.size())),
          c.begin() + static_cast<std::ptrdiff_t>(Begin(i + 1, n, c.size()))};
}

Subset Complement(const Subset& c, size_t i, size_t n) {
  Subset nabla = c;
  nabla.erase(nabla.begin() + static_cast<std::ptrdiff_t>(Begin(i, n, c.size())),
              nabla.begin() + static_cast<std::ptrdiff_t>(Begin(i + 1, n, c.size())));
  return nabla;
}

}  // namespace

Subset Minimal(Subset all, SubsetTest& test, size_t n_max) {
  Subset c_x = std::move(all);
  if (c_x.empty()) return c_x;
  if (test.FirstFailing(1, [](size_t) { return Subset(); }).has_value()) return {};
  size_t n = std::min<size_t>(2, c_x.size());
  size_t first = 0;  // The part whose complement is tried first: after the one that was left out.
  while (c_x.size() > 1 && !test.over()) {
    if (n == 2) {
      const auto part = [&c_x](size_t i) { return Part(c_x, i, 2); };
      if (const std::optional<size_t> i = test.FirstFailing(2, part)) {
        c_x = part(*i);
        continue;
      }
    } else {
      const auto nabla = [&](size_t i) { return Complement(c_x, (first + i) % n, n); };
      if (const std::optional<size_t> i = test.FirstFailing(n, nabla)) {
        const size_t left_out = (first + *i) % n;
        c_x = nabla(*i);
        --n;
        first = left_out % n;
        continue;
      }
    }
    if (n >= std::min(n_max, c_x.size())) break;
    first = 0;
    n = std::min({2 * n, n_max, c_x.size()});
  }
  return c_x;
}

}  // namespace orrery::sim
