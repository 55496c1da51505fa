// Machine: what processes share: an address, a disk, a clock, power.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/disk/disk.h"
#include "sim/network/network_model.h"

namespace orrery::sim {

class Process;
class World;

struct MachineSpec {
  std::string name;  // Unique in the world, and its name in the network: Resolve finds it.
  std::string zone;
  std::string data_center;
  std::string region;
  bool sheltered = false;  // Outside of the system under test: faults leave its processes and disk
                           // alone. (Its network is as bad as everybody's.)
};

class Machine {
 public:
  Machine(World& world, MachineSpec spec, uint32_t index);
  ~Machine();

  const MachineSpec& spec() const { return spec_; }
  const std::string& name() const { return spec_.name; }
  uint64_t key() const { return key_; }
  NetworkAddress address(uint16_t port) const { return NetworkAddress::V4(ip_, port); }
  HostId host() const { return host_; }
  Disk& disk() { return *disk_; }
  const std::vector<Process*>& processes() const { return processes_; }
  bool powered() const { return powered_; }

  // Every process dies, the disk loses what was not synced as its model draws, and the network
  // says nothing to peers. Processes come back with PowerOn.
  void PowerOff();
  void PowerOn();

  // The clock of the machine, for all its processes from now on and after restarts.
  void SetDrift(int64_t ppm);
  void JumpForward(Duration d);
  void SetWallOffset(int64_t micros);
  int64_t drift_ppm() const { return drift_ppm_; }
  int64_t wall_offset_micros() const { return wall_offset_micros_; }

 private:
  friend class World;

  World& world_;
  const MachineSpec spec_;
  const uint64_t key_;
  const uint32_t ip_;
  HostId host_;
  std::unique_ptr<Disk> disk_;
  std::vector<Process*> processes_;
  bool powered_ = true;
  int64_t drift_ppm_ = 0;
  int64_t wall_offset_micros_ = 0;
};

}  // namespace orrery::sim
