// The table of workloads.
#include "workloads/workload_list.h"

#include "workloads/api_fuzz.h"
#include "workloads/atomic_ops.h"
#include "workloads/bank.h"
#include "workloads/consistency_check.h"
#include "workloads/exactly_once.h"
#include "workloads/ledger.h"
#include "workloads/list_append.h"
#include "workloads/mixed.h"
#include "workloads/read_your_writes.h"
#include "workloads/register.h"
#include "workloads/ring.h"
#include "workloads/versionstamps.h"

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

std::unique_ptr<sim::Workload> MakeMixed() { return std::make_unique<MixedWorkload>(MakeWorkload); }

constexpr Entry kWorkloads[] = {
    {"api_fuzz", Make<ApiFuzzWorkload>},
    {"atomic_ops", Make<AtomicOpsWorkload>},
    {"bank", Make<BankWorkload>},
    {"consistency_check", Make<ConsistencyCheckWorkload>},
    {"exactly_once", Make<ExactlyOnceWorkload>},
    {"ledger", Make<LedgerWorkload>},
    {"list_append", Make<ListAppendWorkload>},
    {"mixed", MakeMixed},
    {"read_your_writes", Make<ReadYourWritesWorkload>},
    {"register", Make<RegisterWorkload>},
    {"ring", Make<RingWorkload>},
    {"versionstamps", Make<VersionstampsWorkload>},
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
