// The Network of one simulated process: handles on streams, listeners, look-ups.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/network_model.h"
#include "sim/network/ring.h"
#include "sim/network/stream.h"
#include "sim/network/wire.h"

namespace orrery::sim {

// 127.0.0.0/8 and ::1.
bool IsLoopback(const NetworkAddress& address);

// What the wire knows of a listener: shared by its handle and the operations on it.
class ListenerState {
 public:
  ListenerState(Wire& wire, Loop& loop, HostId host, NetworkAddress address)
      : wire_(wire), loop_(loop), host_(host), address_(address) {}
  ListenerState(const ListenerState&) = delete;
  ListenerState& operator=(const ListenerState&) = delete;

  Loop& loop() const { return loop_; }
  const NetworkAddress& address() const { return address_; }

  // Whether it listens on `address`, whose port it has.
  bool Hears(const NetworkAddress& address) const;
  bool IsFull(uint32_t backlog_max) const { return backlog_.size() >= backlog_max; }
  void Queue(StreamEnd& end);
  bool closed() const { return closed_; }
  bool empty() const { return backlog_.empty(); }
  StreamPin Take() { return std::move(*backlog_.pop_front()); }

  // Stops listening; streams that nobody accepted are closed. Idempotent.
  void Close(bool loud);

  Waiter* acceptor = nullptr;

 private:
  Wire& wire_;
  Loop& loop_;
  const HostId host_;
  const NetworkAddress address_;
  bool closed_ = false;
  Ring<std::unique_ptr<StreamPin>> backlog_;
};

class SimProcessNetwork final : public ProcessNetwork {
 public:
  SimProcessNetwork(Wire& wire, Loop& loop, HostId host);
  ~SimProcessNetwork();

  absl::StatusOr<std::unique_ptr<Listener>> Listen(NetworkAddress address) override;
  Task<absl::StatusOr<std::unique_ptr<Connection>>> Connect(NetworkAddress address) override;
  Task<absl::StatusOr<std::vector<NetworkAddress>>> Resolve(std::string host,
                                                            uint16_t port) override;
  void Fence() override { End(true); }

  // The same without telling anybody: the power went off.
  void Silence() { End(false); }

  HostId host() const { return host_; }

 private:
  void End(bool loud);

  Wire& wire_;
  Loop& loop_;
  const HostId host_;
  bool fenced_ = false;
  uint64_t connects_ = 0;
  uint64_t resolves_ = 0;
  std::vector<std::weak_ptr<ListenerState>> listeners_;
};

}  // namespace orrery::sim
