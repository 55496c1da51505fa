// Reading a journal that may end anywhere, and adding to it.
#include "sim/run/minimise/trial_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "sim/run/scenario.h"

namespace orrery::sim {
namespace {

constexpr char kMagic[] = "orrery minimise 1 ";

absl::Status Failed(const std::string& path, const char* what) {
  return Error(ErrorCode::platform_error, path + ": cannot be " + what + ": " + strerror(errno));
}

std::string HeadOf(uint64_t of) {
  char line[64];
  std::snprintf(line, sizeof line, "%s%016" PRIx64 "\n", kMagic, of);
  return line;
}

bool WriteAll(int descriptor, const std::string& text) {
  for (size_t written = 0; written < text.size();) {
    const ssize_t n = write(descriptor, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) written += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

TrialJournal::~TrialJournal() {
  if (descriptor_ >= 0) close(descriptor_);
}

// How much of `text` is a journal of `of`: up to the first line that is not complete.
size_t TrialJournal::Read(const std::string& text, uint64_t of) {
  const std::string head = HeadOf(of);
  if (!text.starts_with(head)) return 0;
  size_t at = head.size();
  for (size_t end = text.find('\n', at); end != std::string::npos; end = text.find('\n', at)) {
    const std::string line = text.substr(at, end - at);
    uint64_t key = 0;
    char verdict[8] = "";
    int64_t milliseconds = 0;
    int parsed = 0;
    if (std::sscanf(line.c_str(), "%16" SCNx64 " %7s %" SCNd64 "%n", &key, verdict, &milliseconds,
                    &parsed) != 3 ||
        static_cast<size_t>(parsed) != line.size()) {
      break;
    }
    verdicts_[key] = std::strcmp(verdict, "fails") == 0;
    found_cpu_ += Milliseconds(milliseconds);
    at = end + 1;
  }
  found_ = verdicts_.size();
  return at;
}

absl::Status TrialJournal::Open(const std::string& path, uint64_t of) {
  path_ = path;
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok() && CodeOf(text.status()) != ErrorCode::file_not_found) return text.status();
  const bool any = text.ok() && !text->empty();
  if (any && !text->starts_with(kMagic)) {
    return Error(ErrorCode::invalid_argument,
                 path + ": is there and no state of a minimisation; give another --out");
  }
  const size_t same = any ? Read(*text, of) : 0;
  descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return Failed(path, "written");
  const bool begun = ftruncate(descriptor_, static_cast<off_t>(same)) == 0 &&
                     (same != 0 || WriteAll(descriptor_, HeadOf(of)));
  return begun ? absl::OkStatus() : Failed(path, "written");
}

std::optional<bool> TrialJournal::Fails(uint64_t key) const {
  const auto found = verdicts_.find(key);
  return found == verdicts_.end() ? std::nullopt : std::optional(found->second);
}

absl::Status TrialJournal::Add(uint64_t key, bool fails, Duration cpu) {
  char line[64];
  std::snprintf(line, sizeof line, "%016" PRIx64 " %s %" PRId64 "\n", key,
                fails ? "fails" : "passes", ToMilliseconds(cpu));
  verdicts_[key] = fails;
  return WriteAll(descriptor_, line) ? absl::OkStatus() : Failed(path_, "written");
}

void TrialJournal::Remove() { unlink(path_.c_str()); }

}  // namespace orrery::sim
