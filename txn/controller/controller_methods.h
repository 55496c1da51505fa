// The calls that the cluster controller answers.
#pragma once

#include "core/rpc/method.h"
#include "txn/controller/controller.pb.h"

namespace orrery {

// Under which token of the leader's process the controller is served.
inline constexpr uint64_t kControllerToken = 1;

inline constexpr Method<RegisterWorkerRequest, RegisterWorkerReply> kRegisterWorker{
    220, "register_worker"};
inline constexpr Method<ClientInfoRequest, ClientInfoReply> kGetClientInfo{221, "get_client_info"};
inline constexpr Method<ClusterStatusRequest, ClusterStatusReply> kGetClusterStatus{
    222, "get_cluster_status"};

}  // namespace orrery
