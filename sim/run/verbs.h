// The verbs of a simulated system's command line, one function each, in the file of its name.
// Each parses its own arguments (argv[1] is the verb), prints, and gives the exit code.
#pragma once

namespace orrery::sim {

class System;

// Exit codes of every verb.
inline constexpr int kExitPassed = 0;    // What was run passed.
inline constexpr int kExitFailed = 1;    // It failed, or what was asked for was not found.
inline constexpr int kExitBadInput = 2;  // One line on standard error; nothing run or written.

int SimVerb(int argc, char** argv, const System& system);
int SweepVerb(int argc, char** argv, const System& system);     // In sweep/.
int ReplayVerb(int argc, char** argv, const System& system);    // In replay/.
int MinimiseVerb(int argc, char** argv, const System& system);  // In minimise/.
int ExplainVerb(int argc, char** argv, const System& system);   // In sim/report.

}  // namespace orrery::sim
