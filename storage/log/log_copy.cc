// Each tag is read from its team on its own, then the streams are merged version by version. A
// mutation of several tags comes once for each: where the tags' batches of a version are the same,
// they are kept once, with all those tags; otherwise each tag gets its own copies, which keeps the
// order that each consumer must see.
#include "storage/log/log_copy.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "core/observe/probe.h"
#include "storage/log/log_cursor.h"
#include "storage/log/log_entry.h"
#include "storage/log/mutation_codec.h"

namespace orrery {
namespace {

struct TagBatch {
  Tag tag;
  std::string_view batch;
};
using ByVersion = absl::btree_map<Version, std::vector<TagBatch>>;

absl::StatusOr<std::string> MergeBatches(const std::vector<TagBatch>& all) {
  MutationBatchWriter writer;
  std::vector<bool> done(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    if (done[i]) continue;
    std::vector<Tag> tags;
    for (size_t j = i; j < all.size(); ++j) {
      if (all[j].batch != all[i].batch) continue;
      done[j] = true;
      tags.push_back(all[j].tag);
    }
    ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(all[i].batch));
    while (reader.remaining() > 0) {
      RETURN_IF_ERROR(reader.Next());
      writer.Add(tags, reader.mutation());
    }
  }
  return std::move(writer).Finish();
}

Task<absl::Status> Append(Version version, std::string batch, DiskQueue* queue, LogState* state) {
  const Buffer entry = EncodeLogEntry(LogVersionEntry{.version = version,
                                                      .previous = state->accepted(),
                                                      .known_committed = state->known_committed(),
                                                      .batch = batch});
  CO_ASSIGN_OR_RETURN(const BatchTags tags, TagsOfBatch(batch));
  absl::StatusOr<Location> location = queue->Push(entry.view());
  while (!location.ok()) {
    const ErrorCode why = CodeOf(location.status());
    if (why == ErrorCode::overloaded) {
      CO_RETURN_IF_ERROR(co_await queue->Commit());
    } else if (why == ErrorCode::disk_full) {
      CO_RETURN_IF_ERROR(co_await queue->MakeRoom(entry.size()));
    } else {
      co_return location.status();
    }
    location = queue->Push(entry.view());
  }
  state->Accept(tags.tags, {.version = version,
                            .location = *location,
                            .bytes = static_cast<uint32_t>(batch.size()),
                            .one_tag_set = tags.one_tag_set});
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::Status> CopyLockedSet(Env& env, RpcClient& rpc, const NewLogOptions& options,
                                 DiskQueue* queue, LogState* state) {
  std::vector<LogCursor::Messages> held;
  std::vector<MemoryBudget::Reservation> memory;
  ByVersion by_version;
  for (const Tag tag : options.copy_tags) {
    CO_ASSIGN_OR_RETURN(std::vector<LogCursor::Messages> read,
                        co_await ReadLockedSet(env, rpc, options.copy_from, tag, options.copy_after,
                                               options.recovery_version, WhatWasPopped::kLeaveOut));
    for (LogCursor::Messages& some : read) {
      std::optional<MemoryBudget::Reservation> bytes =
          env.memory().TryReserve(some.attachment.size());
      if (!bytes.has_value()) co_return Error(ErrorCode::memory_limit);
      memory.push_back(*std::move(bytes));
      for (const LogCursor::VersionMessages& each : some.versions) {
        by_version[each.version].push_back({tag, each.batch});
      }
      held.push_back(std::move(some));
    }
  }
  for (const auto& [version, batches] : by_version) {
    PROBE(env, "log.copied");
    CO_ASSIGN_OR_RETURN(std::string batch, MergeBatches(batches));
    CO_RETURN_IF_ERROR(co_await Append(version, std::move(batch), queue, state));
  }
  if (state->accepted() < options.recovery_version) {
    CO_RETURN_IF_ERROR(co_await Append(options.recovery_version, {}, queue, state));
  }
  CO_RETURN_IF_ERROR(co_await queue->Commit());
  state->OnDurable(state->accepted());
  co_return absl::OkStatus();
}

}  // namespace orrery
