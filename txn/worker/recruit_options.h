// From the messages that recruit roles to the roles' options.
#pragma once

#include <string_view>

#include "core/base/status.h"
#include "storage/log/log_server.h"
#include "txn/proxy/commit_proxy.h"
#include "txn/proxy/grv_proxy.h"
#include "txn/resolver/resolver.h"
#include "txn/sequencer/sequencer.h"
#include "txn/worker/worker.pb.h"

namespace orrery {

// Directory and identity are the worker's to fill in.
NewLogOptions LogOptionsOf(const RecruitLogRequest& request);
SequencerOptions SequencerOptionsOf(const RecruitSequencerRequest& request);
ResolverOptions ResolverOptionsOf(const RecruitResolverRequest& request);
GrvProxyOptions GrvProxyOptionsOf(const RecruitGrvProxyRequest& request);

// `metadata` is a mutation batch. Errors: file_corrupt, protocol_mismatch (of the batch).
absl::StatusOr<CommitProxyOptions> CommitProxyOptionsOf(const RecruitCommitProxyRequest& request,
                                                        std::string_view metadata);

}  // namespace orrery
