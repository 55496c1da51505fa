// Which verb a command line asks for.
#include "sim/run/command_line.h"

#include <cstdio>
#include <cstring>

#include "sim/run/verbs.h"

namespace orrery::sim {
namespace {

struct Verb {
  const char* name;
  const char* about;
  int (*run)(int argc, char** argv, const System& system);
};

constexpr Verb kVerbs[] = {
    {"sim", "run a scenario under a seed", &SimVerb},
    {"sweep", "run scenarios under many seeds", &SweepVerb},
    {"replay", "run a seed or a saved plan again, and stop, trace or compare it", &ReplayVerb},
    {"minimise", "make the plan of a failing run as small as can be", &MinimiseVerb},
    {"explain", "a picture of a run, and of what led to its failure", &ExplainVerb},
};

void PrintUsage(FILE* out, const char* program) {
  std::fprintf(out, "usage: %s VERB [OPTIONS], with one of the verbs\n\n", program);
  for (const Verb& verb : kVerbs) std::fprintf(out, "  %-10s %s\n", verb.name, verb.about);
  std::fputs("\nEvery verb has --help.\n", out);
}

const Verb* FindVerb(const char* name) {
  for (const Verb& verb : kVerbs) {
    if (std::strcmp(verb.name, name) == 0) return &verb;
  }
  return nullptr;
}

}  // namespace

bool IsSimVerb(const char* name) { return FindVerb(name) != nullptr; }

int SimMain(int argc, char** argv, const System& system) {
  if (argc < 2) return PrintUsage(stderr, argv[0]), kExitBadInput;
  if (const Verb* verb = FindVerb(argv[1])) return verb->run(argc, argv, system);
  if (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0) {
    return PrintUsage(stdout, argv[0]), kExitPassed;
  }
  std::fprintf(stderr, "%s: there is no verb %s; see %s --help\n", argv[0], argv[1], argv[0]);
  return kExitBadInput;
}

}  // namespace orrery::sim
