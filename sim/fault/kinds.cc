// How a fault of each kind is drawn.
#include "sim/fault/kinds.h"

#include <algorithm>

#include "sim/fault/fault_plan.pb.h"

namespace orrery::sim {
namespace {

using Targets = FaultTargets;

template <class T>
const T& Pick(const std::vector<T>& from, Random& random) {
  return from[random.Below(from.size())];
}

const std::string& PickMachine(const Targets& targets, Random& random) {
  return Pick(targets.machines, random).name;
}

// Two different machines, clients' included, at least the first under test.
struct Pair {
  std::string a;
  std::string b;
};
Pair PickPair(const Targets& targets, Random& random) {
  Pair pair{PickMachine(targets, random), {}};
  do {
    pair.b = Pick(targets.everywhere, random);
  } while (pair.b == pair.a);
  if (random.Chance(OneIn(2))) std::swap(pair.a, pair.b);
  return pair;
}

bool NoPair(const Targets& targets) {
  return targets.machines.empty() || targets.everywhere.size() < 2;
}

bool KillProcess_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.processes.empty()) return false;
  fault.mutable_kill_process()->set_process(Pick(targets.processes, random));
  return true;
}

bool RebootMachine_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.machines.empty()) return false;
  fault.mutable_reboot_machine()->set_machine(PickMachine(targets, random));
  return true;
}

// One machine most often; sometimes its zone, its data center, or everything.
bool PowerLoss_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.machines.empty()) return false;
  const Targets::MachinePlace& center = Pick(targets.machines, random);
  const uint64_t reach = random.Below(10);
  for (const Targets::MachinePlace& machine : targets.machines) {
    const bool same_center = machine.data_center == center.data_center;
    const bool hit = reach < 5   ? machine.name == center.name
                     : reach < 7 ? same_center && machine.zone == center.zone
                     : reach < 8 ? same_center
                                 : true;
    if (hit) fault.mutable_power_loss()->add_machines(machine.name);
  }
  return true;
}

bool PauseProcess_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.processes.empty()) return false;
  fault.mutable_pause_process()->set_process(Pick(targets.processes, random));
  return true;
}

bool SlowProcessor_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.processes.empty()) return false;
  fault.mutable_slow_processor()->set_process(Pick(targets.processes, random));
  fault.mutable_slow_processor()->set_turn_ns(
      ToNanoseconds(random.Between(Microseconds(50), Milliseconds(10))));
  return true;
}

bool WipeDisk_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.machines.empty()) return false;
  fault.mutable_wipe_disk()->set_machine(PickMachine(targets, random));
  return true;
}

bool ClogLink_(Fault& fault, Random& random, const Targets& targets) {
  if (NoPair(targets)) return false;
  const Pair pair = PickPair(targets, random);
  fault.mutable_clog_link()->set_from(pair.a);
  fault.mutable_clog_link()->set_to(pair.b);
  return true;
}

// Each machine goes to one side, the other side, or (a partial partition, in some draws) neither.
bool Partition_(Fault& fault, Random& random, const Targets& targets) {
  if (NoPair(targets)) return false;
  Partition& partition = *fault.mutable_partition();
  partition.set_one_way(random.Chance(OneIn(4)));
  const bool partial = random.Chance(OneIn(3));
  const uint64_t small_side = random.Between(2, 5);
  for (const std::string& machine : targets.everywhere) {
    const uint64_t draw = random.Below(small_side * 2);
    if (partial && draw % 3 == 2) continue;
    (draw < 2 ? partition.add_side_a() : partition.add_side_b())->assign(machine);
  }
  if (partition.side_a().empty()) partition.add_side_a(PickMachine(targets, random));
  auto& side_b = *partition.mutable_side_b();
  side_b.erase(std::remove(side_b.begin(), side_b.end(), partition.side_a(0)), side_b.end());
  return !side_b.empty();
}

bool SlowLink_(Fault& fault, Random& random, const Targets& targets) {
  if (NoPair(targets)) return false;
  const Pair pair = PickPair(targets, random);
  SlowLink& slow = *fault.mutable_slow_link();
  slow.set_from(pair.a);
  if (random.Chance({2, 3})) slow.set_to(pair.b);
  slow.set_latency_ns(ToNanoseconds(random.Chance(OneIn(3))
                                        ? random.Between(Milliseconds(50), Seconds(2))
                                        : random.Between(Milliseconds(1), Milliseconds(50))));
  return true;
}

bool HalfOpen_(Fault& fault, Random& random, const Targets& targets) {
  if (NoPair(targets)) return false;
  const Pair pair = PickPair(targets, random);
  fault.mutable_half_open()->set_knows(pair.a);
  fault.mutable_half_open()->set_other(pair.b);
  return true;
}

bool ResetConnections_(Fault& fault, Random& random, const Targets& targets) {
  if (NoPair(targets)) return false;
  const Pair pair = PickPair(targets, random);
  fault.mutable_reset_connections()->set_a(pair.a);
  fault.mutable_reset_connections()->set_b(pair.b);
  return true;
}

bool FlipBits_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.machines.empty()) return false;
  fault.mutable_flip_bits()->set_machine(PickMachine(targets, random));
  fault.mutable_flip_bits()->set_deliveries(static_cast<uint32_t>(random.Between(1, 5)));
  return true;
}

bool StaleNames_(Fault& fault, Random& random, const Targets&) {
  fault.mutable_stale_names()->set_to_nothing(random.Chance(OneIn(2)));
  return true;
}

bool Swizzle_(Fault& fault, Random& random, const Targets& targets) {
  if (targets.machines.size() < 2) return false;
  std::vector<std::string> names;
  for (const auto& machine : targets.machines) names.push_back(machine.name);
  random.Shuffle(names.begin(), names.end());
  names.resize(static_cast<size_t>(random.Between(2, static_cast<int64_t>(names.size()))));
  for (const std::string& name : names) fault.mutable_swizzle()->add_clog(name);
  random.Shuffle(names.begin(), names.end());
  for (const std::string& name : names) fault.mutable_swizzle()->add_unclog(name);
  return true;
}

// Disk faults that only name a machine.
template <class Message>
bool OnMachine(Message* (Fault::*make)(), Fault& fault, Random& random, const Targets& targets) {
  if (targets.machines.empty()) return false;
  (fault.*make)()->set_machine(PickMachine(targets, random));
  return true;
}
bool FailSync_(Fault& fault, Random& random, const Targets& targets) {
  return OnMachine(&Fault::mutable_fail_sync, fault, random, targets);
}
bool MisdirectWrite_(Fault& fault, Random& random, const Targets& targets) {
  return OnMachine(&Fault::mutable_misdirect_write, fault, random, targets);
}
bool LoseWrite_(Fault& fault, Random& random, const Targets& targets) {
  return OnMachine(&Fault::mutable_lose_write, fault, random, targets);
}
bool FillDisk_(Fault& fault, Random& random, const Targets& targets) {
  return OnMachine(&Fault::mutable_fill_disk, fault, random, targets);
}
bool StallDisk_(Fault& fault, Random& random, const Targets& targets) {
  return OnMachine(&Fault::mutable_stall_disk, fault, random, targets);
}
bool ReadOnlyDisk_(Fault& fault, Random& random, const Targets& targets) {
  return OnMachine(&Fault::mutable_read_only_disk, fault, random, targets);
}
bool FailRead_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_fail_read, fault, random, targets)) return false;
  fault.mutable_fail_read()->set_one_in(static_cast<uint32_t>(random.Between(1, 20)));
  return true;
}
bool FailWrite_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_fail_write, fault, random, targets)) return false;
  fault.mutable_fail_write()->set_one_in(static_cast<uint32_t>(random.Between(1, 20)));
  return true;
}
bool RotBits_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_rot_bits, fault, random, targets)) return false;
  fault.mutable_rot_bits()->set_bits(static_cast<uint32_t>(random.Between(1, 8)));
  return true;
}
bool SlowDisk_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_slow_disk, fault, random, targets)) return false;
  fault.mutable_slow_disk()->set_times(static_cast<uint32_t>(random.Between(2, 200)));
  return true;
}

bool DriftClock_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_drift_clock, fault, random, targets)) return false;
  fault.mutable_drift_clock()->set_parts_per_million(random.Between(int64_t{-50'000}, 50'000));
  return true;
}
bool JumpClock_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_jump_clock, fault, random, targets)) return false;
  fault.mutable_jump_clock()->set_forward_ns(
      ToNanoseconds(random.Between(Milliseconds(10), Seconds(30))));
  return true;
}
bool ShiftWallClock_(Fault& fault, Random& random, const Targets& targets) {
  if (!OnMachine(&Fault::mutable_shift_wall_clock, fault, random, targets)) return false;
  constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;
  fault.mutable_shift_wall_clock()->set_micros(random.Between(-kDayMicros, kDayMicros));
  return true;
}

constexpr Duration kNone = Duration::zero();

constexpr FaultKind kKinds[] = {
    {"kill_process", "process", Milliseconds(1), Seconds(10), 4, KillProcess_},
    {"reboot_machine", "process", Milliseconds(100), Seconds(15), 2, RebootMachine_},
    {"power_loss", "process", Milliseconds(100), Seconds(15), 3, PowerLoss_},
    {"pause_process", "process", Milliseconds(10), Seconds(15), 2, PauseProcess_},
    {"slow_processor", "process", Seconds(1), Seconds(20), 1, SlowProcessor_},
    {"wipe_disk", "process", Milliseconds(100), Seconds(10), 1, WipeDisk_},
    {"clog_link", "network", Milliseconds(10), Seconds(10), 3, ClogLink_},
    {"partition", "network", Milliseconds(100), Seconds(20), 3, Partition_},
    {"slow_link", "network", Milliseconds(100), Seconds(20), 2, SlowLink_},
    {"half_open", "network", kNone, kNone, 1, HalfOpen_},
    {"reset_connections", "network", kNone, kNone, 2, ResetConnections_},
    {"flip_bits", "network", kNone, kNone, 1, FlipBits_},
    {"stale_names", "network", Seconds(1), Seconds(20), 1, StaleNames_},
    {"swizzle", "network", Seconds(1), Seconds(20), 1, Swizzle_},
    {"fail_sync", "disk", kNone, kNone, 2, FailSync_},
    {"fail_read", "disk", Milliseconds(100), Seconds(10), 1, FailRead_},
    {"fail_write", "disk", Milliseconds(100), Seconds(10), 1, FailWrite_},
    {"rot_bits", "disk", kNone, kNone, 1, RotBits_},
    {"misdirect_write", "disk", kNone, kNone, 1, MisdirectWrite_},
    {"lose_write", "disk", kNone, kNone, 1, LoseWrite_},
    {"fill_disk", "disk", Milliseconds(100), Seconds(10), 1, FillDisk_},
    {"slow_disk", "disk", Milliseconds(100), Seconds(20), 2, SlowDisk_},
    {"stall_disk", "disk", Milliseconds(100), Seconds(60), 1, StallDisk_},
    {"read_only_disk", "disk", Milliseconds(100), Seconds(10), 1, ReadOnlyDisk_},
    {"drift_clock", "clock", Seconds(1), Seconds(30), 2, DriftClock_},
    {"jump_clock", "clock", kNone, kNone, 1, JumpClock_},
    {"shift_wall_clock", "clock", Seconds(1), Seconds(30), 1, ShiftWallClock_},
};

}  // namespace

std::span<const FaultKind> AllFaultKinds() { return kKinds; }

const FaultKind* KindOf(const Fault& fault) {
  const auto* one_of = Fault::descriptor()->FindOneofByName("kind");
  const auto* field = fault.GetReflection()->GetOneofFieldDescriptor(fault, one_of);
  if (field == nullptr) return nullptr;
  for (const FaultKind& kind : kKinds) {
    if (kind.name == field->name()) return &kind;
  }
  return nullptr;
}

}  // namespace orrery::sim
