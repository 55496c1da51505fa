// The command line of any simulated system.
//
//   BINARY sim --scenario FILE --seed N [--check] [--plan FILE] [--save-plan FILE]
//              [--knob NAME=VALUE]... [--trace FILE] [-o json]
//
// Exit codes: 0 the run passed; 1 it failed (or, with --check, two runs of the seed differed); 2
// bad input, told in one line on standard error, nothing run or written.
#pragma once

namespace orrery::sim {

class System;

// Runs `argv` ("BINARY sim ..."), prints, returns the exit code.
int SimMain(int argc, char** argv, const System& system);

}  // namespace orrery::sim
