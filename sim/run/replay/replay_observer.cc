// Lines of trace events, and stopping.
#include "sim/run/replay/replay_observer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/invariant.h"
#include "core/observe/trace_json.h"
#include "sim/run/json_object.h"
#include "sim/run/scenario.h"
#include "sim/world/machine.h"
#include "sim/world/process.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr size_t kShownBefore = 20;  // Entries up to the place.
constexpr size_t kShownAfter = 20;

// A debugger stops here; the frames above are those of what the replay was asked to stop at.
[[gnu::noinline]] void StopForDebugger() { __builtin_debugtrap(); }

// Text that needs no quotes has none.
std::string FieldText(const TraceRecord::Field& field) {
  const std::string* text = std::get_if<std::string>(&field.value);
  if (text == nullptr) {
    if (const bool* flag = std::get_if<bool>(&field.value)) return *flag ? "true" : "false";
    if (const int64_t* number = std::get_if<int64_t>(&field.value)) return std::to_string(*number);
    return std::to_string(std::get<uint64_t>(field.value));
  }
  const bool plain = !text->empty() && std::all_of(text->begin(), text->end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=';
  });
  if (plain) return *text;
  std::string quoted;
  AppendJsonString(quoted, *text);
  return quoted;
}

std::string EntryJson(const RecordedNote& note, const EntityNames& names) {
  return JsonObject()
      .Raw("event", std::to_string(note.index))
      .Raw("time_ns", std::to_string(note.time_ns))
      .Text("happening", NameOf(static_cast<Happening>(note.happening)))
      .Text("in", names.Of(note.entity))
      .Raw("a", std::to_string(note.a))
      .Raw("b", std::to_string(note.b))
      .Take();
}

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

bool DebuggerIsAttached() {
  const absl::StatusOr<std::string> status = ReadTextFile("/proc/self/status");
  if (!status.ok()) return false;  // Then there is no telling.
  constexpr std::string_view kTracer = "\nTracerPid:\t";
  const size_t at = status->find(kTracer);
  return at != status->npos && status->compare(at + kTracer.size(), 2, "0\n") != 0;
}

ReplayObserver::ReplayObserver(Options options) : options_(std::move(options)) {
  std::fflush(stdout);
  const int copy = dup(STDOUT_FILENO);
  INVARIANT(copy >= 0, errno);
  out_ = fdopen(copy, "w");
  INVARIANT(out_ != nullptr, errno);
  setvbuf(out_, nullptr, _IOLBF, 0);  // What came before a crash is shown.
}

ReplayObserver::~ReplayObserver() { std::fclose(out_); }

void ReplayObserver::Begin(World& world) {
  world_ = &world;
  names_.emplace(world);
  for (const auto& process : world.processes()) {
    longest_process_ = std::max(longest_process_, process->name().size());
  }
}

TraceLevel ReplayObserver::least_level() const {
  // An event of any level may be the one to stop at.
  const bool all =
      options_.break_point.has_value() && options_.break_point->kind == BreakPoint::Kind::kType;
  return all ? TraceLevel::kDebug : options_.trace_level.value_or(TraceLevel::kError);
}

void ReplayObserver::Write(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out_);
}

// Time is the world's: that of a process may be wrong on purpose.
std::string ReplayObserver::Line(const Process* process, const TraceRecord& record) const {
  // What has no process is the world's.
  const std::string name = process != nullptr ? process->name() : "world";
  std::string line;
  if (options_.json) {
    const std::string machine = process != nullptr ? process->machine().name() : "";
    JsonTraceSink(process != nullptr ? name : "", machine, [&line](std::string_view text) {
      line.append(text);
    }).Emit(record);
    return line + "\n";
  }
  line = Padded(SecondsText(ToNanoseconds(world_->Now())) + " s", 16) +
         Padded(name, longest_process_) + "  " + Padded(NameOfLevel(record.level), 5) + "  " +
         record.type;
  if (record.injected) line += "  (injected)";
  for (const TraceRecord::Field& field : record.fields) {
    line += std::string("  ") + field.name + "=" + FieldText(field);
  }
  return line + "\n";
}

void ReplayObserver::Emit(const Process* process, const TraceRecord& record) {
  if (options_.trace_level.has_value() && record.level >= *options_.trace_level) {
    Write(Line(process, record));
  }
  if (!options_.break_point.has_value() || here_) return;
  const BreakPoint& at = *options_.break_point;
  if (at.kind != BreakPoint::Kind::kType || at.type != record.type) return;
  if (++seen_ == at.number) Reached(Line(process, record));
}

bool ReplayObserver::IsHere(const RecordedNote& note) const {
  if (!options_.break_point.has_value()) return false;
  switch (options_.break_point->kind) {
    case BreakPoint::Kind::kNumber:
      return note.index == options_.break_point->number;
    case BreakPoint::Kind::kDifference:
      return differs_;
    case BreakPoint::Kind::kType:
      break;
  }
  return false;
}

void ReplayObserver::Record(uint64_t index, Time time, Happening happening, uint64_t entity,
                            uint64_t a, uint64_t b, uint64_t hash_after) {
  const RecordedNote note = {.index = index,
                             .time_ns = ToNanoseconds(time),
                             .happening = static_cast<uint64_t>(happening),
                             .entity = entity,
                             .a = a,
                             .b = b,
                             .hash_after = hash_after};
  if (here_) {
    if (after_.size() < kShownAfter) after_.push_back(note);
    return;
  }
  before_.push_back(note);
  if (before_.size() > kShownBefore + 1) before_.pop_front();
  if (IsHere(note)) Reached("");
}

// Beneath is what makes the entry or tells the trace event; with a debugger, it is looked at now.
void ReplayObserver::Reached(const std::string& traced) {
  here_ = true;
  reached_->store(true, std::memory_order_relaxed);
  TellPlace(traced);
  if (options_.debugger) StopForDebugger();
}

// At once: the event may crash.
void ReplayObserver::TellPlace(const std::string& traced) {
  const int64_t now_ns = ToNanoseconds(world_->Now());
  const std::string where = before_.empty() ? "the world" : names_->Of(before_.back().entity);
  if (options_.json) {
    std::string events;
    for (const RecordedNote& note : before_) {
      events += (events.empty() ? "" : ",") + EntryJson(note, *names_);
    }
    return Write(JsonObject()
                     .Text("stopped_at", options_.break_point->ToText())
                     .Raw("time_ns", std::to_string(now_ns))
                     .Text("in", where)
                     .Raw("trace", traced.empty() ? "null" : traced.substr(0, traced.size() - 1))
                     .Raw("events_before", "[" + events + "]")
                     .Take() +
                 "\n");
  }
  std::string text = "stopped at " + options_.break_point->ToText() + ": " + SecondsText(now_ns) +
                     " s, in " + where + "\n" + traced + "the events up to it\n";
  for (const RecordedNote& note : before_) {
    text += DescribeEntry(&note == &before_.back() ? ">" : " ", note, *names_);
  }
  Write(text);
}

void ReplayObserver::TellRest() {
  const Timeline& timeline = world_->timeline();
  const bool more = timeline.pending() > 0;
  const int64_t next_ns = more ? ToNanoseconds(timeline.NextDue()) : 0;
  const std::string next_in = more ? names_->Of(timeline.NextKey()) : "";
  if (options_.json) {
    std::string events;
    for (const RecordedNote& note : after_) {
      events += (events.empty() ? "" : ",") + EntryJson(note, *names_);
    }
    JsonObject object;
    object.Raw("events_after", "[" + events + "]");
    if (more) object.Raw("next_time_ns", std::to_string(next_ns)).Text("next_in", next_in);
    return Write(object.Take() + "\n");
  }
  std::string text;
  if (!after_.empty()) text += "what followed at once\n";
  for (const RecordedNote& note : after_) text += DescribeEntry(" ", note, *names_);
  if (more) text += "next: " + SecondsText(next_ns) + " s, in " + next_in + "\n";
  Write(text);
}

bool ReplayObserver::Stop() {
  if (!here_ || options_.debugger) return false;
  TellRest();
  return true;
}

}  // namespace orrery::sim
