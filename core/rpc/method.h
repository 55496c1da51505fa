// What both ends of a call share: the method, the message, and what travels beside it.
//
//   inline constexpr Method<ResolveRequest, ResolveReply> kResolve{17, "resolve"};
//
// Req and Rep are protobuf messages (proto3, no map fields); fields are added, never renumbered.
// Hot or large payloads ride in the attachment, uncopied, in an encoding of their own.
#pragma once

#include <cstdint>
#include <string>

#include "core/async/executor.h"
#include "core/base/buffer.h"
#include "core/base/time.h"
#include "core/env/address.h"

namespace orrery {

// `id` is unique among the methods of a system and never reused; `name` is for metrics and traces.
template <class Req, class Rep>
struct Method {
  uint16_t id;
  const char* name;
};

template <class M>
struct Message {
  M header;

  // A received attachment shares the memory of what arrived with it (up to a frame, or one read of
  // the network): whoever keeps a small part for long copies it.
  Buffer attachment = {};
};

// What the caller says beside the message. All fields may be left as they are.
struct CallContext {
  uint64_t trace_id_high = 0;  // 16 bytes naming the operation this call is part of.
  uint64_t trace_id_low = 0;
  uint64_t span_id = 0;                    // The caller's step in it.
  Priority priority = Priority::kDefault;  // Of the handler's task.
  int64_t tenant_id = -1;                  // -1: none.
  std::string auth_token;                  // Proof that the caller may act for the tenant.
  std::string throttling_tag;              // Whose share of the capacity this call uses.
  uint64_t generation = 0;                 // 0: not bound to a generation.
  uint32_t feature_level = 0;              // 0: not stated.
};

// Who is at the other end of a connection, as it said in the handshake.
struct PeerIdentity {
  NetworkAddress address;
  std::string process;       // Locality::process; empty when it gave none.
  std::string certificate;   // Common name proved by TLS; empty without TLS.
  uint64_t incarnation = 0;  // 0 for a peer that serves nothing.
  uint32_t protocol = 0;     // The version that both speak.
};

// What a handler learns about its call.
struct CallInfo {
  CallContext context;
  uint64_t endpoint_token = 0;
  Time deadline = kNever;              // On this process's clock; nobody waits for an answer later.
  const PeerIdentity* peer = nullptr;  // Valid as long as the handler runs.
};

}  // namespace orrery
