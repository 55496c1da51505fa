// The calls that a log server answers.
#pragma once

#include "core/rpc/method.h"
#include "storage/log/log.pb.h"

namespace orrery {

inline constexpr Method<PushRequest, PushReply> kPush{100, "log_push"};
inline constexpr Method<AdvanceRequest, AdvanceReply> kAdvanceKnownCommitted{101, "log_advance"};
inline constexpr Method<ConfirmRequest, ConfirmReply> kConfirmRunning{102, "log_confirm"};
inline constexpr Method<LockRequest, LockReply> kLockLog{103, "log_lock"};
inline constexpr Method<PeekRequest, PeekReply> kPeek{104, "log_peek"};
inline constexpr Method<PopRequest, PopReply> kPop{105, "log_pop"};

}  // namespace orrery
