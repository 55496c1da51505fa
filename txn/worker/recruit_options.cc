// Field by field.
#include "txn/worker/recruit_options.h"

#include <string>

#include "core/rpc/endpoint_message.h"
#include "storage/log/mutation_codec.h"

namespace orrery {

NewLogOptions LogOptionsOf(const RecruitLogRequest& request) {
  NewLogOptions options;
  options.log_id = request.log_id();
  options.generation = request.generation();
  options.recovery_version = request.recovery_version();
  for (const TagMessage& tag : request.copy_tags()) {
    options.copy_tags.push_back({static_cast<TagKind>(tag.kind()), tag.id()});
  }
  options.copy_after = request.copy_after();
  options.copy_from = request.copy_from();
  return options;
}

SequencerOptions SequencerOptionsOf(const RecruitSequencerRequest& request) {
  SequencerOptions options;
  options.generation = request.generation();
  options.first_version = request.first_version();
  options.proxy_ids.assign(request.proxy_ids().begin(), request.proxy_ids().end());
  options.window = request.window();
  return options;
}

ResolverOptions ResolverOptionsOf(const RecruitResolverRequest& request) {
  ResolverOptions options;
  options.generation = request.generation();
  options.first_version = request.first_version();
  options.proxy_ids.assign(request.proxy_ids().begin(), request.proxy_ids().end());
  options.index = request.index();
  options.window = request.window();
  return options;
}

GrvProxyOptions GrvProxyOptionsOf(const RecruitGrvProxyRequest& request) {
  return {request.generation(), FromMessage(request.sequencer()), request.logs()};
}

absl::StatusOr<CommitProxyOptions> CommitProxyOptionsOf(const RecruitCommitProxyRequest& request,
                                                        std::string_view metadata) {
  CommitProxyOptions options;
  options.generation = request.generation();
  options.proxy_id = request.proxy_id();
  options.sequencer = FromMessage(request.sequencer());
  for (const auto& part : request.resolvers()) {
    options.resolvers.push_back({part.begin(), FromMessage(part.endpoint())});
  }
  options.logs = request.logs();
  options.first_version = request.first_version();
  options.window = request.window();
  ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(metadata));
  while (reader.remaining() > 0) {
    RETURN_IF_ERROR(reader.Next());
    const MutationRef& row = reader.mutation();
    options.metadata.push_back({row.type, std::string(row.key), std::string(row.value)});
  }
  return options;
}

}  // namespace orrery
