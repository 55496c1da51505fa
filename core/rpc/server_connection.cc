// One connection of a server: frames in, request tasks, replies out.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/async/timeout.h"
#include "core/base/invariant.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/rpc.pb.h"
#include "core/rpc/server_core.h"

namespace orrery::rpc_internal {
namespace {

constexpr size_t kErrorMessageBytesMax = 1024;

void Fill(const rpc::RequestHeader& from, Time now, CallInfo& out) {
  CallContext& context = out.context;
  context.trace_id_high = from.trace_id_high();
  context.trace_id_low = from.trace_id_low();
  context.span_id = from.span_id();
  if (const uint32_t p = from.priority_plus_one(); p > 0 && p <= kPriorityCount) {
    context.priority = static_cast<Priority>(p - 1);
  }
  context.tenant_id = static_cast<int64_t>(from.tenant_id_plus_one()) - 1;
  context.auth_token = from.auth_token();
  context.throttling_tag = from.throttling_tag();
  context.generation = from.generation();
  context.feature_level = from.feature_level();
  out.endpoint_token = from.endpoint_token();
  constexpr uint64_t kYearUs = uint64_t{365} * 24 * 3600 * 1'000'000;
  if (from.deadline_us() < kYearUs) {
    out.deadline = now + Microseconds(static_cast<int64_t>(from.deadline_us()));
  }
}

}  // namespace

ServerConnection::ServerConnection(ServerCore& core, std::unique_ptr<Connection> connection)
    : core_(core),
      link_(core.env, core.knobs, core.metrics, std::move(connection)),
      requests_(core.env.executor(), [this](std::string_view task, absl::Status status) {
        if (auto e = core_.env.trace().Error("RpcRequestFailed")) {
          e.Add("task", task).Add("reason", status);
        }
      }) {
  core_.connections_.push_back(this);
}

ServerConnection::~ServerConnection() {
  requests_.Cancel();
  auto& all = core_.connections_;
  all.erase(std::find(all.begin(), all.end(), this));
}

Task<absl::Status> ServerConnection::Run() {
  CO_RETURN_IF_ERROR(co_await Timeout(core_.env.clock(), core_.knobs.rpc_accept_timeout,
                                      link_.Welcome(core_.identity)));
  while (true) {
    while (std::optional<Frame> frame = link_.NextFrame()) {
      CO_RETURN_IF_ERROR(OnFrame(*std::move(frame)));
    }
    CO_RETURN_IF_ERROR(link_.Check());
    if (too_slow_) co_return Error(ErrorCode::overloaded);
    if (link_.writer().queued_bytes() >
        static_cast<size_t>(core_.knobs.rpc_reply_queue_bytes_max)) {
      PROBE(core_.env, "rpc.server_holds_back");
      CO_RETURN_IF_ERROR(co_await link_.connection().WaitWritable());
    }
    CO_RETURN_IF_ERROR(co_await link_.Receive());
  }
}

absl::Status ServerConnection::OnFrame(Frame frame) {
  switch (frame.header.type) {
    case FrameType::kRequest:
      if (link_.lane() == Lane::kHeartbeat) return link_.Unexpected(frame);
      return OnRequest(std::move(frame));
    case FrameType::kCancel:
      OnCancel(frame.header.request_id);
      return absl::OkStatus();
    case FrameType::kPing:
      link_.writer().AddBare(FrameType::kPong, frame.header.request_id);
      return absl::OkStatus();
    default:
      return link_.Unexpected(frame);
  }
}

CallPath ServerConnection::path() const {
  return {link_.connection().peer_address(), link_.connection().local_address()};
}

void ServerConnection::TraceReceived(const Frame& frame, uint64_t token) {
  if (!TracesCalls(core_.env)) return;
  const ServerCore::HandlerEntry* const entry = core_.FindHandler(frame.header.method, token);
  TraceRequestReceived(core_.env, path(), frame.header.request_id,
                       entry != nullptr ? entry->name : "", link_.peer());
}

void ServerConnection::TraceReply(uint64_t id, ErrorCode code,
                                  const google::protobuf::MessageLite* header,
                                  const Buffer& attachment) {
  if (!TracesCalls(core_.env)) return;
  TraceReplySent(core_.env, path(), id, code, header, attachment.view());
}

absl::Status ServerConnection::OnRequest(Frame frame) {
  const uint64_t id = frame.header.request_id;
  rpc::RequestHeader envelope;
  if (!ParseMessage(frame.envelope(), envelope) || id == 0) return link_.Unexpected(frame);
  const uint64_t token = envelope.endpoint_token();
  TraceReceived(frame, token);
  const size_t slot = SlotOf(id);
  if (slot >= static_cast<size_t>(core_.knobs.rpc_requests_per_connection_max) ||
      Buggify(core_.env, "rpc.server.overloaded", OneIn(1000))) {
    PROBE(core_.env, "rpc.too_many_requests");
    Refuse(id, ErrorCode::overloaded);
    return absl::OkStatus();
  }
  if (slot >= running_.size()) running_.resize(std::max(slot + 1, 2 * running_.size()));
  if (running_[slot].id != 0) return link_.Unexpected(frame);  // One slot, two requests.

  ServerCore::HandlerEntry* const entry = core_.FindHandler(frame.header.method, token);
  if (entry == nullptr) {
    Refuse(id, ErrorCode::unknown_method);
    return absl::OkStatus();
  }
  std::optional<MemoryBudget::Reservation> memory =
      core_.env.memory().TryReserve(frame.wire_bytes());
  if (!memory.has_value()) {
    PROBE(core_.env, "rpc.server_memory_full");
    Refuse(id, ErrorCode::overloaded);
    return absl::OkStatus();
  }
  entry->metrics->calls.Add();
  entry->metrics->request_bytes.Add(frame.body.size());
  const Time now = core_.env.clock().Now();
  CallInfo info;
  Fill(envelope, now, info);
  info.peer = &link_.peer();
  const Priority priority = info.context.priority;
  running_[slot] = {id, token, nullptr};
  running_[slot].member = requests_.Spawn(
      entry->name,
      entry->handler->Serve(IncomingRequest(*this, std::move(frame), std::move(info),
                                            *entry->metrics, *std::move(memory), now)),
      priority);
  return absl::OkStatus();
}

void ServerConnection::OnCancel(uint64_t id) {
  const size_t slot = SlotOf(id);
  if (id == 0 || slot >= running_.size() || running_[slot].id != id) return;  // Answered already.
  PROBE(core_.env, "rpc.request_cancelled");
  if (TracesCalls(core_.env)) TraceRequestCancelled(core_.env, path(), id);
  requests_.CancelMember(*running_[slot].member);
}

void ServerConnection::CancelToken(uint64_t token) {
  for (const Running& each : running_) {
    if (each.id == 0 || each.token != token) continue;
    const uint64_t id = each.id;
    requests_.CancelMember(*each.member);
    // The caller is still there, and is not to find out by its deadline.
    Refuse(id, ErrorCode::broken_promise);
  }
}

void ServerConnection::Reply(uint64_t id, const google::protobuf::MessageLite& header,
                             Buffer attachment, MethodMetrics& metrics, Time start) {
  const absl::Status added =
      link_.writer().Add(FrameType::kReply, 0, id, nullptr, &header, attachment);
  if (!added.ok()) return Fail(id, added, metrics, start);
  TraceReply(id, ErrorCode::ok, &header, attachment);
  metrics.reply_bytes.Add(attachment.size());
  Answered(added, metrics, start);
}

void ServerConnection::Fail(uint64_t id, const absl::Status& status, MethodMetrics& metrics,
                            Time start) {
  rpc::ReplyHeader envelope;
  envelope.set_error_code(static_cast<uint32_t>(CodeOf(status)));
  const absl::string_view text = status.message().substr(0, kErrorMessageBytesMax);
  envelope.set_error_message(text.data(), text.size());
  const absl::Status added =
      link_.writer().Add(FrameType::kReply, 0, id, &envelope, nullptr, Buffer());
  INVARIANT(added.ok(), "an error reply fits into a frame");
  TraceReply(id, CodeOf(status), nullptr, Buffer());
  Answered(status, metrics, start);
}

void ServerConnection::Refuse(uint64_t id, ErrorCode code) {
  rpc::ReplyHeader envelope;
  envelope.set_error_code(static_cast<uint32_t>(code));
  const absl::Status added =
      link_.writer().Add(FrameType::kReply, 0, id, &envelope, nullptr, Buffer());
  INVARIANT(added.ok(), "an error reply fits into a frame");
  TraceReply(id, code, nullptr, Buffer());
}

void ServerConnection::Answered(const absl::Status& status, MethodMetrics& metrics, Time start) {
  if (!status.ok()) metrics.errors.Add();
  metrics.latency.Record(core_.env.clock().Now() - start);
  if (link_.writer().queued_bytes() > static_cast<size_t>(core_.knobs.rpc_queue_bytes_max)) {
    PROBE(core_.env, "rpc.server_reader_too_slow");
    too_slow_ = true;
  }
}

void ServerConnection::Finished(uint64_t id) { running_[SlotOf(id)] = Running(); }

IncomingRequest::~IncomingRequest() {
  if (connection_ != nullptr) connection_->Finished(frame_.header.request_id);
}

Buffer IncomingRequest::TakeAttachment() {
  Buffer attachment = frame_.attachment();
  frame_.body = Buffer();
  return attachment;
}

// The slot is free from the answer on, not only when the task's frame is destroyed: the client may
// use it again as soon as it has the answer.
void IncomingRequest::Reply(const google::protobuf::MessageLite& header, Buffer attachment) {
  ServerConnection& connection = *std::exchange(connection_, nullptr);
  const uint64_t id = frame_.header.request_id;
  connection.Finished(id);
  connection.Reply(id, header, std::move(attachment), *metrics_, start_);
}

void IncomingRequest::Fail(const absl::Status& status) {
  ServerConnection& connection = *std::exchange(connection_, nullptr);
  const uint64_t id = frame_.header.request_id;
  connection.Finished(id);
  connection.Fail(id, status, *metrics_, start_);
}

}  // namespace orrery::rpc_internal
