// Events of calls, and messages as text.
#include "core/rpc/call_trace.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include "absl/strings/escaping.h"

#include "core/observe/story_events.h"
#include "core/rpc/slot_table.h"

namespace orrery::rpc_internal {
namespace {

std::string CallName(const CallPath& path, uint64_t id) {
  return path.client.ToString() + ">" + path.server.ToString() + " " + std::to_string(SlotOf(id)) +
         "." + std::to_string(GenerationOf(id));
}

void AddContent(TraceEvent& e, const google::protobuf::MessageLite* header,
                std::string_view attachment) {
  if (header != nullptr) e.Add("header", MessageText(*header, kTracedMessageBytesMax));
  if (attachment.empty()) return;
  e.Add("attachment_bytes", attachment.size());
  const std::string_view told = attachment.substr(0, kTracedAttachmentBytesMax);
  e.Add("attachment", absl::CEscape({told.data(), told.size()}));
}

}  // namespace

void TraceRequestSent(Env& env, const CallPath& path, uint64_t id, const char* method,
                      std::string_view peer, const google::protobuf::MessageLite& header,
                      std::string_view attachment) {
  if (auto e = env.trace().Debug(story_events::kRequestSent)) {
    e.Add("call", CallName(path, id)).Add("method", method).Add("peer", peer);
    AddContent(e, &header, attachment);
  }
}

void TraceRequestReceived(Env& env, const CallPath& path, uint64_t id, std::string_view method,
                          const PeerIdentity& peer) {
  if (auto e = env.trace().Debug(story_events::kRequestReceived)) {
    e.Add("call", CallName(path, id)).Add("method", method).Add("peer", peer.process);
  }
}

void TraceReplySent(Env& env, const CallPath& path, uint64_t id, ErrorCode code,
                    const google::protobuf::MessageLite* header, std::string_view attachment) {
  if (auto e = env.trace().Debug(story_events::kReplySent)) {
    e.Add("call", CallName(path, id));
    if (code != ErrorCode::ok) e.Add("code", InfoOf(code).name);
    AddContent(e, header, attachment);
  }
}

void TraceReplyReceived(Env& env, const CallPath& path, uint64_t id, const absl::Status& status,
                        bool late) {
  if (auto e = env.trace().Debug(story_events::kReplyReceived)) {
    e.Add("call", CallName(path, id));
    if (!status.ok()) e.Add("code", InfoOf(CodeOf(status)).name);
    if (late) e.Add("late", true);
  }
}

void TraceCallFailed(Env& env, const CallPath* path, uint64_t id, const char* method,
                     std::string_view peer, const absl::Status& reason) {
  if (auto e = env.trace().Debug(story_events::kCallFailed)) {
    e.Add("call", path == nullptr ? std::string() : CallName(*path, id)).Add("method", method);
    e.Add("peer", peer).Add("reason", reason);
  }
}

void TraceRequestCancelled(Env& env, const CallPath& path, uint64_t id) {
  if (auto e = env.trace().Debug(story_events::kRequestCancelled)) {
    e.Add("call", CallName(path, id));
  }
}

std::string MessageText(const google::protobuf::MessageLite& message, size_t bytes_max) {
  const auto* const full = dynamic_cast<const google::protobuf::Message*>(&message);
  if (full == nullptr) return message.GetTypeName();
  // What finds no room is not even formatted. The text ends with a blank, which does not count.
  std::string text(bytes_max + 1, '\0');
  google::protobuf::io::ArrayOutputStream out(text.data(), static_cast<int>(text.size()));
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  const bool whole = printer.Print(*full, &out);
  text.resize(whole ? static_cast<size_t>(out.ByteCount()) : bytes_max);
  if (!whole) return text + "...";
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace orrery::rpc_internal
