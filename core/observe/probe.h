// Probes: rare paths that tests must be seen to reach.
//
//   PROBE(env, "recovery.waited_for_zone");
//
// A probe is a constant descriptor in a section of the executable, so that every probe is known
// whether it was reached or not; the counts live in the process's Env. The name is a literal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

struct ProbeSite {
  const char* name;
  const char* file;
  uint64_t line;
};

// Every PROBE of this executable, in the order of the linker.
std::span<const ProbeSite> AllProbeSites();

class Probes {
 public:
  Probes() : counts_(AllProbeSites().size()) {}

  void Hit(const ProbeSite& site) {
    ++counts_[static_cast<size_t>(&site - AllProbeSites().data())];
  }

  // How often the site AllProbeSites()[index] was passed.
  uint64_t count(size_t index) const { return counts_[index]; }

 private:
  std::vector<uint64_t> counts_;
};

}  // namespace orrery

#define PROBE(env, literal)                                                                       \
  do {                                                                                            \
    [[gnu::section("orrery_probes"),                                                              \
      gnu::used]] static constexpr ::orrery::ProbeSite orrery_probe_site = {"" literal, __FILE__, \
                                                                            __LINE__};            \
    (env).probes().Hit(orrery_probe_site);                                                        \
  } while (false)
