// The verbs of `orrery`, one function each: adds its subcommand to the app and, when the user chose
// it, is run by calling what it returned. Each is in the file of its name.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace orrery::tools {

using RunVerb = std::function<int()>;

RunVerb AddInit(CLI::App& app);
RunVerb AddServe(CLI::App& app);
RunVerb AddStatus(CLI::App& app);
RunVerb AddShell(CLI::App& app);
RunVerb AddImportTree(CLI::App& app);
RunVerb AddList(CLI::App& app);
RunVerb AddMove(CLI::App& app);

}  // namespace orrery::tools
