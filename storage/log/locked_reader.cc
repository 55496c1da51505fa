// One log after the other, going on where the last one failed.
#include "storage/log/locked_reader.h"

#include <utility>

#include "core/base/encoding.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/log_knobs.h"
#include "storage/log/log_methods.h"
#include "storage/log/log_team.h"

namespace orrery {
namespace {

absl::Status DecodePieces(Version after, LogCursor::Messages& messages) {
  ByteReader reader(messages.attachment.view());
  Version last = after;
  while (!reader.AtEnd()) {
    uint64_t version = 0;
    uint32_t bytes = 0;
    LogCursor::VersionMessages piece{};
    if (!reader.ReadFixed64(version) || !reader.ReadFixed32(bytes) ||
        !reader.ReadBytes(bytes, piece.batch)) {
      return Error(ErrorCode::corrupt_frame);
    }
    piece.version = static_cast<Version>(version);
    if (piece.version <= last || piece.version > messages.through) {
      return Error(ErrorCode::corrupt_frame);
    }
    last = piece.version;
    messages.versions.push_back(piece);
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<Peeked>> PeekLog(Env& env, RpcClient& rpc, LogMember log, Tag tag,
                                     Version after, Version through, uint32_t bytes_max) {
  Message<PeekRequest> request;
  request.header.mutable_tag()->set_kind(static_cast<uint32_t>(tag.kind));
  request.header.mutable_tag()->set_id(tag.id);
  request.header.set_after(after);
  request.header.set_through(through);
  request.header.set_bytes_max(bytes_max);
  CO_ASSIGN_OR_RETURN(Message<PeekReply> reply,
                      co_await rpc.Call(FromMessage(log.endpoint()), kPeek, std::move(request),
                                        env.knobs().Get<LogKnobs>().log_peek_timeout));
  Peeked peeked;
  peeked.popped = reply.header.popped();
  peeked.messages.through = reply.header.through();
  peeked.messages.known_committed = reply.header.known_committed();
  peeked.messages.attachment = std::move(reply.attachment);
  if (peeked.messages.through < after ||
      (through >= 0 && peeked.messages.through > through && peeked.messages.through > after)) {
    co_return Error(ErrorCode::corrupt_frame);
  }
  CO_RETURN_IF_ERROR(DecodePieces(after, peeked.messages));
  co_return peeked;
}

Task<absl::StatusOr<std::vector<LogCursor::Messages>>> ReadLockedSet(Env& env, RpcClient& rpc,
                                                                     LogSet set, Tag tag,
                                                                     Version after, Version through,
                                                                     WhatWasPopped popped) {
  const auto bytes_max = static_cast<uint32_t>(env.knobs().Get<LogKnobs>().log_peek_bytes_max);
  std::vector<LogCursor::Messages> all;
  absl::Status last = Error(ErrorCode::connection_failed);
  for (const size_t index : LogTeamOf(tag, set)) {
    const LogMember& log = set.logs(static_cast<int>(index));
    while (after < through) {
      absl::StatusOr<Peeked> peeked =
          co_await PeekLog(env, rpc, log, tag, after, through, bytes_max);
      if (!peeked.ok()) {
        PROBE(env, "log.locked_read_failed");
        last = peeked.status();
        break;
      }
      if (peeked->popped > after) {
        if (popped == WhatWasPopped::kLeaveOut) {
          PROBE(env, "log.copy_leaves_out_popped");
        } else if (!all.empty()) {
          PROBE(env, "log.story_begins_anew");
          all.clear();
        }
        after = peeked->popped;
        continue;
      }
      if (peeked->messages.through <= after) {
        last = Error(ErrorCode::process_behind);  // It ends below `through`.
        break;
      }
      after = peeked->messages.through;
      all.push_back(std::move(peeked->messages));
    }
    if (after >= through) co_return all;
  }
  if (after >= through) co_return all;
  if (auto e = env.trace().Warn("LockedSetUnreadable")) {
    e.Add("tag", tag.id).Add("after", after).Add("why", last);
  }
  co_return last;
}

}  // namespace orrery
