// Delta: the least of a failure's circumstances that still make it fail, found by leaving out.
//
// ddmin of Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE
// Transactions on Software Engineering 28, 2002), section 3.2. Their symbols: c is a set of
// circumstances (here: numbers of elements), c_x the smallest known that fails, n the granularity,
// d_i one of the n parts of c_x, nabla_i = c_x - d_i. The result is 1-minimal: it fails, and
// without any one of its elements it does not.
//
// Two things differ. The empty set is tried first: most of what a seed draws has nothing to do with
// a failure. And the parts d_i are tried by themselves at n = 2 only, where they are each other's
// complements; what a smaller part would show the complements show too, in fewer tests.
//
// Pure: no clock, no thread. Which tests run side by side is the SubsetTest's business; since it
// answers with the lowest index that fails, the result does not depend on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace orrery::sim {

// Numbers of elements, ascending.
using Subset = std::vector<size_t>;

class SubsetTest {
 public:
  virtual ~SubsetTest() = default;

  // The lowest i for which the subset make(i) fails, 0 <= i < count; nullopt when none does, or
  // when the test is over. Subsets are made as they are needed, some perhaps in vain.
  virtual std::optional<size_t> FirstFailing(size_t count,
                                             const std::function<Subset(size_t)>& make) = 0;

  // No more answers: the time is up. Once true it stays so.
  virtual bool over() const = 0;
};

// The smallest subset of `all` that was found to fail; 1-minimal unless the test is over or n would
// have become more than `n_max`. REQUIRES: `all` fails and is ascending; n_max >= 2.
Subset Minimal(Subset all, SubsetTest& test, size_t n_max = SIZE_MAX);

}  // namespace orrery::sim
