// The file is written beside, synced and renamed, so that it is whole or not there.
#include "txn/worker/process_file.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/error_codes.h"
#include "core/base/fixed.h"
#include "core/base/status.h"

namespace orrery {

namespace {

constexpr char kLock[] = "lock";
constexpr char kFile[] = "process";
constexpr char kNewFile[] = "process.new";
constexpr std::string_view kMagic = "ORRYPROC";
constexpr uint32_t kFormat = 1;
constexpr size_t kInstanceOffset = 32;  // See file_header.h.

StoreId MakeId(uint64_t high, uint64_t low) {
  StoreId id;
  PutFixed(id.data(), high);
  PutFixed(id.data() + sizeof high, low);
  return id;
}

StoreId ClusterIdOf(const ClusterFile& cluster) {
  const RegisterId id = cluster.register_id();
  return MakeId(id.high, id.low);
}

bool IsOfAStore(std::string_view name) {
  return name == "coordinator" || name.starts_with("log-") || name.starts_with("storage-");
}

// file_corrupt: a directory that lost its `process` file, or never was a process's.
Task<absl::Status> CheckFresh(Env* env) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> names, co_await env->files().List(""));
  const auto stray = std::find_if(names.begin(), names.end(), IsOfAStore);
  if (stray == names.end()) co_return absl::OkStatus();
  co_return Error(ErrorCode::file_corrupt,
                  "the data directory has '" + *stray + "' and no file 'process'");
}

Task<absl::Status> Make(Env* env, StoreIdentity identity) {
  absl::Status removed = co_await env->files().Delete(kNewFile);
  if (!removed.ok() && CodeOf(removed) != ErrorCode::file_not_found) co_return removed;
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env->files().Open(kNewFile, OpenMode::kCreateNew));
  const FileHeader header{kMagic, kFormat, kFormat, identity};
  CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(EncodeFileHeader(header))));
  CO_RETURN_IF_ERROR(co_await file->Sync());
  CO_RETURN_IF_ERROR(co_await env->files().Rename(kNewFile, kFile));
  co_return co_await env->files().SyncDirectory("");
}

// Whose the directory is; nullopt for a fresh one. Changes nothing.
Task<absl::StatusOr<std::optional<StoreIdentity>>> ReadIdentity(Env* env, ClusterFile cluster) {
  absl::StatusOr<std::unique_ptr<File>> file =
      co_await env->files().Open(kFile, OpenMode::kExisting);
  if (!file.ok()) {
    if (CodeOf(file.status()) != ErrorCode::file_not_found) co_return file.status();
    CO_RETURN_IF_ERROR(co_await CheckFresh(env));
    co_return std::nullopt;
  }
  CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await (*file)->Read(0, kFileHeaderBytes));
  StoreIdentity identity = {ClusterIdOf(cluster), {}};
  if (bytes.size() == kFileHeaderBytes) {
    // Whatever instance it is: only the cluster is known from elsewhere.
    std::copy_n(bytes.data() + kInstanceOffset, identity.instance.size(), identity.instance.data());
  }
  const absl::StatusOr<FileHeader> header =
      DecodeFileHeader(bytes.view(), kMagic, kFormat, identity, kFile);
  if (CodeOf(header.status()) == ErrorCode::wrong_cluster) {
    co_return Error(ErrorCode::wrong_cluster,
                    "the data directory belongs to another cluster than " + cluster.cluster_name());
  }
  CO_RETURN_IF_ERROR(header.status());
  co_return identity;
}

}  // namespace

Task<absl::StatusOr<OpenedDirectory>> OpenProcessDirectory(Env& env, ClusterFile cluster) {
  // Looked at before it is locked, so that a directory that is refused does not get even a lock.
  CO_RETURN_IF_ERROR((co_await ReadIdentity(&env, cluster)).status());
  OpenedDirectory result;
  CO_ASSIGN_OR_RETURN(result.lock, co_await env.files().Lock(kLock));
  CO_ASSIGN_OR_RETURN(const std::optional<StoreIdentity> found,
                      co_await ReadIdentity(&env, cluster));
  if (found.has_value()) {
    result.identity = *found;
    // A former life may have died between the rename and its sync.
    CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(""));
    co_return result;
  }
  Random& random = env.random("process.instance");
  const uint64_t high = random.Next();
  result.identity = {ClusterIdOf(cluster), MakeId(high, random.Next())};
  CO_RETURN_IF_ERROR(co_await Make(&env, result.identity));
  co_return result;
}

}  // namespace orrery
