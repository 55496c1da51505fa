// Children that are awaited, the memory they share with this process, and their results.
#include "sim/run/isolate.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/invariant.h"

namespace orrery::sim {
namespace {

// -1: errno says why.
int NewMemory(size_t bytes) {
  const int descriptor = memfd_create("orrery", 0);
  if (descriptor < 0 || ftruncate(descriptor, static_cast<off_t>(bytes)) == 0) return descriptor;
  const int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

ChildEnd RunToItsEnd(absl::StatusOr<std::unique_ptr<Child>> begun) {
  if (!begun.ok()) {
    ChildEnd end;
    end.how = ChildEnd::How::kNotStarted;
    end.diagnosis = std::string(begun.status().message());
    return end;
  }
  Child* const child = begun->get();
  while (!child->Step()) AwaitChildren({&child, 1}, Seconds(1));
  return child->TakeEnd();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SharedMemory>> SharedMemory::Make(size_t bytes) {
  const int descriptor = NewMemory(bytes);
  if (descriptor >= 0) return std::make_unique<SharedMemory>(descriptor, bytes);
  return Error(ErrorCode::platform_error, std::string("no shared memory: ") + std::strerror(errno));
}

SharedMemory::SharedMemory(size_t bytes) : SharedMemory(NewMemory(bytes), bytes) {}

SharedMemory::SharedMemory(int descriptor, size_t bytes) : descriptor_(descriptor), bytes_(bytes) {
  INVARIANT(descriptor_ >= 0, errno);
  data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  INVARIANT(data_ != MAP_FAILED, errno);
}

SharedMemory::~SharedMemory() {
  munmap(data_, bytes_);
  close(descriptor_);
}

ChildEnd RunForked(const std::function<void(int result)>& body, const Progress& progress,
                   const ChildLimits& limits) {
  return RunToItsEnd(Child::Fork(body, progress, limits));
}

ChildEnd RunExecuted(const Execution& execution, const Progress& progress,
                     const ChildLimits& limits) {
  return RunToItsEnd(Child::Execute(execution, progress, limits));
}

void WriteResult(int descriptor, const std::string& bytes) {
  const uint64_t length = bytes.size();
  std::string framed(reinterpret_cast<const char*>(&length), sizeof length);
  framed += bytes;
  for (size_t written = 0; written < framed.size();) {
    const ssize_t n = write(descriptor, framed.data() + written, framed.size() - written);
    INVARIANT(n > 0 || errno == EINTR, errno);
    if (n > 0) written += static_cast<size_t>(n);
  }
}

std::string LastResult(const std::string& results) {
  std::string last;
  for (size_t at = 0; at + sizeof(uint64_t) <= results.size();) {
    uint64_t length;
    std::memcpy(&length, results.data() + at, sizeof length);
    at += sizeof length;
    if (length > results.size() - at) break;
    last = results.substr(at, length);
    at += length;
  }
  return last;
}

}  // namespace orrery::sim
