// Streams, buggification and the order of a process's end.
#include "sim/world/sim_env.h"

#include "core/knobs/knobs.h"
#include "sim/world/machine.h"
#include "sim/world/process.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

Locality LocalityOf(const Process& process) {
  const MachineSpec& machine = process.machine().spec();
  return {.process = process.name(),
          .machine = machine.name,
          .zone = machine.zone,
          .data_center = machine.data_center,
          .region = machine.region};
}

}  // namespace

SimEnv::SimEnv(World& world, Process& process, uint64_t key, Loop::Options loop_options)
    : world_(world),
      process_(process),
      key_(key),
      locality_(LocalityOf(process)),
      loop_(world.timeline(), key, loop_options),
      trace_(loop_, *this, world.options().trace_level),
      memory_(world.options().process_memory_bytes),
      threads_(loop_),
      network_(world.network().Attach(loop_, process.machine().host())),
      files_(process.machine().disk().Attach(loop_, process.name())) {
  root_ = std::make_unique<TaskGroup>(loop_, [this](std::string_view task, absl::Status status) {
    if (auto e = trace_.Error("RootTaskFailed")) e.Add("task", task).Add("status", status);
  });
}

SimEnv::~SimEnv() {
  Fence();
  root_.reset();
}

void SimEnv::Fence() {
  loop_.Fence();
  network_->Fence();
  files_->Fence();
  threads_.Fence();
}

Random& SimEnv::random(Purpose purpose) {
  auto [stream, added] = streams_.TryEmplace(purpose.key);
  if (added) {
    *stream = std::make_unique<Random>(HashWords(world_.options().seed, key_, purpose.key));
  }
  return **stream;
}

const KnobSet& SimEnv::knobs() const { return *world_.options().knobs; }

bool SimEnv::BuggifyFires(Purpose site, Ratio probability) {
  // A quarter of the sites is active in a world, drawn for each site by itself.
  const uint64_t seed = world_.options().seed;
  if (!world_.buggify() || HashWords(seed, site.key, HashName("buggify site")) % 4 != 0) {
    return false;
  }
  const uint64_t pass = ++buggify_passes_[site.key];
  const uint64_t draw = HashWords(seed, key_, site.key, pass);
  const bool fires = draw % probability.denominator < probability.numerator;
  if (fires) world_.timeline().Note(Happening::kDraw, key_, site.key, pass);
  return fires;
}

void SimEnv::Emit(const TraceRecord& record) {
  // A killed process tells nothing; but what it finds broken on its way out is a failure.
  if (loop_.fenced() && record.level != TraceLevel::kError) return;
  world_.OnTrace(process_, record);
}

}  // namespace orrery::sim
