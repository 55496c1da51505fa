// The main of the tests here: "sim" is the command line of the system under test, which the check
// for determinism executes afresh; anything else runs the tests.
#include <gtest/gtest.h>

#include "sim/run/command_line.h"
#include "sim/run/testing/ping_system.h"

int main(int argc, char** argv) {
  if (argc > 1 && orrery::sim::IsSimVerb(argv[1])) {
    return orrery::sim::SimMain(argc, argv, orrery::sim::PingSystem());
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
