// Makes, describes and opens a storage server's directory. See storage_files.h.
#include "storage/server/storage_files.h"

#include <utility>

#include "core/base/fixed.h"
#include "core/base/hash.h"
#include "storage/engine/memory_engine.h"

namespace orrery {
namespace {

constexpr std::string_view kMagic = "ORRYSTOR";
constexpr uint32_t kFormat = 1;
constexpr size_t kBodyBytes = 21;
constexpr size_t kFileBytes = kFileHeaderBytes + kBodyBytes + 8;

std::string EncodeDescription(const StorageOptions& options) {
  FileHeader header;
  header.magic = kMagic;
  header.written_by = header.minimum_reader = kFormat;
  header.identity = options.identity;
  std::string bytes = EncodeFileHeader(header);
  std::string body;
  AppendFixed(body, options.storage_id);
  AppendFixed(body, static_cast<uint8_t>(options.tag.kind));
  AppendFixed(body, options.tag.id);
  AppendFixed(body, options.generation);
  AppendFixed(body, HashBytes(body));
  return bytes + body;
}

Task<absl::Status> WriteDescription(Env& env, StorageOptions options) {
  const std::string path = options.directory + "/storage";
  CO_ASSIGN_OR_RETURN(const auto file, co_await env.files().Open(path + ".new", OpenMode::kCreate));
  CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(EncodeDescription(options))));
  CO_RETURN_IF_ERROR(co_await file->Sync());
  CO_RETURN_IF_ERROR(co_await env.files().Rename(path + ".new", path));
  co_return co_await env.files().SyncDirectory(options.directory);
}

}  // namespace

Task<absl::StatusOr<StoredStorage>> DescribeStorage(Env& env, std::string directory,
                                                    StoreIdentity identity) {
  const std::string path = directory + "/storage";
  CO_ASSIGN_OR_RETURN(const auto file, co_await env.files().Open(path, OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await file->Read(0, kFileBytes));
  CO_RETURN_IF_ERROR(DecodeFileHeader(bytes.view(), kMagic, kFormat, identity, path).status());
  const std::string_view body = bytes.view().substr(kFileHeaderBytes);
  if (body.size() != kBodyBytes + 8 ||
      GetFixed<uint64_t>(body.data() + kBodyBytes) != HashBytes(body.substr(0, kBodyBytes))) {
    co_return Error(ErrorCode::file_corrupt,
                    path + ": the description does not match its checksum");
  }
  StoredStorage stored;
  stored.storage_id = GetFixed<uint64_t>(body.data());
  stored.tag.kind = static_cast<TagKind>(GetFixed<uint8_t>(body.data() + 8));
  stored.tag.id = GetFixed<uint32_t>(body.data() + 9);
  stored.generation = GetFixed<uint64_t>(body.data() + 13);
  co_return stored;
}

Task<absl::Status> CreateStorage(Env& env, StorageOptions options) {
  const auto there = co_await DescribeStorage(env, options.directory, options.identity);
  if (there.ok()) {
    const bool same = there->storage_id == options.storage_id && there->tag == options.tag;
    co_return same ? absl::OkStatus() : Error(ErrorCode::file_exists, options.directory);
  }
  if (CodeOf(there.status()) != ErrorCode::file_not_found) co_return there.status();
  const absl::Status engine = co_await CreateMemoryEngine(env, options.directory, options.identity);
  // An attempt before this one came so far; it was never used.
  if (!engine.ok() && CodeOf(engine) != ErrorCode::file_exists) co_return engine;
  co_return co_await WriteDescription(env, options);
}

Task<absl::StatusOr<std::unique_ptr<Engine>>> OpenStorage(Env& env, StorageOptions options) {
  CO_ASSIGN_OR_RETURN(const StoredStorage stored,
                      co_await DescribeStorage(env, options.directory, options.identity));
  if (stored.storage_id != options.storage_id || stored.tag != options.tag) {
    co_return Error(ErrorCode::wrong_cluster, options.directory +
                                                  ": holds the storage server of tag " +
                                                  std::to_string(stored.tag.id) + ", not of " +
                                                  std::to_string(options.tag.id));
  }
  co_return co_await OpenMemoryEngine(env, options.directory, options.identity);
}

}  // namespace orrery
