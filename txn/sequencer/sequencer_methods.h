// The calls that a sequencer answers.
#pragma once

#include "core/rpc/method.h"
#include "txn/sequencer/sequencer.pb.h"

namespace orrery {

inline constexpr Method<CommitVersionRequest, CommitVersionReply> kGetCommitVersion{
    260, "get_commit_version"};
inline constexpr Method<ReportCommittedRequest, ReportCommittedReply> kReportCommitted{
    261, "report_committed"};
inline constexpr Method<CommittedVersionRequest, CommittedVersionReply> kGetCommittedVersion{
    262, "get_committed_version"};

}  // namespace orrery
