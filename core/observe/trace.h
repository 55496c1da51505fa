// Structured trace events: what a process tells about itself while it runs.
//
//   if (auto e = env.trace().Warn("LogSyncSlow")) e.Add("ms", ms).Add("path", path);
//
// When the level is off nothing is built and the arguments are not evaluated. The event goes out at
// the end of its scope. In production it is a line of JSON; in a simulation it goes to the
// recorder, and an Error that is not tagged Injected() fails the run.
//
// Types and field names are literals: CamelCase for types, snake_case with the unit last for
// fields.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/async/clock.h"
#include "core/base/status.h"

namespace orrery {

enum class TraceLevel : uint8_t { kDebug, kInfo, kWarn, kError };

struct TraceRecord {
  struct Field {
    const char* name;
    // Integers are int64_t; uint64_t only where int64_t cannot hold the value.
    std::variant<int64_t, uint64_t, bool, std::string> value;
  };

  Time time{};              // Of the process's clock.
  int64_t wall_micros = 0;  // The same moment in UTC as the machine believed it; for output only.
  TraceLevel level = TraceLevel::kInfo;
  const char* type = "";
  bool injected = false;  // Caused by a fault that the simulator injected on purpose.
  std::vector<Field> fields;
};

// Where events go. Owned by the Env's world; called on the loop's thread, must not re-enter it.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void Emit(const TraceRecord& record) = 0;
};

class [[nodiscard]] TraceEvent {
 public:
  TraceEvent() = default;  // Off.
  TraceEvent(TraceEvent&& other) noexcept
      : sink_(std::exchange(other.sink_, nullptr)), record_(std::move(other.record_)) {}
  TraceEvent& operator=(TraceEvent&&) = delete;
  ~TraceEvent() {
    if (sink_ != nullptr) sink_->Emit(record_);
  }

  explicit operator bool() const { return sink_ != nullptr; }

  // REQUIRES for all: the event is on.
  template <std::integral T>
  TraceEvent& Add(const char* name, T value) {
    if constexpr (std::same_as<T, bool>) {
      record_.fields.push_back({name, value});
    } else if (std::unsigned_integral<T> && static_cast<uint64_t>(value) > INT64_MAX) {
      record_.fields.push_back({name, static_cast<uint64_t>(value)});
    } else {
      record_.fields.push_back({name, static_cast<int64_t>(value)});
    }
    return *this;
  }
  TraceEvent& Add(const char* name, std::string_view value) {
    record_.fields.push_back({name, std::string(value)});
    return *this;
  }
  TraceEvent& Add(const char* name, const char* value) {
    return Add(name, std::string_view(value));
  }
  TraceEvent& Add(const char* name, const absl::Status& status) {
    return Add(name, std::string_view(Describe(status)));
  }
  TraceEvent& Injected() {
    record_.injected = true;
    return *this;
  }

 private:
  friend class Trace;
  TraceEvent(TraceSink* sink, const Clock& clock, TraceLevel level, const char* type)
      : sink_(sink) {
    record_.time = clock.Now();
    record_.wall_micros = clock.WallMicros();
    record_.level = level;
    record_.type = type;
  }

  TraceSink* sink_ = nullptr;
  TraceRecord record_;
};

class Trace {
 public:
  // REQUIRES: `clock` and `sink` outlive this.
  Trace(const Clock& clock, TraceSink& sink, TraceLevel least)
      : clock_(clock), sink_(sink), least_(least) {}

  // Whether events of `level` go anywhere: before work that only such an event needs.
  bool IsOn(TraceLevel level) const { return level >= least_; }

  TraceEvent Debug(const char* type) { return At(TraceLevel::kDebug, type); }
  TraceEvent Info(const char* type) { return At(TraceLevel::kInfo, type); }
  TraceEvent Warn(const char* type) { return At(TraceLevel::kWarn, type); }
  TraceEvent Error(const char* type) { return At(TraceLevel::kError, type); }

 private:
  TraceEvent At(TraceLevel level, const char* type) {
    return IsOn(level) ? TraceEvent(&sink_, clock_, level, type) : TraceEvent();
  }

  const Clock& clock_;
  TraceSink& sink_;
  const TraceLevel least_;
};

}  // namespace orrery
