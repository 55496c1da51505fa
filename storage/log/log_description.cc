// Written under another name, synced, renamed.
#include "storage/log/log_description.h"

#include "core/base/encoding.h"
#include "core/base/hash.h"

namespace orrery {
namespace {

constexpr std::string_view kMagic = "ORRYLOGD";
constexpr uint32_t kFormat = 1;
constexpr size_t kBytes = kFileHeaderBytes + 32;

std::string PathIn(const std::string& directory) { return directory + "/description"; }

}  // namespace

Task<absl::Status> WriteLogDescription(Env& env, std::string directory, StoreIdentity identity,
                                       LogDescription description) {
  std::string bytes = EncodeFileHeader({.magic = kMagic,
                                        .written_by = kFormat,
                                        .minimum_reader = kFormat,
                                        .identity = identity,
                                        .parameter = description.log_id});
  AppendFixed<uint64_t>(bytes, description.generation);
  AppendFixed<uint64_t>(bytes, static_cast<uint64_t>(description.begin));
  AppendFixed<uint64_t>(bytes, static_cast<uint64_t>(description.recovery_version));
  AppendFixed<uint64_t>(bytes, HashBytes(std::string_view(bytes).substr(kFileHeaderBytes)));
  const std::string unfinished = PathIn(directory) + ".new";
  {
    CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                        co_await env.files().Open(unfinished, OpenMode::kCreate));
    CO_RETURN_IF_ERROR(co_await file->WriteDurable(0, Buffer::Copy(bytes)));
  }
  CO_RETURN_IF_ERROR(co_await env.files().Rename(unfinished, PathIn(directory)));
  co_return co_await env.files().SyncDirectory(directory);
}

Task<absl::StatusOr<LogDescription>> ReadLogDescription(Env& env, std::string directory,
                                                        StoreIdentity identity) {
  const std::string path = PathIn(directory);
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env.files().Open(path, OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(const Buffer read, co_await file->Read(0, kBytes + 1));
  const std::string_view bytes = read.view();
  CO_ASSIGN_OR_RETURN(const FileHeader header,
                      DecodeFileHeader(bytes, kMagic, kFormat, identity, path));
  const std::string_view body = bytes.substr(kFileHeaderBytes);
  if (bytes.size() != kBytes ||
      GetFixed<uint64_t>(body.data() + 24) != HashBytes(body.substr(0, 24))) {
    co_return Error(ErrorCode::file_corrupt, path + ": not a whole description of a log");
  }
  co_return LogDescription{
      .log_id = header.parameter,
      .generation = GetFixed<uint64_t>(body.data()),
      .begin = static_cast<Version>(GetFixed<uint64_t>(body.data() + 8)),
      .recovery_version = static_cast<Version>(GetFixed<uint64_t>(body.data() + 16))};
}

}  // namespace orrery
