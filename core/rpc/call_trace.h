// What a process tells of its calls while Debug trace events are on: the messages of
// core/observe/story_events.h. Off, each of these is a comparison.
//
// A call is named by the two addresses of its connection and its request id:
// "10.0.0.5:40012>10.0.0.1:4500 3.1". Both ends see the same unless something between them
// translates addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/buffer.h"
#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/observe/trace.h"
#include "core/rpc/message_lite.h"
#include "core/rpc/method.h"

namespace orrery::rpc_internal {

// The most of a message's text, and of the attachment's bytes, that is told.
inline constexpr size_t kTracedMessageBytesMax = 1500;
inline constexpr size_t kTracedAttachmentBytesMax = 400;

// A connection as seen from its client.
struct CallPath {
  NetworkAddress client;
  NetworkAddress server;
};

inline bool TracesCalls(Env& env) { return env.trace().IsOn(TraceLevel::kDebug); }

// REQUIRES for all: TracesCalls(env).
void TraceRequestSent(Env& env, const CallPath& path, uint64_t id, const char* method,
                      std::string_view peer, const google::protobuf::MessageLite& header,
                      std::string_view attachment);
void TraceRequestReceived(Env& env, const CallPath& path, uint64_t id, std::string_view method,
                          const PeerIdentity& peer);
void TraceReplySent(Env& env, const CallPath& path, uint64_t id, ErrorCode code,
                    const google::protobuf::MessageLite* header, std::string_view attachment);
void TraceReplyReceived(Env& env, const CallPath& path, uint64_t id, const absl::Status& status,
                        bool late);
// `path` is nullptr when nothing had been sent.
void TraceCallFailed(Env& env, const CallPath* path, uint64_t id, const char* method,
                     std::string_view peer, const absl::Status& reason);
void TraceRequestCancelled(Env& env, const CallPath& path, uint64_t id);

// The message in protobuf's text form, in one line, cut to `bytes_max`; its type alone when it was
// generated without descriptors.
std::string MessageText(const google::protobuf::MessageLite& message, size_t bytes_max);

}  // namespace orrery::rpc_internal
