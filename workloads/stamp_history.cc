// The checker of stamps.
#include "workloads/stamp_history.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr size_t kStampBytes = 10;

std::string Show(std::string_view stamp) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : stamp) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text.empty() ? "nothing" : text;
}

absl::Status CheckAcknowledged(const StampHistory& history) {
  for (size_t i = 0; i < history.commits.size(); ++i) {
    const StampedCommit& commit = history.commits[i];
    if (!commit.acknowledged) continue;
    const std::string name =
        "commit " + std::to_string(i) + " at version " + std::to_string(commit.version);
    const auto row = history.stamp_of_operation.find(i);
    if (row == history.stamp_of_operation.end()) {
      return Violated(name + " was acknowledged, and its row is not there");
    }
    if (row->second != commit.stamp) {
      return Violated(name + " was answered with stamp " + Show(commit.stamp) +
                      ", and its row has " + Show(row->second));
    }
    uint64_t version = 0;
    if (commit.stamp.size() != kStampBytes || !ByteReader(commit.stamp).ReadOrdered64(version) ||
        version != static_cast<uint64_t>(commit.version)) {
      return Violated(name + " was answered with stamp " + Show(commit.stamp) +
                      ", which is not of this version");
    }
  }
  return absl::OkStatus();
}

// The rows by stamp and those by operation say the same.
absl::Status CheckRows(const StampHistory& history) {
  const std::string* before = nullptr;
  for (const auto& [stamp, operation] : history.operation_of_stamp) {
    if (before != nullptr && *before >= stamp) {
      return Violated("stamp " + Show(stamp) + " follows " + Show(*before) + " in a range read");
    }
    before = &stamp;
    const auto row = history.stamp_of_operation.find(operation);
    if (row == history.stamp_of_operation.end() || row->second != stamp) {
      return Violated("stamp " + Show(stamp) + " is that of commit " + std::to_string(operation) +
                      ", whose own row has " +
                      (row == history.stamp_of_operation.end() ? "no stamp" : Show(row->second)));
    }
  }
  if (history.operation_of_stamp.size() == history.stamp_of_operation.size()) {
    return absl::OkStatus();
  }
  return Violated(std::to_string(history.stamp_of_operation.size()) +
                  " commits have a stamp, and " +
                  std::to_string(history.operation_of_stamp.size()) + " stamps have a commit");
}

}  // namespace

absl::Status CheckStampHistory(const StampHistory& history) {
  RETURN_IF_ERROR(CheckAcknowledged(history));
  RETURN_IF_ERROR(CheckRows(history));
  // In real order: at each beginning, the greatest stamp that had been acknowledged.
  struct Event {
    uint64_t moment;
    size_t commit;
    bool ends;
  };
  std::vector<Event> events;
  for (const auto& [operation, stamp] : history.stamp_of_operation) {
    if (operation >= history.commits.size()) {
      return Violated("commit " + std::to_string(operation) + ", which nobody made, has a row");
    }
    const StampedCommit& commit = history.commits[operation];
    events.push_back({commit.begin, operation, false});
    if (commit.acknowledged) events.push_back({commit.end, operation, true});
  }
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.moment < b.moment; });
  std::string greatest;
  size_t greatest_of = 0;
  for (const Event& event : events) {
    const std::string& stamp = history.stamp_of_operation.at(event.commit);
    if (event.ends) {
      if (stamp > greatest) greatest_of = event.commit;
      greatest = std::max(greatest, stamp);
    } else if (stamp <= greatest) {
      const std::string later = "commit " + std::to_string(event.commit);
      const std::string earlier = "commit " + std::to_string(greatest_of);
      return Violated(
          later + " has stamp " + Show(stamp) + ", though it began after " + earlier +
              " had been acknowledged with " + Show(greatest),
          {.nodes = {history.commits[greatest_of].by.Node(earlier + ", stamp " + Show(greatest)),
                     history.commits[event.commit].by.Node(later + ", stamp " + Show(stamp))},
           .edges = {{.from = 0, .to = 1, .label = "acknowledged before it began"},
                     {.from = 1, .to = 0, .label = "has the smaller stamp"}}});
    }
  }
  return absl::OkStatus();
}

}  // namespace orrery::workloads
