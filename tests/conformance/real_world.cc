// Processes as RealEnvs, each in a directory and on a thread of its own.
#include <stdlib.h>

#include <atomic>
#include <thread>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "core/real/testing/certificates.h"
#include "core/rpc/rpc_knobs.h"
#include "tests/conformance/worlds.h"

namespace orrery::conformance {
namespace {

constexpr Duration kRunMax = Seconds(100);
constexpr uint16_t kPeerPort = 4500;

class RealWorld final : public ConformanceWorld {
 public:
  explicit RealWorld(RealWorldOptions options) {
    std::string pattern = ::testing::TempDir() + "/conformance.XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    knobs_.Add<real::RealKnobs>();
    knobs_.Add<RpcKnobs>();
    EXPECT_TRUE(knobs_.Set("real_local_streams", options.local_streams ? "true" : "false").ok());
    if (!options.tls) return;
    auto authority = real::TestAuthority::Create(directory_, "authority");
    EXPECT_TRUE(authority.ok()) << Describe(authority.status());
    authority_ = *std::move(authority);
  }
  ~RealWorld() override { EndPeer(); }

  absl::Status Run(Main main) override {
    ASSIGN_OR_RETURN(main_, Make("main"));
    // A machine has many loopback addresses: nobody else listens at one drawn from 16 million.
    const uint32_t drawn =
        static_cast<uint32_t>(main_->env().random("peer_address").Below(1 << 24));
    peer_address_ = NetworkAddress::V4((127u << 24) | drawn, kPeerPort);
    const absl::Status status = main_->Run([&main](Env& env) -> Task<absl::Status> {
      co_return co_await Timeout(env.clock(), kRunMax, main(env));
    });
    EndPeer();
    main_.reset();
    return status;
  }

  void KillSoon() override { main_->Stop(); }

  void DefinePeer(Main main) override { peer_main_ = std::move(main); }

  Task<absl::Status> StartPeer(Env& env) override {
    CO_ASSIGN_OR_RETURN(peer_, Make("peer"));
    peer_ready_ = false;
    peer_ended_ = false;
    thread_ = std::thread([this] {
      const absl::Status status = peer_->Run([this](Env& own) { return peer_main_(own); });
      EXPECT_TRUE(status.ok()) << "the other process: " << Describe(status);
      peer_ended_ = true;
    });
    while (!peer_ready_ && !peer_ended_) co_await Sleep(env.clock(), Milliseconds(1));
    co_return absl::OkStatus();
  }

  Task<> KillPeer(Env&) override {
    EndPeer();
    co_return;
  }

  void PeerReady() override { peer_ready_ = true; }

  NetworkAddress peer_address() const override { return peer_address_; }

 private:
  absl::StatusOr<std::unique_ptr<real::RealEnv>> Make(const std::string& name) {
    real::RealOptions options;
    options.data_directory = directory_ + "/" + name;
    options.trace_path = directory_ + "/" + name + ".trace";
    options.locality.process = name;
    options.knobs = &knobs_;
    if (authority_ != nullptr) {
      ASSIGN_OR_RETURN(options.tls, authority_->Issue(name));
    }
    return real::RealEnv::Create(std::move(options));
  }

  void EndPeer() {
    if (peer_ == nullptr) return;
    peer_->Stop();
    if (thread_.joinable()) thread_.join();
    peer_.reset();
  }

  std::string directory_;
  KnobSet knobs_;
  std::unique_ptr<real::TestAuthority> authority_;
  std::unique_ptr<real::RealEnv> main_;
  NetworkAddress peer_address_;
  Main peer_main_;
  std::unique_ptr<real::RealEnv> peer_;
  std::thread thread_;
  std::atomic<bool> peer_ready_{false};
  std::atomic<bool> peer_ended_{false};
};

}  // namespace

std::unique_ptr<ConformanceWorld> MakeRealWorld(RealWorldOptions options) {
  return std::make_unique<RealWorld>(options);
}

}  // namespace orrery::conformance
