// Counting what was done.
#include "workloads/once_book.h"

#include "workloads/violation.h"

namespace orrery::workloads {

absl::Status OnceBook::Check(const Rows& rows, const std::vector<uint64_t>& counts) const {
  std::vector<std::string> attempt_of(operations_.size());
  std::vector<uint64_t> expected(counters_);
  for (const auto& [name, counter] : rows) {
    const std::optional<uint64_t> operation =
        ParseNumber(std::string_view(name).substr(0, name.find('/')));
    if (!operation.has_value() || *operation >= operations_.size() ||
        ParseNumber(counter) != operations_[*operation].counter) {
      return Violated("row " + name + " = " + counter + " is of no operation");
    }
    std::string& attempt = attempt_of[*operation];
    if (!attempt.empty()) {
      const ClientOperation& by = operations_[*operation].by;
      return Violated(
          "operation " + std::to_string(*operation) + " was done twice: " + attempt + " and " +
              name,
          {.nodes = {by.Node("attempt " + attempt), by.Node("attempt " + name)},
           .edges = {{.from = 0, .to = 1, .label = "of the same operation, and both committed"}}});
    }
    attempt = name;
    ++expected[operations_[*operation].counter];
  }
  for (size_t i = 0; i < operations_.size(); ++i) {
    if (operations_[i].acknowledged && attempt_of[i].empty()) {
      return Violated("operation " + std::to_string(i) + " was acknowledged, and is not there");
    }
  }
  for (size_t counter = 0; counter < counters_; ++counter) {
    if (counts[counter] == expected[counter]) continue;
    return Violated("counter " + std::to_string(counter) + " is " +
                    std::to_string(counts[counter]) + ", and " + std::to_string(expected[counter]) +
                    " operations added to it");
  }
  return absl::OkStatus();
}

}  // namespace orrery::workloads
