// What each kind of fault does to the world.
#include <algorithm>
#include <functional>
#include <utility>

#include "sim/fault/fault_plan.pb.h"
#include "sim/fault/injector.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

// Deliveries that reset_connections cuts: about as many as there are streams between two machines.
constexpr uint32_t kStreamsReset = 4;

}  // namespace

bool Injector::BeginProcessFault(const Fault& fault) {
  const Duration lasts = Nanoseconds(fault.for_ns());
  switch (fault.kind_case()) {
    case Fault::kKillProcess: {
      Process& process = ProcessOf(fault.kill_process().process());
      if (!process.running()) return false;
      process.Kill();
      process.StartAfter(lasts);
      return true;
    }
    case Fault::kRebootMachine: {
      Machine& machine = MachineOf(fault.reboot_machine().machine());
      if (!machine.powered()) return false;
      for (Process* process : machine.processes()) {
        process->Kill();
        process->StartAfter(lasts);
      }
      return true;
    }
    case Fault::kPowerLoss: {
      bool any = false;
      for (const std::string& name : fault.power_loss().machines()) {
        Machine& machine = MachineOf(name);
        if (!machine.powered()) continue;
        any = true;
        machine.PowerOff();
        After(lasts, [&machine] { machine.PowerOn(); });
      }
      return any;
    }
    case Fault::kPauseProcess: {
      Process& process = ProcessOf(fault.pause_process().process());
      if (!process.running()) return false;
      process.Pause(lasts);
      return true;
    }
    case Fault::kSlowProcessor: {
      Process& process = ProcessOf(fault.slow_processor().process());
      process.SetTurnCost(Nanoseconds(fault.slow_processor().turn_ns()));
      After(lasts, [&process] { process.SetTurnCost(Duration::zero()); });
      return true;
    }
    case Fault::kWipeDisk: {
      Machine& machine = MachineOf(fault.wipe_disk().machine());
      for (Process* process : machine.processes()) {
        process->Kill();
        process->StartAfter(lasts);
      }
      machine.disk().Wipe();
      return true;
    }
    default:
      return false;
  }
}

void Injector::BeginNetwork(NetworkFault fault, Duration lasts) {
  world_.network().Begin(std::move(fault),
                         lasts > Duration::zero() ? world_.Now() + lasts : kNever);
}

bool Injector::BeginNetworkFault(const Fault& fault) {
  const Duration lasts = Nanoseconds(fault.for_ns());
  NetworkFault out;
  out.both_directions = false;
  switch (fault.kind_case()) {
    case Fault::kClogLink:
      out.kind = NetworkFaultKind::kClog;
      out.from = Hosts(fault.clog_link().from());
      out.to = Hosts(fault.clog_link().to());
      break;
    case Fault::kPartition:
      out.kind = NetworkFaultKind::kPartition;
      out.both_directions = !fault.partition().one_way();
      for (const auto& name : fault.partition().side_a()) out.from.push_back(Hosts(name)[0]);
      for (const auto& name : fault.partition().side_b()) out.to.push_back(Hosts(name)[0]);
      break;
    case Fault::kSlowLink:
      out.kind = NetworkFaultKind::kLatency;
      out.from = Hosts(fault.slow_link().from());
      out.to = Hosts(fault.slow_link().to());
      out.delay = Nanoseconds(fault.slow_link().latency_ns());
      break;
    case Fault::kHalfOpen:
      out.kind = NetworkFaultKind::kHalfOpen;
      out.from = Hosts(fault.half_open().knows());
      out.to = Hosts(fault.half_open().other());
      break;
    case Fault::kResetConnections:
      out.kind = NetworkFaultKind::kReset;
      out.both_directions = true;
      out.from = Hosts(fault.reset_connections().a());
      out.to = Hosts(fault.reset_connections().b());
      out.count = kStreamsReset;
      break;
    case Fault::kFlipBits:
      out.kind = NetworkFaultKind::kBitFlip;
      out.to = Hosts(fault.flip_bits().machine());
      out.count = fault.flip_bits().deliveries();
      break;
    case Fault::kStaleNames:
      out.kind = fault.stale_names().to_nothing() ? NetworkFaultKind::kNamesFail
                                                  : NetworkFaultKind::kNamesStale;
      break;
    case Fault::kSwizzle:
      BeginSwizzle(fault);
      return true;
    default:
      return false;
  }
  BeginNetwork(std::move(out), lasts);
  return true;
}

void Injector::BeginSwizzle(const Fault& fault) {
  const Swizzle& swizzle = fault.swizzle();
  // Clogged one by one over the first half of the time, unclogged over the second.
  const Duration half = Nanoseconds(fault.for_ns() / 2);
  const auto release = [&swizzle, half](const std::string& name) {
    const auto at = std::find(swizzle.unclog().begin(), swizzle.unclog().end(), name);
    return half + half * (at - swizzle.unclog().begin() + 1) / (swizzle.unclog_size() + 1);
  };
  for (int i = 0; i < swizzle.clog_size(); ++i) {
    const std::string& name = swizzle.clog(i);
    const Duration begin = half * i / swizzle.clog_size();
    const Duration lasts = release(name) - begin;
    After(begin, [this, host = Hosts(name), lasts] {
      BeginNetwork({.kind = NetworkFaultKind::kClog, .from = host, .to = {}}, lasts);
    });
  }
}

bool Injector::BeginDiskFault(const Fault& fault) {
  const Duration lasts = Nanoseconds(fault.for_ns());
  const auto disk = [this](const auto& body) { return &MachineOf(body.machine()).disk(); };
  switch (fault.kind_case()) {
    case Fault::kFailSync:
      disk(fault.fail_sync())->FailNextSync();
      return true;
    case Fault::kMisdirectWrite:
      disk(fault.misdirect_write())->MisdirectNextWrite();
      return true;
    case Fault::kLoseWrite:
      disk(fault.lose_write())->LoseNextWrite();
      return true;
    case Fault::kRotBits:
      disk(fault.rot_bits())->RotBits(fault.rot_bits().bits());
      return true;
    case Fault::kFailRead: {
      Disk* const at = disk(fault.fail_read());
      at->FailReads(fault.fail_read().one_in());
      After(lasts, [at] { at->FailReads(0); });
      return true;
    }
    case Fault::kFailWrite: {
      Disk* const at = disk(fault.fail_write());
      at->FailWrites(fault.fail_write().one_in());
      After(lasts, [at] { at->FailWrites(0); });
      return true;
    }
    case Fault::kFillDisk: {
      Disk* const at = disk(fault.fill_disk());
      at->SetCapacity(at->used_bytes());
      After(lasts, [at] { at->SetCapacity(Disk::kNoCapacityLimit); });
      return true;
    }
    case Fault::kReadOnlyDisk: {
      Disk* const at = disk(fault.read_only_disk());
      at->SetReadOnly(true);
      After(lasts, [at] { at->SetReadOnly(false); });
      return true;
    }
    case Fault::kSlowDisk: {
      Disk* const at = disk(fault.slow_disk());
      at->SetSlowness(std::max(1u, fault.slow_disk().times()));
      After(lasts, [at] { at->SetSlowness(1); });
      return true;
    }
    case Fault::kStallDisk:
      disk(fault.stall_disk())->StallUntil(world_.Now() + lasts);
      return true;
    default:
      return false;
  }
}

bool Injector::BeginClockFault(const Fault& fault) {
  const Duration lasts = Nanoseconds(fault.for_ns());
  switch (fault.kind_case()) {
    case Fault::kDriftClock: {
      Machine& machine = MachineOf(fault.drift_clock().machine());
      machine.SetDrift(fault.drift_clock().parts_per_million());
      After(lasts, [&machine] { machine.SetDrift(0); });
      return true;
    }
    case Fault::kJumpClock:
      MachineOf(fault.jump_clock().machine())
          .JumpForward(Nanoseconds(fault.jump_clock().forward_ns()));
      return true;
    case Fault::kShiftWallClock: {
      Machine& machine = MachineOf(fault.shift_wall_clock().machine());
      machine.SetWallOffset(fault.shift_wall_clock().micros());
      After(lasts, [&machine] { machine.SetWallOffset(0); });
      return true;
    }
    default:
      return false;
  }
}

}  // namespace orrery::sim
