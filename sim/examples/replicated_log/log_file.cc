// Reading, copying and appending to the log.
#include "sim/examples/replicated_log/log_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/hash.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr std::string_view kMagic = "RLB1";
constexpr size_t kHeaderBytes = 24;
constexpr size_t kSummedBytes = 16;  // Of the header, before the checksum.
constexpr uint32_t kChunkBytes = 4 << 20;
constexpr const char* kPath = "log";
constexpr const char* kNewPath = "log.new";

// The body of the batch at `offset`, if there is a whole one.
std::optional<std::string_view> BatchAt(std::string_view bytes, size_t offset) {
  const std::string_view header = bytes.substr(offset, kHeaderBytes);
  if (header.size() < kHeaderBytes || !header.starts_with(kMagic)) return std::nullopt;
  const size_t body_bytes = LoadU32(header.substr(4));
  if (LoadU64(header.substr(8)) != offset) return std::nullopt;
  if (bytes.size() - offset - kHeaderBytes < body_bytes) return std::nullopt;
  const std::string_view body = bytes.substr(offset + kHeaderBytes, body_bytes);
  const uint64_t sum = HashBytes(body, HashBytes(header.substr(0, kSummedBytes)));
  if (LoadU64(header.substr(kSummedBytes)) != sum) return std::nullopt;
  return body;
}

// file_corrupt when a good batch follows the bad one at `offset`.
absl::Status CheckTornEnd(std::string_view bytes, size_t offset) {
  for (size_t at = bytes.find(kMagic, offset + 1); at != bytes.npos;
       at = bytes.find(kMagic, at + 1)) {
    if (!BatchAt(bytes, at).has_value()) continue;
    return Error(ErrorCode::file_corrupt,
                 "log: damaged at byte " + std::to_string(offset) +
                     ", which was durable before the good batch at byte " + std::to_string(at) +
                     "; restore the file, or rebuild the cluster without this replica");
  }
  return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> ReadAll(Env& env) {
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env.files().Open(kPath, OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file->Size());
  std::string bytes;
  bytes.reserve(size);
  while (bytes.size() < size) {
    const uint64_t rest = size - bytes.size();
    CO_ASSIGN_OR_RETURN(const Buffer piece,
                        co_await file->Read(bytes.size(), static_cast<uint32_t>(std::min<uint64_t>(
                                                              rest, kChunkBytes))));
    if (piece.empty()) co_return Error(ErrorCode::io_error, "log: shorter than its size");
    bytes += piece.view();
  }
  co_return bytes;
}

// A new file of `bytes` under the log's name, all of it durable.
Task<absl::StatusOr<std::unique_ptr<File>>> Replace(Env& env, std::string bytes) {
  const absl::Status removed = co_await env.files().Delete(kNewPath);
  if (!removed.ok() && CodeOf(removed) != ErrorCode::file_not_found) co_return removed;
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                      co_await env.files().Open(kNewPath, OpenMode::kCreateNew));
  for (size_t at = 0; at < bytes.size(); at += kChunkBytes) {
    const Buffer piece = Buffer::Copy(std::string_view(bytes).substr(at, kChunkBytes));
    CO_RETURN_IF_ERROR(co_await file->Write(at, piece));
  }
  CO_RETURN_IF_ERROR(co_await file->Sync());
  CO_RETURN_IF_ERROR(co_await env.files().Rename(kNewPath, kPath));
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(""));
  co_return file;
}

}  // namespace

std::string MakeBatch(uint64_t offset, std::string_view body) {
  std::string batch(kMagic);
  batch.reserve(kHeaderBytes + body.size());
  AppendU32(static_cast<uint32_t>(body.size()), batch);
  AppendU64(offset, batch);
  AppendU64(HashBytes(body, HashBytes(batch)), batch);
  batch += body;
  return batch;
}

absl::StatusOr<ReadLog> ParseLog(std::string_view bytes, std::string_view identity) {
  const std::optional<std::string_view> first = BatchAt(bytes, 0);
  if (!first.has_value()) return Error(ErrorCode::file_corrupt, "log: damaged at byte 0");
  if (*first != identity) {
    return Error(ErrorCode::invalid_argument, "log: belongs to \"" + std::string(*first) +
                                                  "\", not to \"" + std::string(identity) +
                                                  "\"; give this replica a directory of its own");
  }
  ReadLog read;
  read.good_bytes = kHeaderBytes + first->size();
  while (read.good_bytes < bytes.size()) {
    const std::optional<std::string_view> body = BatchAt(bytes, read.good_bytes);
    if (!body.has_value()) {
      RETURN_IF_ERROR(CheckTornEnd(bytes, read.good_bytes));
      break;
    }
    RETURN_IF_ERROR(FollowRecords(*body, read.state));
    read.good_bytes += kHeaderBytes + body->size();
  }
  return read;
}

Task<absl::StatusOr<LogFile::Opened>> LogFile::Open(Env& env, std::string identity) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, co_await env.files().Lock("lock"));
  absl::StatusOr<std::string> bytes = co_await ReadAll(env);
  if (!bytes.ok()) {
    if (CodeOf(bytes.status()) != ErrorCode::file_not_found) co_return bytes.status();
    bytes = MakeBatch(0, identity);
  }
  CO_ASSIGN_OR_RETURN(ReadLog read, ParseLog(*bytes, identity));
  bytes->resize(read.good_bytes);
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file, co_await Replace(env, *std::move(bytes)));
  Opened opened;
  opened.log.reset(new LogFile(std::move(lock), std::move(file), read.good_bytes));
  opened.state = std::move(read.state);
  co_return opened;
}

Task<absl::Status> LogFile::Append(std::string records) {
  const std::string batch = MakeBatch(end_, records);
  CO_RETURN_IF_ERROR(co_await file_->WriteDurable(end_, Buffer::Copy(batch)));
  end_ += batch.size();
  co_return absl::OkStatus();
}

}  // namespace orrery::sim::replicated_log
