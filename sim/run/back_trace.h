// Back traces in the words of a dying process, as functions that a person would name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orrery::sim {

// The functions of the first back trace in `diagnosis`, the innermost first: without namespaces,
// arguments and templates ("LogState::Accept"; a lambda is the function it stands in), and without
// what is the runtime's: signal handlers, the standard library, Abseil, what coroutines and the
// simulator's loop are made of. Empty when there is no trace, or none with names.
//
// Reads the form of PrintBacktrace with the names that RunIsolated adds, and that of sanitizers.
std::vector<std::string> FunctionsOfBackTrace(std::string_view diagnosis);

}  // namespace orrery::sim
