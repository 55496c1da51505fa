// The table of errno values that have an ErrorCode of their own.
#include "core/real/os_error.h"

#include <cerrno>
#include <system_error>

namespace orrery::real {
namespace {

ErrorCode FileCode(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::file_not_found;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::file_exists;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::disk_full;
    case EIO:
    case EUCLEAN:
    case EBADMSG:
    case ENXIO:
    case ENODEV:
      return ErrorCode::io_error;
    default:
      return ErrorCode::platform_error;
  }
}

ErrorCode NetworkCode(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ErrorCode::overloaded;
    default:
      return ErrorCode::connection_failed;
  }
}

absl::Status Make(ErrorCode code, int error, std::string_view what, std::string_view where) {
  std::string message(what);
  message += ' ';
  message.append(where.empty() ? "(data directory)" : where);
  message += ": " + ErrnoText(error);
  return Error(code, message);
}

}  // namespace

std::string ErrnoText(int error) { return std::generic_category().message(error); }

absl::Status FileError(int error, std::string_view what, std::string_view path) {
  return Make(FileCode(error), error, what, path);
}

bool IsBadInput(const absl::Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::invalid_argument:
    case ErrorCode::bind_failed:
    case ErrorCode::file_locked:
    case ErrorCode::protocol_mismatch:
    case ErrorCode::wrong_cluster:
      return true;
    default:
      return false;
  }
}

absl::Status NetworkError(int error, std::string_view what, std::string_view address) {
  return Make(NetworkCode(error), error, what, address);
}

}  // namespace orrery::real
