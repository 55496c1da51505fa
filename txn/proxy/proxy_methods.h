// The calls that GRV proxies and commit proxies answer.
#pragma once

#include "core/rpc/method.h"
#include "txn/proxy/proxy.pb.h"

namespace orrery {

inline constexpr Method<ReadVersionRequest, ReadVersionReply> kGetReadVersion{280,
                                                                              "get_read_version"};
inline constexpr Method<CommitRequest, CommitReply> kCommit{281, "commit"};
inline constexpr Method<LocateRequest, LocateReply> kLocate{282, "locate"};

}  // namespace orrery
