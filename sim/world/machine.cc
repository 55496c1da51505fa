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

Machine::Machine(World& world, MachineSpec spec, uint32_t index)
    : world_(world), spec_(std::move(spec)), key_(HashBytes(spec_.name)), ip_(kFirstIp + index) {
  host_ = world_.network().AddHost({.key = key_,
                                    .address = address(0),
                                    .machine = spec_.name,
                                    .zone = spec_.zone,
                                    .data_center = spec_.data_center,
                                    .region = spec_.region});
  world_.network().SetName(spec_.name, {address(0)});
  disk_ = std::make_unique<Disk>(world_.timeline(), key_,
                                 DiskParameters::Draw(world_.options().seed, key_));
}

Machine::~Machine() = default;

void Machine::PowerOff() {
  if (!powered_) return;
  powered_ = false;
  for (Process* process : processes_) process->StopDispatch();
  world_.network().PowerOff(host_);
  for (Process* process : processes_) process->Kill();
  disk_->PowerLoss();
}

void Machine::PowerOn() {
  if (powered_) return;
  powered_ = true;
  world_.network().PowerOn(host_);
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
