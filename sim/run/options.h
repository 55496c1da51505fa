// Options: a table of named values from a scenario file, read by whoever they are for. A key that
// nobody reads is an error, so that a misspelt option is never silently ignored.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery::sim {

class Options {
 public:
  using Value = std::variant<bool, int64_t, std::string, std::vector<std::string>>;

  // `where` names the table for messages: "scenario.toml: [topology]".
  explicit Options(std::string where) : where_(std::move(where)) {}

  void Put(std::string key, Value value) { values_[std::move(key)] = std::move(value); }

  // The value under `key`, or `standard` when it is not there. invalid_argument says table, key and
  // what was expected. Durations are text: "250ms", "60s".
  absl::StatusOr<int64_t> Integer(std::string_view key, int64_t standard, int64_t min,
                                  int64_t max) const;
  absl::StatusOr<bool> Boolean(std::string_view key, bool standard) const;
  absl::StatusOr<std::string> Text(std::string_view key, std::string_view standard) const;
  absl::StatusOr<Duration> Span(std::string_view key, Duration standard) const;
  absl::StatusOr<std::vector<std::string>> TextList(std::string_view key) const;

  bool Has(std::string_view key) const { return values_.contains(std::string(key)); }

  // invalid_argument when a key was asked for by none of the calls above: names it and those known.
  absl::Status RefuseUnread() const;

 private:
  const Value* Find(std::string_view key) const;  // And remembers that it was asked for.

  std::string where_;
  std::map<std::string, Value> values_;
  mutable std::set<std::string> asked_;
};

}  // namespace orrery::sim
