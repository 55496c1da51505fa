// One write per line. A line that cannot be written is lost: there is nobody left to tell, and a
// full disk must not stop the process that could report it by other means.
#include "core/real/trace_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "core/observe/trace_json.h"
#include "core/real/os_error.h"

namespace orrery::real {
namespace {

class LineOutput final : public TraceSink {
 public:
  // Closes `fd` unless it is standard error.
  LineOutput(int fd, const Locality& locality)
      : fd_(fd),
        json_(locality.process, locality.machine, [this](std::string_view line) { Write(line); }) {}
  ~LineOutput() override {
    if (fd_ != STDERR_FILENO) ::close(fd_);
  }

  void Emit(const TraceRecord& record) override { json_.Emit(record); }

 private:
  void Write(std::string_view line) {
    line_.assign(line);
    line_ += '\n';
    std::string_view rest = line_;
    while (!rest.empty()) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;
      rest.remove_prefix(static_cast<size_t>(n));
    }
  }

  const int fd_;
  std::string line_;  // Reused.
  JsonTraceSink json_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TraceSink>> OpenTraceOutput(const std::string& path,
                                                           const Locality& locality, bool& made) {
  int fd = STDERR_FILENO;
  made = false;
  if (!path.empty()) {
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    fd = ::open(path.c_str(), kFlags | O_EXCL, 0644);
    made = fd >= 0;
    if (!made) fd = ::open(path.c_str(), kFlags, 0644);
    if (fd < 0) {
      return Error(ErrorCode::invalid_argument, "trace file " + path + ": " + ErrnoText(errno));
    }
  }
  return std::make_unique<LineOutput>(fd, locality);
}

}  // namespace orrery::real
