// Process: one simulated process through all its incarnations, and the supervisor that starts it
// again when it ended by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/async/clock.h"
#include "core/env/env.h"

namespace orrery::sim {

class Machine;
class SimEnv;
class World;

// What a kProcess entry of the hash is about.
enum class ProcessStep : uint8_t { kStarted = 1, kKilled = 2, kEnded = 3, kPaused = 4 };
const char* NameOf(ProcessStep step);

// What a process runs. Called once per incarnation. It ends when the task ends.
using ProcessMain = std::function<Task<absl::Status>(Env&)>;

struct ProcessSpec {
  std::string name;  // Unique in the world; the directory of its files on the machine's disk.
  ProcessMain main;
  // Whether its end, by itself, is followed by a new start after a drawn delay, as a supervisor
  // would; otherwise it stays down.
  bool supervised = true;
};

class Process {
 public:
  Process(World& world, Machine& machine, ProcessSpec spec);
  ~Process();

  const std::string& name() const { return spec_.name; }
  Machine& machine() const { return machine_; }
  bool running() const { return env_ != nullptr; }
  uint32_t incarnation() const { return incarnation_; }  // 1 for the first; 0 before it.

  // The key of the Loop of one of its lives.
  static uint64_t LoopKey(std::string_view process, uint32_t incarnation);

  // The task that runs on it right now; nullptr when none does.
  const TaskContext* RunningTask() const;

  // The Env of the running incarnation. REQUIRES: running().
  Env& env();

  // The root group of the running incarnation: for whoever runs something on the process from
  // outside of it. REQUIRES: running().
  TaskGroup& tasks();

  // REQUIRES: !running() and the machine has power.
  void Start();

  // kill -9: nothing it does from now on has an effect; files keep what was written, and peers
  // learn of it by resets. It stays down until Start. No effect when it is down.
  void Kill();

  // Starts it after `delay`, if it is down then and its machine has power.
  void StartAfter(Duration delay);

  // Dispatches nothing until `d` has passed (SIGSTOP, a frozen VM), then goes on.
  void Pause(Duration d);
  void Resume();  // Now, not when the pause was to end.
  bool paused() const;

  // Each turn takes `cost` of virtual time from now on, also after restarts; zero heals.
  void SetTurnCost(Duration cost);

  // The machine's clock changed.
  void ApplyClock();
  void JumpForward(Duration d);

 private:
  friend class Machine;
  friend class SimEnv;
  friend class World;

  struct Ended : TimerNode {
    explicit Ended(Process& owner);
    Process& process;
  };
  struct Restart : TimerNode {
    explicit Restart(Process& owner);
    Process& process;
  };

  void OnMainEnded(absl::Status status);
  void TraceEnded(std::string_view why);
  void StopDispatch();  // First half of Kill when the whole machine goes: fences the loop.
  void Destroy();

  World& world_;
  Machine& machine_;
  const ProcessSpec spec_;
  const uint64_t key_;
  uint32_t incarnation_ = 0;
  Duration turn_cost_{};
  absl::Status exit_status_;  // Of the task that ended last.
  std::unique_ptr<SimEnv> env_;
  Ended ended_;
  Restart restart_;
};

}  // namespace orrery::sim
