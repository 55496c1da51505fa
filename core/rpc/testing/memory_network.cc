// Streams in memory. What was written in a turn arrives at its end, in one piece or as split.
#include "core/rpc/testing/memory_network.h"

#include <algorithm>
#include <utility>

#include "core/async/sleep.h"
#include "core/base/invariant.h"
#include "core/rpc/rpc_knobs.h"

namespace orrery::testing_rpc {

constexpr size_t kWritableBytes = 128 << 10;

class MemoryListener final : public Listener {
 public:
  MemoryListener(MemoryNetwork& network, NetworkAddress address)
      : network_(network), address_(address) {
    network_.listeners_[address_] = this;
  }
  ~MemoryListener() override {
    network_.listeners_.erase(address_);
    for (auto& stream : arrived_) stream->Break();
  }

  Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept() override;
  NetworkAddress local_address() const override { return address_; }

  void Arrive(std::shared_ptr<Stream> stream) {
    arrived_.push_back(std::move(stream));
    changed_.NotifyAll();
  }

 private:
  MemoryNetwork& network_;
  const NetworkAddress address_;
  std::deque<std::shared_ptr<Stream>> arrived_;
  Notify changed_;
};

class MemoryConnection final : public Connection {
 public:
  MemoryConnection(MemoryNetwork& network, std::shared_ptr<Stream> stream, int side)
      : network_(network), stream_(std::move(stream)), side_(side) {
    leave_.run = [](ReadyNode* node) {
      MemoryConnection& self = *static_cast<LeaveNode*>(node)->self;
      self.network_.Leave(*self.stream_, self.side_);
    };
    leave_.self = this;
  }
  ~MemoryConnection() override {
    stream_->open[side_] = false;
    if (!out().finished || !in().finished) stream_->Break();
  }

  Task<absl::StatusOr<Buffer>> Read() override {
    while (in().arrived.empty()) {
      if (in().finished) co_return Buffer();
      if (stream_->broken) co_return Error(ErrorCode::connection_failed);
      co_await in().readable.Wait();
    }
    Buffer piece = std::move(in().arrived.front());
    in().arrived.pop_front();
    co_return piece;
  }
  void Write(Buffer bytes) override {
    if (stream_->broken || bytes.empty()) return;
    out().queued_bytes += bytes.size();
    out().queued.push_back(std::move(bytes));
    LeaveSoon();
  }
  void FinishWriting() override {
    out().finishing = true;
    LeaveSoon();
  }
  size_t QueuedBytes() const override { return stream_->directions[side_].queued_bytes; }
  Task<absl::Status> WaitWritable() override {
    while (out().queued_bytes > kWritableBytes) {
      if (stream_->broken) co_return Error(ErrorCode::connection_failed);
      co_await out().writable.Wait();
    }
    co_return absl::OkStatus();
  }
  NetworkAddress local_address() const override { return stream_->addresses[side_]; }
  NetworkAddress peer_address() const override { return stream_->addresses[1 - side_]; }
  const std::string& peer_name() const override { return name_; }

 private:
  struct LeaveNode : ReadyNode {
    MemoryConnection* self;
  };
  Direction& in() { return stream_->directions[1 - side_]; }
  Direction& out() { return stream_->directions[side_]; }
  void LeaveSoon() {
    if (!leave_.queued()) network_.loop().AtTurnEnd(leave_);
  }

  MemoryNetwork& network_;
  std::shared_ptr<Stream> stream_;
  const int side_;
  const std::string name_;
  LeaveNode leave_;
};

void Stream::Break() {
  broken = true;
  for (Direction& each : directions) {
    each.queued.clear();
    each.queued_bytes = 0;
    each.readable.NotifyAll();
    each.writable.NotifyAll();
  }
}

void MemoryNetwork::Release(Stream& stream, int direction) {
  stream.directions[direction].held = false;
  Leave(stream, direction);
}

void MemoryNetwork::Leave(Stream& stream, int direction) {
  Direction& out = stream.directions[direction];
  if (out.held || stream.broken) return;
  std::string bytes;
  for (const Buffer& each : out.queued) bytes += each.view();
  out.queued.clear();
  out.queued_bytes = 0;
  if (!bytes.empty()) {
    ++out.writes;
    out.sent_bytes += bytes.size();
    if (on_piece) on_piece(stream, direction, bytes);
  }
  for (size_t at = 0; at < bytes.size();) {
    const size_t part = std::min(split_bytes, bytes.size() - at);
    out.arrived.push_back(Buffer::Copy(std::string_view(bytes).substr(at, part)));
    at += part;
  }
  if (out.finishing) out.finished = true;
  out.readable.NotifyAll();
  out.writable.NotifyAll();
}

Task<absl::StatusOr<std::unique_ptr<Connection>>> MemoryListener::Accept() {
  while (arrived_.empty()) co_await changed_.Wait();
  std::shared_ptr<Stream> stream = std::move(arrived_.front());
  arrived_.pop_front();
  co_return std::make_unique<MemoryConnection>(network_, std::move(stream), 1);
}

absl::StatusOr<std::unique_ptr<Listener>> EnvNetwork::Listen(NetworkAddress address) {
  if (address.port() == 0) address = address.WithPort(network_.next_port_++);
  if (network_.listeners_.contains(address)) return Error(ErrorCode::bind_failed);
  return std::make_unique<MemoryListener>(network_, address);
}

Task<absl::StatusOr<std::unique_ptr<Connection>>> EnvNetwork::Connect(NetworkAddress address) {
  co_await Yield();
  if (network_.blackhole) co_await Sleep(network_.loop(), Seconds(3600));
  const auto at = network_.listeners_.find(address);
  if (network_.refuse || at == network_.listeners_.end()) {
    co_return Error(ErrorCode::connection_failed);
  }
  auto stream = std::make_shared<Stream>();
  stream->addresses[0] = NetworkAddress::V4(ip_, network_.next_port_++);
  stream->addresses[1] = address;
  network_.streams.push_back(stream);
  at->second->Arrive(stream);
  co_return std::make_unique<MemoryConnection>(network_, std::move(stream), 0);
}

Task<absl::StatusOr<std::vector<NetworkAddress>>> EnvNetwork::Resolve(std::string host,
                                                                      uint16_t port) {
  co_await Yield();
  ++network_.resolves;
  const auto at = network_.names.find(host);
  if (at == network_.names.end()) co_return Error(ErrorCode::name_not_found);
  std::vector<NetworkAddress> out;
  for (const NetworkAddress& each : at->second) out.push_back(each.WithPort(port));
  co_return out;
}

size_t TraceLog::Count(const std::string& type) const {
  return static_cast<size_t>(
      std::ranges::count_if(records, [&](const TraceRecord& each) { return each.type == type; }));
}

MemoryEnv::MemoryEnv(MemoryNetwork& network, uint32_t ip, uint64_t memory_bytes, TraceLevel least)
    : loop_(network.loop()),
      network_(network, ip),
      trace_(loop_, log, least),
      memory_(memory_bytes) {
  knobs_.Add<RpcKnobs>();
}

FileSystem& MemoryEnv::files() {
  INVARIANT(false, "no files here");
  __builtin_unreachable();
}

Threads& MemoryEnv::threads() {
  INVARIANT(false, "no threads here");
  __builtin_unreachable();
}

Random& MemoryEnv::random(Purpose purpose) {
  return randoms_.try_emplace(purpose.key, Random(purpose.key)).first->second;
}

void MemoryEnv::Set(const std::string& knob, const std::string& value) {
  const absl::Status set = knobs_.Set(knob, value);
  INVARIANT(set.ok(), Describe(set));
}

uint64_t MemoryEnv::Counted(const std::string& metric, MetricLabels labels) const {
  const Metric* const found = metrics_.Find(metric, std::move(labels));
  INVARIANT(found != nullptr, metric);
  if (const Gauge* gauge = std::get_if<Gauge>(&found->value)) {
    return static_cast<uint64_t>(gauge->value());
  }
  return std::get<Counter>(found->value).value();
}

}  // namespace orrery::testing_rpc
