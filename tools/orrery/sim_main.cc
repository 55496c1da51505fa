// orrery-sim: the database under a seed. Called by orrery for the verbs that simulate.
#include "sim/run/command_line.h"
#include "workloads/system/database_system.h"

int main(int argc, char** argv) {
  return orrery::sim::SimMain(argc, argv, orrery::workloads::DatabaseSystem());
}
