// Leaving parts of a plan out.
#include "sim/run/minimise/plan_parts.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/base/invariant.h"
#include "sim/run/operations.h"

namespace orrery::sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::RepeatedPtrField;

constexpr int64_t kMillisecond = 1'000'000;
constexpr int kShareBits = 20;

template <class Element>
void Keep(RepeatedPtrField<Element>* list, const Subset& kept) {
  RepeatedPtrField<Element> rest;
  for (const size_t index : kept) *rest.Add() = list->Get(static_cast<int>(index));
  list->Swap(&rest);
}

// The member of `kind` that is set; nullptr when none is.
Message* DetailOf(Fault& fault) {
  const google::protobuf::OneofDescriptor* kind = Fault::descriptor()->FindOneofByName("kind");
  const FieldDescriptor* field = Fault::GetReflection()->GetOneofFieldDescriptor(fault, kind);
  return field == nullptr ? nullptr : Fault::GetReflection()->MutableMessage(&fault, field);
}

std::vector<std::string> TextsOf(const Message& message, const FieldDescriptor* list) {
  std::vector<std::string> texts;
  const int size = message.GetReflection()->FieldSize(message, list);
  for (int i = 0; i < size; ++i) {
    texts.push_back(message.GetReflection()->GetRepeatedString(message, list, i));
  }
  return texts;
}

using HasName = std::function<bool(const std::string&)>;

// All texts of a fault's detail are names of machines and processes; "" stands for every machine.
// Takes those out of lists for which `has` is false. False when the fault names nobody else: a
// single name that is not there, or a list that has become empty.
bool KeepNames(Message& detail, const HasName& has) {
  const google::protobuf::Reflection& reflection = *detail.GetReflection();
  const google::protobuf::Descriptor& descriptor = *detail.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    if (!field->is_repeated()) {
      const std::string name = reflection.GetString(detail, field);
      if (!name.empty() && !has(name)) return false;
      continue;
    }
    const std::vector<std::string> names = TextsOf(detail, field);
    reflection.ClearField(&detail, field);
    for (const std::string& name : names) {
      if (has(name)) reflection.AddString(&detail, field, name);
    }
    if (!names.empty() && reflection.FieldSize(detail, field) == 0) return false;
  }
  return true;
}

// The names in lists of a fault's detail, each once.
std::vector<std::string> ListedNames(const Message& detail) {
  std::set<std::string> names;
  for (int i = 0; i < detail.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = detail.GetDescriptor()->field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING || !field->is_repeated()) continue;
    for (std::string& name : TextsOf(detail, field)) names.insert(std::move(name));
  }
  return {names.begin(), names.end()};
}

int64_t Rounded(int64_t ns) { return (ns + kMillisecond / 2) / kMillisecond * kMillisecond; }

OrdinalSet OnlyOf(const PlannedOperations& entry) {
  absl::StatusOr<OrdinalSet> only = OrdinalSet::Parse(entry.only());
  INVARIANT(only.ok(), "a plan is validated before", entry.only());
  return *std::move(only);
}

// Lists none for those entries for which `kept` is false.
FaultPlan Silenced(const FaultPlan& plan,
                   const std::function<bool(const PlannedOperations&)>& kept) {
  FaultPlan less = plan;
  for (PlannedOperations& entry : *less.mutable_operations()) {
    if (!kept(entry)) entry.clear_only();
  }
  return less;
}

// Entries that have operations, in groups by `group`.
template <class Group>
PlanParts SpeakersOf(const FaultPlan& plan, Group group) {
  std::vector<decltype(group(PlannedOperations()))> groups;
  for (const PlannedOperations& entry : plan.operations()) {
    if (entry.only().empty()) continue;
    const auto one = group(entry);
    if (std::find(groups.begin(), groups.end(), one) == groups.end()) groups.push_back(one);
  }
  const size_t count = groups.size();
  return {count, [plan, groups = std::move(groups), group](const Subset& kept) {
            return Silenced(plan, [&](const PlannedOperations& entry) {
              return std::any_of(kept.begin(), kept.end(),
                                 [&](size_t i) { return groups[i] == group(entry); });
            });
          }};
}

}  // namespace

PlanParts FaultsOf(const FaultPlan& plan) {
  return {static_cast<size_t>(plan.faults_size()), [plan](const Subset& kept) {
            FaultPlan less = plan;
            Keep(less.mutable_faults(), kept);
            return less;
          }};
}

PlanParts TargetsOf(const FaultPlan& plan, int index) {
  Fault fault = plan.faults(index);
  const Message* const detail = DetailOf(fault);
  const std::vector<std::string> names =
      detail == nullptr ? std::vector<std::string>() : ListedNames(*detail);
  return {names.size(), [plan, index, names](const Subset& kept) {
            std::set<std::string> rest;
            for (const size_t i : kept) rest.insert(names[i]);
            FaultPlan less = plan;
            // A list that has become empty hits nobody: the fault has no effect, and stays.
            KeepNames(*DetailOf(*less.mutable_faults(index)), [&](const std::string& name) {
              return rest.contains(name) ||
                     std::find(names.begin(), names.end(), name) == names.end();
            });
            return less;
          }};
}

PlanParts OddTimesOf(const FaultPlan& plan) {
  std::vector<int> odd;
  for (int i = 0; i < plan.faults_size(); ++i) {
    const Fault& fault = plan.faults(i);
    if (fault.at_ns() % kMillisecond != 0 || fault.for_ns() % kMillisecond != 0) odd.push_back(i);
  }
  const size_t count = odd.size();
  return {count, [plan, odd = std::move(odd)](const Subset& kept) {
            FaultPlan rounded = plan;
            for (size_t i = 0; i < odd.size(); ++i) {
              if (std::binary_search(kept.begin(), kept.end(), i)) continue;
              Fault& fault = *rounded.mutable_faults(odd[i]);
              fault.set_at_ns(Rounded(fault.at_ns()));
              // What lasts goes on lasting.
              if (fault.for_ns() != 0) {
                fault.set_for_ns(std::max(kMillisecond, Rounded(fault.for_ns())));
              }
            }
            std::stable_sort(rounded.mutable_faults()->begin(), rounded.mutable_faults()->end(),
                             [](const Fault& a, const Fault& b) { return a.at_ns() < b.at_ns(); });
            return rounded;
          }};
}

PlanParts WorkloadsOf(const FaultPlan& plan) {
  return SpeakersOf(plan, [](const PlannedOperations& entry) { return entry.workload(); });
}

PlanParts ClientsOf(const FaultPlan& plan) {
  return SpeakersOf(plan, [](const PlannedOperations& entry) {
    return std::pair(entry.workload(), entry.client());
  });
}

PlanParts OperationsOf(const FaultPlan& plan) {
  struct Operation {
    uint64_t when;  // As a share of the entry's last one, which is about when it begins.
    int entry;
    uint64_t ordinal;
  };
  std::vector<Operation> all;
  for (int i = 0; i < plan.operations_size(); ++i) {
    const std::vector<uint64_t> list = OnlyOf(plan.operations(i)).List();
    for (const uint64_t ordinal : list) {
      all.push_back({(ordinal << kShareBits) / (list.back() + 1), i, ordinal});
    }
  }
  std::sort(all.begin(), all.end(), [](const Operation& a, const Operation& b) {
    return std::tie(a.when, a.entry, a.ordinal) < std::tie(b.when, b.entry, b.ordinal);
  });
  const size_t count = all.size();
  return {count, [plan, all = std::move(all)](const Subset& kept) {
            // Ordinals of one entry ascend in `all`, whatever is between them.
            std::vector<OrdinalSet> only(static_cast<size_t>(plan.operations_size()));
            for (const size_t i : kept) {
              only[static_cast<size_t>(all[i].entry)].Add(all[i].ordinal);
            }
            FaultPlan less = plan;
            for (size_t i = 0; i < only.size(); ++i) {
              less.mutable_operations(static_cast<int>(i))->set_only(only[i].ToText());
            }
            return less;
          }};
}

PlanParts WindowsOf(const FaultPlan& plan) {
  return {static_cast<size_t>(plan.schedule().drawn_size()), [plan](const Subset& kept) {
            FaultPlan less = plan;
            Keep(less.mutable_schedule()->mutable_drawn(), kept);
            return less;
          }};
}

FaultPlan WithHalvedWindows(const FaultPlan& plan) {
  FaultPlan halved = plan;
  halved.mutable_schedule()->clear_drawn();
  for (const PlannedWindow& window : plan.schedule().drawn()) {
    const int64_t middle = window.from_ns() + (window.to_ns() - window.from_ns()) / 2;
    PlannedWindow half = window;
    half.set_to_ns(middle);
    if (half.from_ns() < half.to_ns()) *halved.mutable_schedule()->add_drawn() = half;
    half.set_from_ns(middle);
    half.set_to_ns(window.to_ns());
    *halved.mutable_schedule()->add_drawn() = half;
  }
  return halved;
}

FaultPlan WithMergedWindows(const FaultPlan& plan) {
  FaultPlan merged = plan;
  merged.mutable_schedule()->clear_drawn();
  RepeatedPtrField<PlannedWindow>& list = *merged.mutable_schedule()->mutable_drawn();
  for (const PlannedWindow& window : plan.schedule().drawn()) {
    PlannedWindow* const last = list.empty() ? nullptr : list.Mutable(list.size() - 1);
    if (last != nullptr && last->process() == window.process() &&
        last->to_ns() == window.from_ns()) {
      last->set_to_ns(window.to_ns());
    } else {
      *list.Add() = window;
    }
  }
  return merged;
}

PlanParts KnobsOf(const FaultPlan& plan) {
  return {static_cast<size_t>(plan.knobs_size()), [plan](const Subset& kept) {
            FaultPlan less = plan;
            Keep(less.mutable_knobs(), kept);
            return less;
          }};
}

FaultPlan WithListedOperations(const FaultPlan& plan,
                               const std::map<std::string, uint64_t>& asked) {
  FaultPlan listed = plan;
  listed.clear_operations();
  for (const auto& [name, count] : asked) {
    const size_t slash = name.rfind('/');
    PlannedOperations entry;
    entry.set_workload(name.substr(0, slash));
    entry.set_client(static_cast<uint32_t>(std::stoul(name.substr(slash + 1))));
    const auto before = std::find_if(
        plan.operations().begin(), plan.operations().end(), [&](const PlannedOperations& each) {
          return each.workload() == entry.workload() && each.client() == entry.client();
        });
    OrdinalSet only;
    for (uint64_t ordinal = 0; ordinal < count; ++ordinal) {
      const bool begins = before == plan.operations().end() || OnlyOf(*before).Contains(ordinal);
      if (begins) only.Add(ordinal);
    }
    entry.set_only(only.ToText());
    *listed.add_operations() = entry;
  }
  return listed;
}

FaultPlan WithDuration(const FaultPlan& plan, Duration duration) {
  FaultPlan shorter = plan;
  shorter.set_duration_ns(ToNanoseconds(duration));
  RepeatedPtrField<Fault>& faults = *shorter.mutable_faults();
  faults.erase(
      std::remove_if(faults.begin(), faults.end(),
                     [&](const Fault& fault) { return fault.at_ns() >= ToNanoseconds(duration); }),
      faults.end());
  return shorter;
}

FaultPlan WithoutMissing(const FaultPlan& plan, const std::set<std::string>& names, int clients) {
  const HasName has = [&names](const std::string& name) { return names.contains(name); };
  FaultPlan less = plan;
  less.clear_faults();
  for (Fault fault : plan.faults()) {
    Message* const detail = DetailOf(fault);
    if (detail == nullptr || KeepNames(*detail, has)) *less.add_faults() = fault;
  }
  RepeatedPtrField<PlannedOperations>& operations = *less.mutable_operations();
  operations.erase(std::remove_if(operations.begin(), operations.end(),
                                  [clients](const PlannedOperations& entry) {
                                    return entry.client() >= static_cast<uint32_t>(clients);
                                  }),
                   operations.end());
  if (less.has_schedule()) {
    RepeatedPtrField<PlannedWindow>& windows = *less.mutable_schedule()->mutable_drawn();
    windows.erase(std::remove_if(windows.begin(), windows.end(),
                                 [&has](const PlannedWindow& window) {
                                   return !window.process().empty() && !has(window.process());
                                 }),
                  windows.end());
  }
  return less;
}

PlanSize SizeOf(const FaultPlan& plan) {
  PlanSize size;
  size.faults = static_cast<uint64_t>(plan.faults_size());
  for (const PlannedOperations& entry : plan.operations()) size.operations += OnlyOf(entry).size();
  size.windows = static_cast<uint64_t>(plan.schedule().drawn_size());
  size.knobs = static_cast<uint64_t>(plan.knobs_size());
  return size;
}

}  // namespace orrery::sim
