// The command line of any simulated system: "BINARY VERB ...", with the verbs of the simulator.
//
//   BINARY sim --scenario FILE --seed N [--check] [--plan FILE] [--save-plan FILE]
//              [--knob NAME=VALUE]... [--trace FILE] [-o json]
//   BINARY replay SEED|PLAN [--scenario FILE] [--recording FILE] [--until T | --break EVENT]
//              [--trace LEVEL] [--knob NAME=VALUE]... [--save-recording FILE] [-o json]
//
// "BINARY --help" lists the verbs, and every verb has --help. Exit codes: see verbs.h.
#pragma once

namespace orrery::sim {

class System;

// Whether `name` is one of the verbs, for a program that has others of its own.
bool IsSimVerb(const char* name);

// Runs `argv` ("BINARY VERB ..."), prints, returns the exit code.
int SimMain(int argc, char** argv, const System& system);

}  // namespace orrery::sim
