// MemoryNetwork: byte streams between processes of one ManualLoop, without latency, for tests.
// Streams can be held, cut, corrupted and split, one by one. MemoryEnv: the Env of such a process;
// it has no files and no threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/notify.h"
#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "core/observe/memory_budget.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"

namespace orrery::testing_rpc {

// One direction of a stream.
struct Direction {
  std::deque<Buffer> arrived;
  std::vector<Buffer> queued;  // Written, not left.
  size_t queued_bytes = 0;
  uint64_t writes = 0;  // Pieces that left: one for each turn with output.
  uint64_t sent_bytes = 0;
  bool held = false;      // Nothing leaves.
  bool finished = false;  // FinishWriting, and everything has left.
  bool finishing = false;
  Notify readable;
  Notify writable;
};

struct Stream {
  Direction directions[2];  // 0: from the one who connected.
  bool broken = false;
  NetworkAddress addresses[2];
  bool open[2] = {true, true};

  void Break();
};

class MemoryNetwork {
 public:
  explicit MemoryNetwork(ManualLoop& loop) : loop_(loop) {}

  ManualLoop& loop() { return loop_; }

  // Every stream ever made, in order of connecting.
  std::vector<std::shared_ptr<Stream>> streams;

  // Called with each piece that leaves, before it arrives; may change it.
  std::function<void(Stream&, int direction, std::string& bytes)> on_piece;

  size_t split_bytes = SIZE_MAX;  // Pieces arrive in parts of at most this.
  bool refuse = false;            // Connections are refused,
  bool blackhole = false;         // or never answered.

  std::map<std::string, std::vector<NetworkAddress>> names;  // For Resolve.
  int resolves = 0;

  void Release(Stream& stream, int direction);  // Ends a hold.

 private:
  friend class MemoryConnection;
  friend class MemoryListener;
  friend class EnvNetwork;

  void Leave(Stream& stream, int direction);

  ManualLoop& loop_;
  std::map<NetworkAddress, class MemoryListener*> listeners_;
  uint16_t next_port_ = 20000;
};

// The network as one process sees it.
class EnvNetwork final : public Network {
 public:
  EnvNetwork(MemoryNetwork& network, uint32_t ip) : network_(network), ip_(ip) {}
  absl::StatusOr<std::unique_ptr<Listener>> Listen(NetworkAddress address) override;
  Task<absl::StatusOr<std::unique_ptr<Connection>>> Connect(NetworkAddress address) override;
  Task<absl::StatusOr<std::vector<NetworkAddress>>> Resolve(std::string host,
                                                            uint16_t port) override;

 private:
  MemoryNetwork& network_;
  const uint32_t ip_;
};

// Keeps trace events.
struct TraceLog : TraceSink {
  void Emit(const TraceRecord& record) override { records.push_back(record); }
  size_t Count(const std::string& type) const;
  std::vector<TraceRecord> records;
};

class MemoryEnv : public Env {
 public:
  static constexpr uint64_t kMemoryBytes = 256 << 20;

  // `ip` is the process's address. The knobs have RpcKnobs.
  MemoryEnv(MemoryNetwork& network, uint32_t ip, uint64_t memory_bytes = kMemoryBytes,
            TraceLevel least = TraceLevel::kInfo);

  Clock& clock() override { return loop_; }
  Executor& executor() override { return loop_; }
  Network& network() override { return network_; }
  FileSystem& files() override;
  Threads& threads() override;
  Random& random(Purpose purpose) override;
  Trace& trace() override { return trace_; }
  Metrics& metrics() override { return metrics_; }
  Probes& probes() override { return probes_; }
  MemoryBudget& memory() override { return memory_; }
  const KnobSet& knobs() const override { return knobs_; }
  const Locality& locality() const override { return locality_; }
  bool BuggifyFires(Purpose, Ratio) override { return false; }

  void Set(const std::string& knob, const std::string& value);
  uint64_t Counted(const std::string& metric, MetricLabels labels = {}) const;

  TraceLog log;

 private:
  ManualLoop& loop_;
  EnvNetwork network_;
  std::map<uint64_t, Random> randoms_;
  Trace trace_;
  Metrics metrics_;
  Probes probes_;
  MemoryBudget memory_;
  KnobSet knobs_;
  Locality locality_;
};

}  // namespace orrery::testing_rpc
