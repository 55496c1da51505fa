// Adding up the accounts.
#include "workloads/bank_check.h"

#include "workloads/violation.h"

namespace orrery::workloads {

absl::Status CheckBank(const Rows& rows, uint64_t accounts, uint64_t total) {
  uint64_t sum = 0;
  uint64_t account = 0;
  for (const auto& [key, value] : rows) {
    const std::optional<uint64_t> balance = ParseNumber(value);
    if (NumberOfKey(key) != account || !balance.has_value() || *balance > total) {
      return Violated("row " + key + " = " + value + " is not account " + std::to_string(account));
    }
    sum += *balance;
    ++account;
  }
  if (account != accounts) {
    return Violated("there should be " + std::to_string(accounts) + " accounts, and " +
                    std::to_string(account) + " were read");
  }
  if (sum == total) return absl::OkStatus();
  return Violated("all accounts together should have " + std::to_string(total) + ", and have " +
                  std::to_string(sum));
}

}  // namespace orrery::workloads
