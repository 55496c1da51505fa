// Processes of a sim::World, on two machines, without faults.
#include <functional>
#include <utility>

#include "core/async/future.h"
#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "tests/conformance/worlds.h"

namespace orrery::conformance {
namespace {

constexpr Duration kRunMax = Seconds(3600);
constexpr uint16_t kPeerPort = 4500;

class SimulatedWorld final : public ConformanceWorld {
 public:
  // Its clocks run at the speed that the seed draws.
  explicit SimulatedWorld(uint64_t seed)
      : world_(sim::World::Options{.seed = seed, .knobs = Knobs(seed)}),
        main_machine_(world_.AddMachine({.name = "m0", .zone = "z0"})),
        peer_machine_(world_.AddMachine({.name = "m1", .zone = "z1"})) {
    main_ = &world_.AddProcess(
        main_machine_,
        {.name = "main", .main = [this](Env& env) { return RunMain(env); }, .supervised = false});
    peer_ = &world_.AddProcess(
        peer_machine_,
        {.name = "peer", .main = [this](Env& env) { return RunPeer(env); }, .supervised = false});
    Random random = world_.Stream("conformance");
    main_machine_.SetDrift(random.Between(-200, 200));
    peer_machine_.SetDrift(random.Between(-200, 200));
    killer_.run = [](ReadyNode* node) { static_cast<Killer*>(node)->process->Kill(); };
  }

  absl::Status Run(Main main) override {
    main_body_ = std::move(main);
    result_ = absl::OkStatus();
    killer_.process = main_;
    main_->Start();
    while (main_->running() && !world_.failed() && world_.Step()) continue;
    for (const sim::Failure& failure : world_.failures()) {
      ADD_FAILURE() << failure.kind << ": " << failure.text;
    }
    peer_->Kill();
    main_->Kill();  // Only when the world failed is it up still.
    return result_;
  }

  void KillSoon() override { world_.loop().ArmAt(killer_, world_.Now()); }

  void DefinePeer(Main main) override { peer_body_ = std::move(main); }

  Task<absl::Status> StartPeer(Env& env) override {
    peer_ready_ = false;
    co_await OnWorldLoop([this] { peer_->Start(); });
    while (!peer_ready_ && peer_->running()) co_await Sleep(env.clock(), Milliseconds(1));
    co_return absl::OkStatus();
  }

  Task<> KillPeer(Env&) override {
    co_await OnWorldLoop([this] { peer_->Kill(); });
  }

  void PeerReady() override { peer_ready_ = true; }

  NetworkAddress peer_address() const override { return peer_machine_.address(kPeerPort); }

 private:
  struct Killer : TimerNode {
    sim::Process* process = nullptr;
  };
  struct Action : TimerNode {
    std::function<void()> act;
    Promise<absl::Status> done;
  };

  const KnobSet* Knobs(uint64_t seed) {
    knobs_.Add<RpcKnobs>();
    knobs_.Randomise(seed);
    return &knobs_;
  }

  // Does `act` between events, from outside of every process, and waits for it.
  Task<> OnWorldLoop(std::function<void()> act) {
    Action action;
    action.act = std::move(act);
    action.run = [](ReadyNode* node) {
      Action& self = *static_cast<Action*>(node);
      self.act();
      self.done.Set(absl::OkStatus());
    };
    Future<absl::Status> done = action.done.future();
    world_.loop().ArmAt(action, world_.Now());
    EXPECT_TRUE((co_await std::move(done)).ok());
  }

  Task<absl::Status> RunMain(Env& env) {
    result_ = co_await Timeout(env.clock(), kRunMax, main_body_(env));
    co_return absl::OkStatus();
  }

  Task<absl::Status> RunPeer(Env& env) {
    const absl::Status status = co_await peer_body_(env);
    EXPECT_TRUE(status.ok()) << "the other process: " << Describe(status);
    co_return absl::OkStatus();
  }

  KnobSet knobs_;
  Main main_body_;  // Outlive what they started.
  Main peer_body_;
  sim::World world_;
  sim::Machine& main_machine_;
  sim::Machine& peer_machine_;
  sim::Process* main_;
  sim::Process* peer_;
  absl::Status result_;
  bool peer_ready_ = false;
  Killer killer_;
};

}  // namespace

std::unique_ptr<ConformanceWorld> MakeSimulatedWorld(uint64_t seed) {
  return std::make_unique<SimulatedWorld>(seed);
}

}  // namespace orrery::conformance
