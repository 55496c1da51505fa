// Text forms of knobs, and the set of all knobs of a process.
#include "core/knobs/knobs.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "core/base/invariant.h"

namespace orrery {
namespace {

absl::Status Expected(std::string_view what) {
  return Error(ErrorCode::invalid_argument, "expected " + std::string(what));
}

absl::Status TooLarge(std::string_view most) {
  return Error(ErrorCode::invalid_argument, "too large: at most " + std::string(most));
}

struct TimeUnit {
  std::string_view suffix;
  int64_t nanoseconds;
};
// Longest first: Show takes the first that divides.
constexpr TimeUnit kTimeUnits[] = {
    {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}};

// Levenshtein's distance: insertions, deletions and replacements of one character.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string Quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

namespace knobs_internal {

absl::Status Parse(std::string_view text, int64_t& out) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error == std::errc::invalid_argument || end != text.end()) {
    return Expected("an integer such as 123 or -5");
  }
  if (error == std::errc::result_out_of_range) {
    return Error(ErrorCode::invalid_argument, "does not fit into 64 bits");
  }
  out = value;
  return absl::OkStatus();
}

absl::Status Parse(std::string_view text, bool& out) {
  if (text != "true" && text != "false") return Expected("true or false");
  out = text == "true";
  return absl::OkStatus();
}

absl::Status Parse(std::string_view text, Duration& out) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), count);
  const std::string_view suffix = text.substr(static_cast<size_t>(end - text.begin()));
  const auto unit = std::find_if(std::begin(kTimeUnits), std::end(kTimeUnits),
                                 [&](const TimeUnit& u) { return u.suffix == suffix; });
  if (error == std::errc::invalid_argument || unit == std::end(kTimeUnits)) {
    return Expected("a duration such as 3s, 250ms, 10us or 7ns");
  }
  if (error == std::errc::result_out_of_range ||
      count > static_cast<uint64_t>(Duration::max().count() / unit->nanoseconds)) {
    return TooLarge("9223372036s");
  }
  out = Duration(static_cast<int64_t>(count) * unit->nanoseconds);
  return absl::OkStatus();
}

absl::Status Parse(std::string_view text, Ratio& out) {
  Ratio value{0, 0};
  const auto [slash, error] = std::from_chars(text.begin(), text.end(), value.numerator);
  if (error == std::errc::invalid_argument || slash == text.end() || *slash != '/') {
    return Expected("a ratio such as 1/20");
  }
  const auto [end, error_below] = std::from_chars(slash + 1, text.end(), value.denominator);
  if (error_below == std::errc::invalid_argument || end != text.end()) {
    return Expected("a ratio such as 1/20");
  }
  if (error == std::errc::result_out_of_range || error_below == std::errc::result_out_of_range) {
    return TooLarge("4294967295 above and below");
  }
  if (value.denominator == 0 || value.numerator > value.denominator) {
    return Expected("a ratio between 0/1 and 1/1");
  }
  out = value;
  return absl::OkStatus();
}

std::string Show(int64_t value) { return std::to_string(value); }

std::string Show(bool value) { return value ? "true" : "false"; }

std::string Show(Duration value) {
  const int64_t count = value.count();
  if (count == 0) return "0s";
  const TimeUnit* unit = kTimeUnits;
  while (count % unit->nanoseconds != 0) ++unit;
  return std::to_string(count / unit->nanoseconds) + std::string(unit->suffix);
}

std::string Show(Ratio value) {
  const uint32_t common = std::gcd(value.numerator, value.denominator);
  return std::to_string(value.numerator / common) + "/" +
         std::to_string(value.denominator / common);
}

}  // namespace knobs_internal

void KnobSet::AddGroup(std::span<const KnobInfo> infos, std::shared_ptr<void> values) {
  std::vector<std::string> defaults;
  for (const KnobInfo& info : infos) {
    for (const Entry& group : groups_) {
      for (const KnobInfo& other : group.infos) {
        INVARIANT(std::string_view(info.name) != other.name, info.name);
      }
    }
    defaults.push_back(info.show(values.get()));
  }
  groups_.push_back(
      {infos, std::move(values), std::move(defaults), std::vector<bool>(infos.size())});
}

const void* KnobSet::FindGroup(const KnobInfo* infos) const {
  for (const Entry& group : groups_) {
    if (group.infos.data() == infos) return group.values.get();
  }
  INVARIANT(infos == nullptr, infos->name);  // Its group was not added.
  return nullptr;
}

absl::Status KnobSet::Set(std::string_view name, std::string_view value) {
  for (Entry& group : groups_) {
    for (size_t i = 0; i < group.infos.size(); ++i) {
      const KnobInfo& info = group.infos[i];
      if (info.name != name) continue;
      const absl::Status parsed = info.parse(group.values.get(), value);
      if (!parsed.ok()) {
        return Error(ErrorCode::invalid_argument, "knob " + std::string(name) + ": value " +
                                                      Quote(value) + ": " +
                                                      std::string(parsed.message()));
      }
      group.was_set[i] = true;
      return absl::OkStatus();
    }
  }
  std::string message = "knob " + Quote(name) + " does not exist";
  if (const std::string_view nearest = Nearest(name); !nearest.empty()) {
    message += "; the nearest name is " + std::string(nearest);
  }
  return Error(ErrorCode::invalid_argument, message);
}

absl::Status KnobSet::SetFromText(std::string_view name_and_value) {
  const size_t equals = name_and_value.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error(ErrorCode::invalid_argument,
                 "knob " + Quote(name_and_value) + ": expected NAME=VALUE");
  }
  return Set(name_and_value.substr(0, equals), name_and_value.substr(equals + 1));
}

std::string_view KnobSet::Nearest(std::string_view name) const {
  constexpr size_t kNameBytesMax = 200;  // Of a mistyped name: the search is quadratic.
  name = name.substr(0, kNameBytesMax);
  std::string_view nearest;
  size_t least = SIZE_MAX;
  for (const Entry& group : groups_) {
    for (const KnobInfo& info : group.infos) {
      const size_t distance = EditDistance(name, info.name);
      if (distance < least || (distance == least && info.name < nearest)) {
        nearest = info.name;
        least = distance;
      }
    }
  }
  return nearest;
}

void KnobSet::Randomise(uint64_t seed) {
  for (Entry& group : groups_) {
    for (size_t i = 0; i < group.infos.size(); ++i) {
      if (group.was_set[i]) continue;
      Random random(HashWords(seed, HashName(group.infos[i].name)));
      group.infos[i].randomise(group.values.get(), random);
    }
  }
}

std::vector<KnobSet::Value> KnobSet::List() const {
  std::vector<Value> values;
  for (const Entry& group : groups_) {
    for (size_t i = 0; i < group.infos.size(); ++i) {
      std::string value = group.infos[i].show(group.values.get());
      const bool is_default = value == group.defaults[i];
      values.push_back({&group.infos[i], std::move(value), is_default});
    }
  }
  std::sort(values.begin(), values.end(), [](const Value& a, const Value& b) {
    return std::string_view(a.info->name) < b.info->name;
  });
  return values;
}

}  // namespace orrery
