// Writing and reading snapshots piece by piece; the format is in snapshot.h.
#include "storage/engine/snapshot.h"

#include <utility>

#include "core/base/fixed.h"
#include "core/base/hash.h"

namespace orrery {
namespace {

constexpr std::string_view kMagic = "ORRYSNAP";
constexpr uint32_t kFormat = 1;
constexpr size_t kHeadBytes = 16;
constexpr size_t kTailBytes = 8;
constexpr uint64_t kUnsyncedBytesMax = 16 << 20;  // So that no sync is long.

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> SnapshotWriter::Begin(Env& env,
                                                                            std::string path,
                                                                            StoreIdentity identity,
                                                                            Location replay_from) {
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(env, std::move(path), replay_from));
  CO_ASSIGN_OR_RETURN(writer->file_,
                      co_await env.files().Open(writer->path_ + ".new", OpenMode::kCreate));
  CO_RETURN_IF_ERROR(co_await writer->file_->Truncate(0));
  FileHeader header;
  header.magic = kMagic;
  header.written_by = header.minimum_reader = kFormat;
  header.identity = identity;
  header.parameter = replay_from;
  CO_RETURN_IF_ERROR(co_await writer->file_->Write(0, Buffer::Copy(EncodeFileHeader(header))));
  co_return writer;
}

Task<absl::Status> SnapshotWriter::Add(Version version, WriteBatch rows) {
  std::string piece;
  AppendFixed(piece, static_cast<uint32_t>(rows.bytes().size()));
  AppendFixed(piece, pieces_++);
  AppendFixed(piece, static_cast<uint64_t>(version));
  piece += rows.bytes();
  AppendFixed(piece, HashBytes(piece, replay_from_));
  CO_RETURN_IF_ERROR(co_await file_->Write(offset_, Buffer::Copy(piece)));
  offset_ += piece.size();
  if (offset_ - synced_ < kUnsyncedBytesMax) co_return absl::OkStatus();
  synced_ = offset_;
  co_return co_await file_->Sync();
}

Task<absl::Status> SnapshotWriter::Finish() {
  CO_RETURN_IF_ERROR(co_await file_->Sync());
  CO_RETURN_IF_ERROR(co_await env_.files().Rename(path_ + ".new", path_));
  co_return co_await env_.files().SyncDirectory(DirectoryOf(path_));
}

Task<absl::StatusOr<std::unique_ptr<Snapshot>>> ReadSnapshot(Env& env, std::string path,
                                                             StoreIdentity identity) {
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env.files().Open(path, OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(const Buffer start, co_await file->Read(0, kFileHeaderBytes));
  CO_ASSIGN_OR_RETURN(const FileHeader header,
                      DecodeFileHeader(start.view(), kMagic, kFormat, identity, path));
  CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file->Size());
  auto snapshot = std::make_unique<Snapshot>();
  snapshot->replay_from = header.parameter;
  uint64_t offset = kFileHeaderBytes;
  for (uint32_t number = 0;; ++number) {
    const auto corrupt = [&path, offset] {
      return Error(ErrorCode::file_corrupt,
                   path + ": the piece at offset " + std::to_string(offset) + " is damaged");
    };
    CO_ASSIGN_OR_RETURN(const Buffer head, co_await file->Read(offset, kHeadBytes));
    if (head.size() < kHeadBytes) co_return corrupt();
    const uint32_t bytes = GetFixed<uint32_t>(head.data());
    // The length is not proven yet: it must not make a buffer that the file cannot fill.
    if (offset + kHeadBytes + bytes + kTailBytes > size) co_return corrupt();
    CO_ASSIGN_OR_RETURN(
        const Buffer piece,
        co_await file->Read(offset, static_cast<uint32_t>(kHeadBytes + bytes + kTailBytes)));
    if (piece.size() < kHeadBytes + bytes + kTailBytes) co_return corrupt();
    const std::string_view hashed = piece.view().substr(0, kHeadBytes + bytes);
    if (GetFixed<uint64_t>(piece.data() + kHeadBytes + bytes) !=
            HashBytes(hashed, snapshot->replay_from) ||
        GetFixed<uint32_t>(piece.data() + 4) != number) {
      co_return corrupt();
    }
    snapshot->version = static_cast<Version>(GetFixed<uint64_t>(piece.data() + 8));
    if (number == 0) snapshot->base_version = snapshot->version;
    if (bytes == 0) co_return snapshot;
    CO_RETURN_IF_ERROR(WriteBatch::ForEach(
        hashed.substr(kHeadBytes),
        [&snapshot](KeyRef key, std::string_view value) { snapshot->rows.Set(key, value); },
        [](KeyRangeRef) {}));
    offset += piece.size();
  }
}

}  // namespace orrery
