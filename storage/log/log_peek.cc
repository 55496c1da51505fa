// Peeks: waiting for news, collecting a tag's messages from memory and from the queue, encoding.
#include <algorithm>
#include <utility>

#include "core/async/timeout.h"
#include "core/base/fixed.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/log/log_server_shell.h"

namespace orrery {
namespace {

constexpr size_t kPieceHeaderBytes = 12;
// Two messages this near to each other in the queue are read together.
constexpr uint64_t kReadGapBytes = 32 << 10;

// The attachment of a reply.
absl::StatusOr<Buffer> EncodePieces(const std::vector<LogMessages>& messages, Tag tag) {
  std::vector<std::string> filtered(messages.size());
  size_t size = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].one_tag_set) {
      ASSIGN_OR_RETURN(filtered[i], FilterBatch(messages[i].batch.view(), tag));
    }
    size += kPieceHeaderBytes +
            (messages[i].one_tag_set ? messages[i].batch.size() : filtered[i].size());
  }
  MutableBuffer out(size);
  char* at = out.data();
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string_view batch =
        messages[i].one_tag_set ? messages[i].batch.view() : std::string_view(filtered[i]);
    PutFixed(at, static_cast<uint64_t>(messages[i].version));
    PutFixed(at + 8, static_cast<uint32_t>(batch.size()));
    batch.copy(at + kPieceHeaderBytes, batch.size());
    at += kPieceHeaderBytes + batch.size();
  }
  return std::move(out).Freeze(size);
}

}  // namespace

bool LogServer::HasNews(Version after, Version through) const {
  if (state_.Bound(through) > after) return true;
  if (through < 0) return false;
  // Nothing more will come up to the bound.
  return after >= through || (state_.locked() && state_.durable() == state_.accepted());
}

Task<absl::Status> LogServer::AwaitNews(Version after, Version through) {
  while (!HasNews(after, through) && stopped_why_.ok()) co_await readable_.Wait();
  co_return stopped_why_;
}

LogServer::Reply<PeekReply> LogServer::Peek(Message<PeekRequest> request, CallInfo info) {
  const Tag tag{static_cast<TagKind>(request.header.tag().kind()), request.header.tag().id()};
  const Version after = request.header.after();
  const Version through = request.header.through();
  if (state_.popped(tag) <= after && !HasNews(after, through)) {
    const Duration patience = (info.deadline - env_.clock().Now()) / 4 * 3;
    const absl::Status news =
        co_await Timeout(env_.clock(), std::min(patience, Duration(knobs_.log_peek_wait_max)),
                         AwaitNews(after, through));
    if (!news.ok() && CodeOf(news) != ErrorCode::timed_out) co_return news;
  }
  uint64_t bytes_max = std::min<uint64_t>(request.header.bytes_max(),
                                          static_cast<uint64_t>(knobs_.log_peek_bytes_max));
  if (Buggify(env_, "log.peek.one_version", OneIn(20))) bytes_max = 0;
  LogState::Found found;
  for (;;) {
    CO_RETURN_IF_ERROR(stopped_why_);
    if (state_.popped(tag) > after) {
      found = {{}, after};
      break;
    }
    found = state_.Find(tag, after, state_.Bound(through), bytes_max);
    const absl::Status read = co_await ReadSpilled(&found.messages);
    if (read.ok()) break;
    if (state_.popped(tag) > after) continue;  // Popped while it was read.
    PROBE(env_, "log.unreadable");
    if (auto e = env_.trace().Warn("LogUnreadable")) e.Add("why", read);
    const auto bad = std::ranges::find(found.messages, false, &LogMessages::in_memory);
    if (bad == found.messages.begin()) co_return Error(ErrorCode::io_error);
    found.through = bad->version - 1;
    found.messages.erase(bad, found.messages.end());
    break;
  }
  Message<PeekReply> reply;
  CO_ASSIGN_OR_RETURN(reply.attachment, EncodePieces(found.messages, tag));
  reply.header.set_through(found.through);
  reply.header.set_popped(state_.popped(tag));
  reply.header.set_known_committed(std::min(state_.known_committed(), state_.durable()));
  co_return reply;
}

Task<absl::Status> LogServer::ReadSpilled(std::vector<LogMessages>* messages) {
  for (size_t i = 0; i < messages->size();) {
    if ((*messages)[i].in_memory) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (end < messages->size() && !(*messages)[end].in_memory &&
           (*messages)[end].location - (*messages)[end - 1].location <
               (*messages)[end - 1].bytes + kReadGapBytes) {
      ++end;
    }
    PROBE(env_, "log.spilled_read");
    spilled_reads_.Add(end - i);
    CO_RETURN_IF_ERROR(co_await ReadRun(messages, i, end));
    i = end;
  }
  co_return absl::OkStatus();
}

// Reads the messages of places [first, end), none of which is in memory.
Task<absl::Status> LogServer::ReadRun(std::vector<LogMessages>* messages, size_t first,
                                      size_t end) {
  const Location to = (*messages)[end - 1].location + 1;
  while (first < end) {
    CO_ASSIGN_OR_RETURN(const std::vector<QueueEntry> entries,
                        co_await queue_->Read((*messages)[first].location, to, kReadGapBytes));
    if (entries.empty()) co_return Error(ErrorCode::file_corrupt);
    for (const QueueEntry& entry : entries) {
      if (first == end) break;
      LogMessages& wanted = (*messages)[first];
      if (entry.location < wanted.location) continue;
      CO_ASSIGN_OR_RETURN(const auto decoded, DecodeLogEntry(entry.bytes.view()));
      const auto* version = std::get_if<LogVersionEntry>(&decoded);
      if (entry.location != wanted.location || version == nullptr ||
          version->version != wanted.version) {
        co_return Error(ErrorCode::file_corrupt, "the queue has another entry at this place");
      }
      wanted.batch = entry.bytes.Slice(kLogEntryHeaderBytes, version->batch.size());
      wanted.in_memory = true;
      ++first;
    }
  }
  co_return absl::OkStatus();
}

}  // namespace orrery
