// Lines of JSON into a file.
#include "sim/run/trace_file.h"

#include <cerrno>
#include <cstring>

#include "sim/world/machine.h"
#include "sim/world/process.h"

namespace orrery::sim {

absl::Status TraceFile::Open(const std::string& path) {
  path_ = path;
  file_.reset(std::fopen(path.c_str(), "wb"));
  if (file_ != nullptr) return absl::OkStatus();
  return Error(ErrorCode::platform_error, path + ": cannot be written: " + std::strerror(errno));
}

void TraceFile::Emit(const Process* process, const TraceRecord& record) {
  const std::string name = process != nullptr ? process->name() : "";
  std::unique_ptr<JsonTraceSink>& sink = sinks_[name];
  if (sink == nullptr) {
    sink = std::make_unique<JsonTraceSink>(
        name, process != nullptr ? process->machine().name() : "", [this](std::string_view line) {
          std::fwrite(line.data(), 1, line.size(), file_.get());
          std::fputc('\n', file_.get());
          if (std::fflush(file_.get()) != 0) failed_ = true;
        });
  }
  sink->Emit(record);
}

absl::Status TraceFile::Close() {
  const bool closed = std::fclose(file_.release()) == 0;
  if (closed && !failed_) return absl::OkStatus();
  return Error(ErrorCode::platform_error, path_ + ": could not be written completely");
}

}  // namespace orrery::sim
