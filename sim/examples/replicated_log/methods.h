// The methods of a replica.
#pragma once

#include <cstdint>

#include "core/rpc/method.h"
#include "sim/examples/replicated_log/replicated_log.pb.h"

namespace orrery::sim::replicated_log {

// Between replicas.
inline constexpr Method<VoteRequest, VoteReply> kVote{1, "vote"};
inline constexpr Method<AppendRequest, AppendReply> kAppend{2, "append"};

// For clients.
inline constexpr Method<PutRequest, PutReply> kPut{3, "put"};
inline constexpr Method<GetRequest, GetReply> kGet{4, "get"};
inline constexpr Method<CountRequest, CountReply> kCount{5, "count"};
inline constexpr Method<StatusRequest, StatusReply> kStatus{6, "status"};

}  // namespace orrery::sim::replicated_log
