// The calls that a worker answers.
#pragma once

#include "core/rpc/method.h"
#include "txn/worker/worker.pb.h"

namespace orrery {

// Under which token of every process its worker is served.
inline constexpr uint64_t kWorkerToken = 2;

inline constexpr Method<RecruitLogRequest, RecruitReply> kRecruitLog{240, "recruit_log"};
inline constexpr Method<RecruitSequencerRequest, RecruitReply> kRecruitSequencer{
    241, "recruit_sequencer"};
inline constexpr Method<RecruitResolverRequest, RecruitReply> kRecruitResolver{242,
                                                                               "recruit_resolver"};
inline constexpr Method<RecruitGrvProxyRequest, RecruitReply> kRecruitGrvProxy{243,
                                                                               "recruit_grv_proxy"};
inline constexpr Method<RecruitCommitProxyRequest, RecruitReply> kRecruitCommitProxy{
    244, "recruit_commit_proxy"};
inline constexpr Method<RecruitStorageRequest, RecruitReply> kRecruitStorage{245,
                                                                             "recruit_storage"};
inline constexpr Method<AwaitRoleEndRequest, AwaitRoleEndReply> kAwaitRoleEnd{246,
                                                                              "await_role_end"};

}  // namespace orrery
