// orrery: one command, many verbs. What runs under a seed is done by its sibling, orrery-sim, which
// lies beside it.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "tools/orrery/command.h"
#include "tools/orrery/verbs.h"

namespace orrery::tools {
namespace {

constexpr std::pair<const char*, const char*> kSiblingVerbs[] = {
    {"sim", "Runs a scenario under a seed."},
    {"sweep", "Runs scenarios under many seeds."},
    {"replay", "Runs a seed or a saved plan again, and stops, traces or compares it."},
    {"minimise", "Makes the plan of a failing run as small as can be."},
    {"explain", "Makes a picture of a run, and of what led to its failure."},
};

bool IsOfSibling(std::string_view verb) {
  return std::any_of(std::begin(kSiblingVerbs), std::end(kSiblingVerbs),
                     [verb](const auto& each) { return verb == each.first; });
}

// Becomes orrery-sim with the same arguments.
int RunSibling(char** argv) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string sibling = (self.parent_path() / "orrery-sim").native();
  if (!error) ::execv(sibling.c_str(), argv);
  std::fprintf(stderr, "error: %s: %s; it must lie beside orrery\n", sibling.c_str(),
               error ? error.message().c_str() : std::strerror(errno));
  return kExitFailed;
}

int Main(int argc, char** argv) {
  if (argc >= 2 && IsOfSibling(argv[1])) return RunSibling(argv);
  CLI::App app("A distributed transactional key-value store for metadata.", "orrery");
  app.require_subcommand(1);
  app.footer(
      "Every verb has --help. Exit codes: 0 well; 1 failed; 2 bad input, told in one line, "
      "nothing changed.");
  for (const auto& [verb, about] : kSiblingVerbs) app.add_subcommand(verb, about);
  std::map<std::string, RunVerb> verbs;
  verbs["init"] = AddInit(app);
  verbs["serve"] = AddServe(app);
  verbs["status"] = AddStatus(app);
  verbs["shell"] = AddShell(app);
  verbs["import-tree"] = AddImportTree(app);
  verbs["ls"] = AddList(app);
  verbs["mv"] = AddMove(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
      return Tell(BadInput(std::string("there is no command ") + argv[1] + "; see orrery --help"));
    }
    return Tell(BadInput(error.what()));
  }
  return verbs.at(app.get_subcommands().front()->get_name())();
}

}  // namespace
}  // namespace orrery::tools

int main(int argc, char** argv) { return orrery::tools::Main(argc, argv); }
