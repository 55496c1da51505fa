// Handles and operations of one process. Operations hold pins on what they use, so that a handle
// may go before them.
#include "sim/network/process_network.h"

#include <utility>

#include "core/base/invariant.h"

namespace orrery::sim {
namespace {

const std::string kNoName;
constexpr uint32_t kLocalhost = 0x7f000001;

// Waits in `slot` until somebody takes it from there and wakes it.
class SlotAwaiter : public Waiter {
 public:
  explicit SlotAwaiter(Waiter*& slot) : slot_(slot) {}
  ~SlotAwaiter() {
    if (slot_ == this) slot_ = nullptr;
  }
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
    INVARIANT(slot_ == nullptr);  // One operation of a kind at a time.
    Suspend(awaiting);
    slot_ = this;
  }
  void await_resume() const noexcept {}

 private:
  Waiter*& slot_;
};

// Waits for a moment of world time.
class WorldSleep : public TimerNode {
 public:
  WorldSleep(Loop& loop, Time until) : loop_(loop), until_(until) {
    run = [](ReadyNode* node) { static_cast<WorldSleep*>(node)->handle_.resume(); };
  }
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
    handle_ = awaiting;
    context = awaiting.promise().context;
    context->leaf = awaiting.address();
    loop_.ArmAt(*this, until_);
  }
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
  Time until_;
  std::coroutine_handle<> handle_;
};

Task<absl::StatusOr<Buffer>> ReadFrom(StreamPin end) {
  while (!end->ReadReady()) co_await SlotAwaiter(end->reader);
  co_return end->TakeRead();
}

Task<absl::Status> WaitUntilWritable(StreamPin end) {
  while (!end->WriteReady()) co_await SlotAwaiter(end->writer);
  co_return end->WriteStatus();
}

class SimConnection final : public Connection {
 public:
  explicit SimConnection(StreamPin end) : end_(std::move(end)) {}
  ~SimConnection() { end_->Close(true); }

  Task<absl::StatusOr<Buffer>> Read() override { return ReadFrom(StreamPin(*end_)); }
  void Write(Buffer bytes) override { end_->Write(std::move(bytes)); }
  void FinishWriting() override { end_->FinishWriting(); }
  size_t QueuedBytes() const override { return end_->queued_bytes(); }
  Task<absl::Status> WaitWritable() override { return WaitUntilWritable(StreamPin(*end_)); }
  NetworkAddress local_address() const override { return end_->address; }
  NetworkAddress peer_address() const override { return end_->stream.end(1 - end_->side).address; }
  const std::string& peer_name() const override { return kNoName; }

 private:
  StreamPin end_;
};

// An attempt to connect: given up when it is destroyed.
class Attempt {
 public:
  explicit Attempt(StreamEnd& end) : end_(end) {}
  Attempt(Attempt&& other) = default;
  ~Attempt() {
    if (end_) end_->Close(true);
  }
  StreamEnd& operator*() const { return *end_; }
  StreamPin Release() { return std::move(end_); }

 private:
  StreamPin end_;
};

Task<absl::StatusOr<std::unique_ptr<Connection>>> ConnectStream(Attempt attempt,
                                                                NetworkAddress target) {
  StreamEnd& end = *attempt;
  if (end.state == StreamEnd::State::kConnecting) end.stream.BeginConnect(target);
  while (end.state == StreamEnd::State::kConnecting) co_await SlotAwaiter(end.connector);
  if (end.state != StreamEnd::State::kOpen) {
    co_return Error(ErrorCode::connection_failed, target.ToString());
  }
  co_return std::make_unique<SimConnection>(attempt.Release());
}

template <class T>
Task<absl::StatusOr<T>> Failed(absl::Status status) {
  co_return status;
}

Task<absl::StatusOr<std::unique_ptr<Connection>>> AcceptFrom(std::shared_ptr<ListenerState> from) {
  while (from->empty() && !from->closed()) co_await SlotAwaiter(from->acceptor);
  if (from->closed()) co_return Error(ErrorCode::operation_cancelled);
  co_return std::make_unique<SimConnection>(from->Take());
}

class SimListener final : public Listener {
 public:
  explicit SimListener(std::shared_ptr<ListenerState> state) : state_(std::move(state)) {}
  ~SimListener() { state_->Close(true); }

  Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept() override { return AcceptFrom(state_); }
  NetworkAddress local_address() const override { return state_->address(); }

 private:
  std::shared_ptr<ListenerState> state_;
};

bool IsWildcard(const NetworkAddress& address) {
  const NetworkAddress any = address.WithPort(0);
  return any == NetworkAddress() || any == NetworkAddress::V4(0, 0);
}

Task<absl::StatusOr<std::vector<NetworkAddress>>> LookUp(Wire& wire, Loop& loop, HostId asker,
                                                         std::string name, uint16_t port,
                                                         uint64_t draw) {
  const NetworkParameters& parameters = wire.parameters;
  co_await WorldSleep(
      loop, wire.timeline.Now() + DrawLatency(parameters.name_latency, parameters.tail_max, draw));
  if (wire.BegunOn(NetworkFaultKind::kNamesFail, asker) != kNever) {
    wire.Count(NetworkFaultKind::kNamesFail);
    co_return Error(ErrorCode::name_not_found, name);
  }
  const Time as_of = wire.BegunOn(NetworkFaultKind::kNamesStale, asker);
  const Names::Answer answer =
      wire.names.Find(name, wire.host(asker).key, wire.timeline.Now(), as_of);
  if (answer.stale && as_of != kNever) wire.Count(NetworkFaultKind::kNamesStale);
  if (answer.addresses == nullptr) co_return Error(ErrorCode::name_not_found, name);
  std::vector<NetworkAddress> out;
  for (const NetworkAddress& address : *answer.addresses) out.push_back(address.WithPort(port));
  co_return out;
}

Task<absl::StatusOr<std::vector<NetworkAddress>>> Literal(NetworkAddress address) {
  co_return std::vector<NetworkAddress>{address};
}

}  // namespace

bool IsLoopback(const NetworkAddress& address) {
  if (address.is_v4()) return address.v4() >> 24 == 127;
  std::array<uint8_t, 16> one{};
  one[15] = 1;
  return address.ip() == one;
}

bool ListenerState::Hears(const NetworkAddress& address) const {
  return IsWildcard(address_) || address_ == address;
}

void ListenerState::Queue(StreamEnd& end) {
  backlog_.push_back(std::make_unique<StreamPin>(end));
  if (acceptor != nullptr) std::exchange(acceptor, nullptr)->Wake();
}

void ListenerState::Close(bool loud) {
  if (closed_) return;
  closed_ = true;
  wire_.RemoveListener(host_, *this);
  while (!backlog_.empty()) {
    const std::unique_ptr<StreamPin> end = backlog_.pop_front();
    (*end)->Close(loud);
  }
  if (acceptor != nullptr) std::exchange(acceptor, nullptr)->Wake();
}

SimProcessNetwork::SimProcessNetwork(Wire& wire, Loop& loop, HostId host)
    : wire_(wire), loop_(loop), host_(host) {
  wire_.AddProcess(*this);
}

SimProcessNetwork::~SimProcessNetwork() {
  Fence();
  wire_.RemoveProcess(*this);
}

void SimProcessNetwork::End(bool loud) {
  if (fenced_) return;
  fenced_ = true;
  for (const std::weak_ptr<ListenerState>& weak : listeners_) {
    if (const std::shared_ptr<ListenerState> listener = weak.lock()) listener->Close(loud);
  }
  wire_.CloseEndsOf(loop_, loud);
}

absl::StatusOr<std::unique_ptr<Listener>> SimProcessNetwork::Listen(NetworkAddress address) {
  if (fenced_) return Error(ErrorCode::process_fenced);
  const bool own = address.WithPort(0) == wire_.host(host_).address || IsLoopback(address) ||
                   IsWildcard(address);
  if (!own) {
    return Error(ErrorCode::bind_failed, address.ToString() + ": not an address of this machine");
  }
  if (address.port() == 0) {
    address = address.WithPort(wire_.NextPort(host_));
  } else if (wire_.PortTaken(host_, address.port())) {
    return Error(ErrorCode::bind_failed, address.ToString() + ": in use");
  }
  auto state = std::make_shared<ListenerState>(wire_, loop_, host_, address);
  wire_.AddListener(host_, *state);
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  listeners_.push_back(state);
  return std::make_unique<SimListener>(std::move(state));
}

Task<absl::StatusOr<std::unique_ptr<Connection>>> SimProcessNetwork::Connect(
    NetworkAddress address) {
  if (fenced_) {
    return Failed<std::unique_ptr<Connection>>(Error(ErrorCode::process_fenced));
  }
  Stream& stream = wire_.NewStream(HashWords(loop_.key(), ++connects_));
  const NetworkAddress own = IsLoopback(address) ? address : wire_.host(host_).address;
  StreamEnd& end = stream.end(0);
  Attempt attempt(end);
  end.AttachTo(loop_, host_, own.WithPort(wire_.NextPort(host_)), StreamEnd::State::kConnecting);
  return ConnectStream(std::move(attempt), address);
}

Task<absl::StatusOr<std::vector<NetworkAddress>>> SimProcessNetwork::Resolve(std::string host,
                                                                             uint16_t port) {
  const bool has_colon = host.find(':') != std::string::npos;
  const bool bracketed = !host.empty() && host.front() == '[';
  const std::string literal = has_colon && !bracketed ? "[" + host + "]" : host;
  if (const auto address = NetworkAddress::Parse(literal + ":" + std::to_string(port))) {
    return Literal(*address);
  }
  if (fenced_) {
    return Failed<std::vector<NetworkAddress>>(Error(ErrorCode::process_fenced));
  }
  // Every machine knows it by itself.
  if (host == "localhost") return Literal(NetworkAddress::V4(kLocalhost, port));
  return LookUp(wire_, loop_, host_, std::move(host), port,
                HashWords(wire_.draw_key, loop_.key(), HashName("resolve"), ++resolves_));
}

}  // namespace orrery::sim
