// Formatting of trace events as JSON.
#include "core/observe/trace_json.h"

#include <chrono>
#include <cstdint>

namespace orrery {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// The length of the well-formed UTF-8 sequence that `text` begins with, or 0 (The Unicode Standard,
// table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). REQUIRES: !text.empty().
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

void AppendEscaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      if (static_cast<uint8_t>(c) >= 0x20 && c != 0x7f) {
        out += c;
        return;
      }
      out += "\\u00";
      out += kHexDigits[static_cast<uint8_t>(c) >> 4];
      out += kHexDigits[static_cast<uint8_t>(c) & 15];
  }
}

// `text` cut to kTraceTextBytesMax, not inside a character.
void AppendField(std::string& out, const std::string& text) {
  if (text.size() <= kTraceTextBytesMax) return AppendJsonString(out, text);
  size_t end = kTraceTextBytesMax;
  while (end > kTraceTextBytesMax - 3 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  AppendJsonString(out, std::string_view(text).substr(0, end));
  out.pop_back();
  out += "...\"";
}
void AppendField(std::string& out, bool value) { out += value ? "true" : "false"; }
void AppendField(std::string& out, int64_t value) { out += std::to_string(value); }
void AppendField(std::string& out, uint64_t value) { out += std::to_string(value); }

// `value` in decimal, with zeros before it up to `width`.
void AppendPadded(std::string& out, int64_t value, size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

// "2026-03-01T12:00:00.000123Z" of microseconds since 1970.
void AppendWallTime(std::string& out, int64_t wall_micros) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds(wall_micros)};
  const auto day = floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  AppendPadded(out, static_cast<int>(date.year()), 4);
  out += '-';
  AppendPadded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  AppendPadded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  AppendPadded(out, time.hours().count(), 2);
  out += ':';
  AppendPadded(out, time.minutes().count(), 2);
  out += ':';
  AppendPadded(out, time.seconds().count(), 2);
  out += '.';
  AppendPadded(out, time.subseconds().count(), 6);
  out += 'Z';
}

std::string_view NameOf(TraceLevel level) {
  switch (level) {
    case TraceLevel::kDebug:
      return "debug";
    case TraceLevel::kInfo:
      return "info";
    case TraceLevel::kWarn:
      return "warn";
    case TraceLevel::kError:
      break;
  }
  return "error";
}

std::string Origin(std::string_view process, std::string_view machine) {
  std::string out = ",\"process\":";
  AppendJsonString(out, process);
  out += ",\"machine\":";
  AppendJsonString(out, machine);
  return out;
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 1) {
      AppendEscaped(out, text[0]);
    } else if (length == 0) {
      out += "\\ufffd";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

JsonTraceSink::JsonTraceSink(std::string_view process, std::string_view machine,
                             std::function<void(std::string_view line)> write)
    : origin_(Origin(process, machine)), write_(std::move(write)) {}

void JsonTraceSink::Emit(const TraceRecord& record) {
  line_ = "{\"time\":\"";
  AppendWallTime(line_, record.wall_micros);
  line_ += "\",\"level\":\"";
  line_ += NameOf(record.level);
  line_ += "\",\"type\":";
  AppendJsonString(line_, record.type);
  line_ += origin_;
  line_ += ",\"monotonic_ns\":";
  line_ += std::to_string(ToNanoseconds(record.time));
  if (record.injected) line_ += ",\"injected\":true";
  line_ += ",\"fields\":{";
  for (const TraceRecord::Field& field : record.fields) {
    if (&field != record.fields.data()) line_ += ',';
    AppendJsonString(line_, field.name);
    line_ += ':';
    std::visit([&](const auto& value) { AppendField(line_, value); }, field.value);
  }
  line_ += "}}";
  write_(line_);
}

}  // namespace orrery
