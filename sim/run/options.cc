// Reading options, and the texts of their errors.
#include "sim/run/options.h"

#include <charconv>

namespace orrery::sim {
namespace {

std::string Join(const std::set<std::string, std::less<>>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

std::string ToText(const Options::Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const int64_t* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return "\"" + *text + "\"";
  return "a list";
}

absl::StatusOr<Duration> ParseSpan(std::string_view text) {
  static constexpr struct {
    std::string_view unit;
    int64_t nanoseconds;
  } kUnits[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const auto& known : kUnits) {
    int64_t total = 0;
    if (error != std::errc() || count < 0 || unit != known.unit) continue;
    if (!__builtin_mul_overflow(count, known.nanoseconds, &total)) return Nanoseconds(total);
  }
  return Error(ErrorCode::invalid_argument, "not a time like \"250ms\" or \"60s\"");
}

void Options::Put(std::string key, Value value, std::string place) {
  values_.insert_or_assign(std::move(key), Entry{std::move(value), std::move(place)});
}

const Options::Entry* Options::Find(std::string_view key) const {
  asked_.emplace(key);
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const Options::Value* Options::ValueOf(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second.value;
}

std::vector<std::pair<std::string, Options::Value>> Options::List() const {
  std::vector<std::pair<std::string, Value>> list;
  for (const auto& [key, entry] : values_) list.emplace_back(key, entry.value);
  return list;
}

absl::Status Options::Refuse(std::string_view key, std::string_view what) const {
  const auto found = values_.find(key);
  const std::string& place =
      found == values_.end() || found->second.place.empty() ? place_ : found->second.place;
  std::string message = place.empty() ? "" : place + ": ";
  if (!name_.empty()) message += "[" + name_ + "] ";
  message.append(key).append(": ").append(what);
  return Error(ErrorCode::invalid_argument, message);
}

absl::Status Options::Expected(std::string_view key, std::string_view what) const {
  const auto found = values_.find(key);
  return Refuse(key, "expected " + std::string(what) + ", found " + ToText(found->second.value));
}

absl::StatusOr<int64_t> Options::Integer(std::string_view key, int64_t standard, int64_t min,
                                         int64_t max) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) return standard;
  const int64_t* number = std::get_if<int64_t>(&entry->value);
  if (number != nullptr && *number >= min && *number <= max) return *number;
  return Expected(key, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

absl::StatusOr<bool> Options::Boolean(std::string_view key, bool standard) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) return standard;
  if (const bool* flag = std::get_if<bool>(&entry->value)) return *flag;
  return Expected(key, "true or false");
}

absl::StatusOr<std::string> Options::Text(std::string_view key, std::string_view standard) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) return std::string(standard);
  if (const auto* text = std::get_if<std::string>(&entry->value)) return *text;
  return Expected(key, "a text in quotes");
}

absl::StatusOr<Duration> Options::Span(std::string_view key, Duration standard) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) return standard;
  if (const auto* text = std::get_if<std::string>(&entry->value)) {
    if (absl::StatusOr<Duration> span = ParseSpan(*text); span.ok()) return span;
  }
  return Expected(key, "a time like \"250ms\" or \"60s\"");
}

absl::StatusOr<std::vector<std::string>> Options::TextList(std::string_view key) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) return std::vector<std::string>();
  if (const auto* list = std::get_if<std::vector<std::string>>(&entry->value)) return *list;
  return Expected(key, "a list of texts like [\"a\", \"b\"]");
}

absl::Status Options::RefuseUnread() const {
  for (const auto& [key, entry] : values_) {
    if (asked_.contains(key)) continue;
    return Refuse(key, asked_.empty() ? "there is no such option here, and no other"
                                      : "no such option; those known are " + Join(asked_));
  }
  return absl::OkStatus();
}

}  // namespace orrery::sim
