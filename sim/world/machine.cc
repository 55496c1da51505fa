// Power and clocks of a machine.
#include "sim/world/machine.h"

#include "core/base/hash.h"
#include "sim/world/process.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr uint32_t kFirstIp = 0x0a000001;  // 10.0.0.1
constexpr Duration kBootDelayMax = Milliseconds(500);

}  // namespace

void Machine::PowerOff() {
  if (!powered_) return;
  powered_ = false;
  for (Process* process : processes_) process->Kill(/*silent=*/true);
  disk_->PowerLoss();
}

void Machine::PowerOn() {
  if (powered_) return;
  powered_ = true;
  for (Process* process : processes_) {
    const uint64_t draw = world_.loop().Draw(HashBytes(process->name()), process->incarnation());
    process->StartAfter(
        Duration(static_cast<int64_t>(draw % static_cast<uint64_t>(kBootDelayMax.count()))));
  }
}

void Machine::SetDrift(int64_t ppm) {
  drift_ppm_ = ppm;
  for (Process* process : processes_) process->ApplyClock();
}

void Machine::SetWallOffset(int64_t micros) {
  wall_offset_micros_ = micros;
  for (Process* process : processes_) process->ApplyClock();
}

void Machine::JumpForward(Duration d) {
  for (Process* process : processes_) process->JumpForward(d);
}

}  // namespace orrery::sim
