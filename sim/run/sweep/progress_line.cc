// Rates, and when to write.
#include "sim/run/sweep/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sim/run/sweep/sweep_report.h"

namespace orrery::sim {
namespace {

constexpr Duration kTerminalInterval = Milliseconds(500);
constexpr Duration kLogInterval = Seconds(10);

// "4.2"
std::string PerSecond(uint64_t runs, Duration real) {
  const int64_t milliseconds = std::max<int64_t>(ToMilliseconds(real), 1);
  const uint64_t tenths = runs * 10'000 / static_cast<uint64_t>(milliseconds);
  return GroupedText(tenths / 10) + "." + std::to_string(tenths % 10);
}

// "1:02:07", "0:43"
std::string Clock(Duration duration) {
  const int64_t seconds = std::max<int64_t>(ToMilliseconds(duration), 0) / 1000;
  char text[48];
  if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  }
  return text;
}

std::optional<Duration> TimeLeft(const Tally& tally, const SweepPace& pace) {
  const SweepParameters& parameters = tally.parameters();
  if (!parameters.by_seeds()) return parameters.time - pace.elapsed;
  if (pace.runs == 0) return std::nullopt;
  const uint64_t left = parameters.planned_runs() - tally.Sum().runs;
  return Milliseconds(
      static_cast<int64_t>(left * static_cast<uint64_t>(ToMilliseconds(pace.real)) / pace.runs));
}

}  // namespace

std::string DescribeProgress(const Tally& tally, const SweepPace& pace) {
  const Tally::OfScenario sum = tally.Sum();
  std::string text = GroupedText(sum.runs);
  if (tally.parameters().by_seeds()) {
    text += " of " + GroupedText(tally.parameters().planned_runs());
  }
  text += " runs, " + PerSecond(pace.runs, pace.real) + " a second, " +
          GroupedText(SeedsPerCoreHour(pace.runs, pace.cpu)) + " per core-hour, " +
          GroupedText(sum.failed) + " failed, " + GroupedText(tally.bug_count()) +
          (tally.bug_count() == 1 ? " bug" : " bugs");
  if (const std::optional<Duration> left = TimeLeft(tally, pace)) {
    text += ", " + Clock(*left) + " left";
  }
  return text;
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::Show(const Tally& tally, const SweepPace& pace, Duration now) {
  if (!last_.has_value()) last_ = now;
  if (now - *last_ < (terminal_ ? kTerminalInterval : kLogInterval)) return;
  last_ = now;
  const std::string text = DescribeProgress(tally, pace);
  if (terminal_) {
    std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
    written_ = true;
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::fflush(stderr);
}

void ProgressLine::Tell(const std::string& text) {
  Clear();
  std::fprintf(stderr, "%s\n", text.c_str());
}

void ProgressLine::Clear() {
  if (written_) std::fputs("\r\x1b[K", stderr);
  written_ = false;
}

}  // namespace orrery::sim
