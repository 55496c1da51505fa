// The calls that a resolver answers.
#pragma once

#include "core/rpc/method.h"
#include "txn/resolver/resolver.pb.h"

namespace orrery {

inline constexpr Method<ResolveRequest, ResolveReply> kResolve{270, "resolve"};

}  // namespace orrery
