// One table of the rows: name, field, form of the value.
#include "txn/metadata/configuration.h"

#include <array>
#include <optional>

#include "core/base/error_codes.h"

namespace orrery {
namespace {

constexpr std::string_view kRedundancy = "redundancy";
constexpr uint32_t kCountMax = 100;
constexpr std::array<std::string_view, 3> kRedundancyNames = {"single", "double", "triple"};

struct CountRow {
  std::string_view name;
  uint32_t Configuration::*field;
};
constexpr std::array<CountRow, 4> kCounts = {{
    {"logs", &Configuration::logs},
    {"commit_proxies", &Configuration::commit_proxies},
    {"grv_proxies", &Configuration::grv_proxies},
    {"resolvers", &Configuration::resolvers},
}};

Mutation Row(std::string_view name, std::string_view value) {
  return {MutationType::kSet, std::string(kConfigurationPrefix).append(name), std::string(value)};
}

std::optional<uint32_t> ParseCount(std::string_view text) {
  if (text.empty() || text.size() > 3 || text.front() == '0') return std::nullopt;
  uint32_t count = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    count = count * 10 + static_cast<uint32_t>(digit - '0');
  }
  if (count > kCountMax) return std::nullopt;
  return count;
}

// As it may be shown: a value comes from outside, of any length and with any bytes.
std::string Shown(std::string_view text) {
  constexpr size_t kShownMax = 40;
  std::string shown = "'";
  for (const char c : text.substr(0, kShownMax)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown + (text.size() > kShownMax ? "...'" : "'");
}

}  // namespace

std::string_view RedundancyName(uint32_t replication) {
  const bool known = replication >= 1 && replication <= kRedundancyNames.size();
  return known ? kRedundancyNames[replication - 1] : "unknown";
}

std::vector<Mutation> Configuration::Rows() const {
  std::vector<Mutation> rows = {Row(kRedundancy, RedundancyName(replication))};
  for (const CountRow& count : kCounts) {
    rows.push_back(Row(count.name, std::to_string(this->*count.field)));
  }
  return rows;
}

absl::Status Configuration::Set(std::string_view name, std::string_view value) {
  if (name == kRedundancy) {
    for (uint32_t i = 0; i < kRedundancyNames.size(); ++i) {
      if (value != kRedundancyNames[i]) continue;
      replication = i + 1;
      return absl::OkStatus();
    }
    return Error(ErrorCode::invalid_argument,
                 "redundancy is single, double or triple, not " + Shown(value));
  }
  for (const CountRow& count : kCounts) {
    if (name != count.name) continue;
    const std::optional<uint32_t> parsed = ParseCount(value);
    if (!parsed.has_value()) {
      return Error(ErrorCode::invalid_argument,
                   std::string(name) + " is a number from 1 to 100, not " + Shown(value));
    }
    this->*count.field = *parsed;
    return absl::OkStatus();
  }
  return Error(ErrorCode::invalid_argument,
               "no such setting: " + Shown(name) +
                   "; there are redundancy, logs, commit_proxies, grv_proxies and resolvers");
}

}  // namespace orrery
