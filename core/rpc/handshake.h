// The handshake: what two ends tell each other before anything else, and what they agree on. Pure:
// no Env, no I/O.
//
// The client sends the preamble and a Hello; the server answers with its own preamble and Hello.
// Both come to the same result by themselves; without agreement both close.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/rpc/frame.h"

namespace orrery {

inline constexpr uint32_t kProtocolMin = 1;  // Oldest version this build still speaks.
inline constexpr uint32_t kProtocolMax = 1;

// Who this process is to others.
struct RpcIdentity {
  std::string cluster_id;    // Empty: not known yet, matches any.
  std::string process;       // Locality::process; may be empty.
  uint64_t incarnation = 0;  // Drawn at start by processes that serve; 0 for those that do not.
  uint32_t protocol_min = kProtocolMin;
  uint32_t protocol_max = kProtocolMax;
};

enum class Lane : uint8_t { kData, kHeartbeat };

struct Hello {
  RpcIdentity identity;
  Lane lane = Lane::kData;
};

// The preamble and the frame that carries `hello`.
Buffer EncodeHello(const Hello& hello);

// The Hello in a received frame; nullopt when it is no valid one.
std::optional<Hello> DecodeHello(const Frame& frame);

// The version both speak. protocol_mismatch when there is none, wrong_cluster when both know their
// cluster and it is not the same; the message says both sides' values.
absl::StatusOr<uint32_t> Agree(const RpcIdentity& ours, const RpcIdentity& theirs);

}  // namespace orrery
