// Trace events as lines of JSON, one object each:
//
//   {"time":"2026-03-01T12:00:00.000123Z","level":"warn","type":"LogSyncSlow","process":"log-1",
//    "machine":"m4","monotonic_ns":8123456,"fields":{"ms":512,"path":"log/3"}}
//
// (in one line). The members come in this order. `time` is UTC wall time, for people;
// `monotonic_ns` orders the events of one process. "injected":true stands before `fields` when the
// event tells of a fault that was injected on purpose. Integers are JSON numbers of up to 64 bits.
// Strings are escaped so that the line is valid JSON in UTF-8 whatever bytes went in: what is not
// UTF-8 becomes U+FFFD, control characters \u00XX.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "core/observe/trace.h"

namespace orrery {

// The longest text of one field; more is cut and ends in "...".
inline constexpr size_t kTraceTextBytesMax = 8192;

// Appends `text` to `out` as a JSON string, with its quotes.
void AppendJsonString(std::string& out, std::string_view text);

// A sink that formats each event into one line, without a newline, and gives it to `write`, which
// owns getting it anywhere. The line is valid during the call only.
class JsonTraceSink final : public TraceSink {
 public:
  JsonTraceSink(std::string_view process, std::string_view machine,
                std::function<void(std::string_view line)> write);

  void Emit(const TraceRecord& record) override;

 private:
  const std::string origin_;  // "process" and "machine" as they stand in every line.
  const std::function<void(std::string_view line)> write_;
  std::string line_;  // Reused.
};

}  // namespace orrery
