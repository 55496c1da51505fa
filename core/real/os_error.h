// errno as a Status.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace orrery::real {

// "No such file or directory".
std::string ErrnoText(int error);

// The error of a file operation: file_not_found, file_exists, disk_full, io_error, platform_error;
// the message is "WHAT PATH: TEXT".
absl::Status FileError(int error, std::string_view what, std::string_view path);

// connection_failed "WHAT ADDRESS: TEXT"; overloaded when the process is out of descriptors or
// memory.
absl::Status NetworkError(int error, std::string_view what, std::string_view address);

// Whether a process that ended with this status was given something it cannot work with, and has
// said so: exit code 2 rather than 1.
bool IsBadInput(const absl::Status& status);

}  // namespace orrery::real
