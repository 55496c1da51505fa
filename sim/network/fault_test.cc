// Goal: every fault of the simulated network does what faults.h says, and ends.
// Method: two or three processes on one timeline; one fault at a time, then all at random.
#include <gtest/gtest.h>

#include "sim/network/test_world.h"
