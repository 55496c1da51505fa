// The table of workloads.
#include "workloads/workload_list.h"

#include "workloads/ledger.h"
#include "workloads/ring.h"

namespace orrery::workloads {
namespace {

template <class W>
std::unique_ptr<sim::Workload> Make() {
  return std::make_unique<W>();
}

struct Entry {
  std::string_view name;
  std::unique_ptr<sim::Workload> (*make)();
};

constexpr Entry kWorkloads[] = {
    {"ledger", Make<LedgerWorkload>},
    {"ring", Make<RingWorkload>},
};

}  // namespace

std::unique_ptr<sim::Workload> MakeWorkload(std::string_view name) {
  for (const Entry& entry : kWorkloads) {
    if (entry.name == name) return entry.make();
  }
  return nullptr;
}

std::vector<std::string> WorkloadNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kWorkloads) names.emplace_back(entry.name);
  return names;
}

}  // namespace orrery::workloads
