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
#include <string_view>
#include <vector>

namespace orrery {

struct ProbeSite {
  const char* name;
  const char* file;
  uint64_t line;
};

// Every PROBE of this executable, in the order of the linker: those of code that nothing calls,
// too. A probe in a template appears once for each instance, one in an inline function once.
std::span<const ProbeSite> AllProbeSites();

// How often one process passed each probe.
class Probes {
 public:
  Probes() : sites_(AllProbeSites()), counts_(sites_.size()) {}

  void Hit(const ProbeSite& site) { ++counts_[static_cast<size_t>(&site - sites_.data())]; }

  // How often the site AllProbeSites()[index] was passed.
  uint64_t count(size_t index) const { return counts_[index]; }

  // Adds what `other` has seen: for the total over the processes of a world.
  void Merge(const Probes& other);

 private:
  std::span<const ProbeSite> sites_;
  std::vector<uint64_t> counts_;
};

struct ProbeCount {
  std::string_view name;
  uint64_t count;  // Over all sites of this name.
};

// Every probe of this executable by name, sorted, with 0 for those that were not passed.
std::vector<ProbeCount> ProbeReport(const Probes& probes);

}  // namespace orrery

// `retain` keeps the descriptor when the linker drops unused sections, `used` when the compiler
// drops unused variables.
#define PROBE(env, literal)                                                                        \
  do {                                                                                             \
    [[gnu::section("orrery_probes"), gnu::used,                                                    \
      gnu::retain]] static constexpr ::orrery::ProbeSite orrery_probe_site = {"" literal,          \
                                                                              __FILE__, __LINE__}; \
    (env).probes().Hit(orrery_probe_site);                                                         \
  } while (false)
