// Write, sync, rename, sync the directory.
#include "txn/coordinator/register_file.h"

#include <utility>

#include "core/async/sleep.h"
#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "core/env/buggify.h"

namespace orrery {

namespace {

// Of an image: the longest value, and room for what lies around it.
constexpr uint64_t kImageBytesMax = GenerationRegister::kValueBytesMax + 4096;

std::string NewPath(const std::string& path) { return path + ".new"; }

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

RegisterFile::RegisterFile(Env& env, std::string path) : env_(env), path_(std::move(path)) {}

Task<absl::StatusOr<GenerationRegister>> RegisterFile::Open(Env& env, std::string path) {
  // Removed, never overwritten: after a crash its name may still mean the file that was renamed.
  absl::Status removed = co_await env.files().Delete(NewPath(path));
  if (!removed.ok() && CodeOf(removed) != ErrorCode::file_not_found) co_return removed;
  absl::StatusOr<std::unique_ptr<File>> file = co_await env.files().Open(path, OpenMode::kExisting);
  if (!file.ok() && CodeOf(file.status()) != ErrorCode::file_not_found) co_return file.status();
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(DirectoryOf(path)));
  if (!file.ok()) co_return GenerationRegister();
  CO_ASSIGN_OR_RETURN(const uint64_t bytes, co_await (*file)->Size());
  if (bytes > kImageBytesMax) {
    co_return Error(ErrorCode::file_corrupt, path + ": longer than a coordinator's register");
  }
  CO_ASSIGN_OR_RETURN(const Buffer image, co_await (*file)->Read(0, static_cast<uint32_t>(bytes)));
  absl::StatusOr<GenerationRegister> result = GenerationRegister::FromImage(image.view());
  if (!result.ok()) {
    co_return Error(CodeOf(result.status()), path + ": " + std::string(result.status().message()));
  }
  co_return result;
}

Task<absl::Status> RegisterFile::Replace(std::string image) {
  if (Buggify(env_, "coordinator.write.slow", OneIn(20))) {
    co_await Sleep(env_.clock(), Milliseconds(500));
  }
  const std::string new_path = NewPath(path_);
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env_.files().Open(new_path, OpenMode::kCreateNew));
  CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(image)));
  CO_RETURN_IF_ERROR(co_await file->Sync());
  CO_RETURN_IF_ERROR(co_await env_.files().Rename(new_path, path_));
  co_return co_await env_.files().SyncDirectory(DirectoryOf(path_));
}

}  // namespace orrery
