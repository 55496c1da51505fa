// Options: a table of named values from a scenario file, read by whoever they are for. A key that
// nobody reads is an error, so that a misspelt option is never silently ignored.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery::sim {

class Options {
 public:
  using Value = std::variant<bool, int64_t, std::string, std::vector<std::string>>;

  // `name` is the table's, for messages: "topology". `place` is where it stands:
  // "scenario.toml:12:1". Errors then read "scenario.toml:13:12: [topology] machines: expected
  // ...".
  explicit Options(std::string name, std::string place = {})
      : name_(std::move(name)), place_(std::move(place)) {}

  // `place` is where the value stands; the table's when empty.
  void Put(std::string key, Value value, std::string place = {});

  // The value under `key`, or `standard` when it is not there. invalid_argument says table, key and
  // what was expected. Durations are text: "250ms", "60s".
  absl::StatusOr<int64_t> Integer(std::string_view key, int64_t standard, int64_t min,
                                  int64_t max) const;
  absl::StatusOr<bool> Boolean(std::string_view key, bool standard) const;
  absl::StatusOr<std::string> Text(std::string_view key, std::string_view standard) const;
  absl::StatusOr<Duration> Span(std::string_view key, Duration standard) const;
  absl::StatusOr<std::vector<std::string>> TextList(std::string_view key) const;

  bool Has(std::string_view key) const { return values_.contains(key); }

  // The value under `key` without asking for it, nullptr when it is not there; and all values. For
  // whoever passes options on.
  const Value* ValueOf(std::string_view key) const;
  std::vector<std::pair<std::string, Value>> List() const;

  // invalid_argument when a key was asked for by none of the calls above: names it and those known.
  absl::Status RefuseUnread() const;

  // invalid_argument about `key`, in the form of the errors above: for whoever reads a value and
  // finds that it makes no sense.
  absl::Status Refuse(std::string_view key, std::string_view what) const;

 private:
  struct Entry {
    Value value;
    std::string place;
  };

  const Entry* Find(std::string_view key) const;  // And remembers that it was asked for.
  absl::Status Expected(std::string_view key, std::string_view what) const;

  std::string name_;
  std::string place_;
  std::map<std::string, Entry, std::less<>> values_;
  mutable std::set<std::string, std::less<>> asked_;
};

// What a value is, for people: 5, true, "text", a list.
std::string ToText(const Options::Value& value);

// "250ms", "60s", "10us", "5ns", whole numbers; nothing negative.
absl::StatusOr<Duration> ParseSpan(std::string_view text);

}  // namespace orrery::sim
