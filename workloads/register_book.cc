// Comparing each answer with the answers before it.
#include "workloads/register_book.h"

#include <algorithm>
#include <tuple>

#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

std::string ToText(RegisterGeneration generation) {
  return std::to_string(generation.counter) + "/" + std::to_string(generation.id);
}

// `what` of the answer after the other one: evidence.
absl::Status TakenBack(size_t coordinator, const RegisterBook::Told& before, ClientOperation by,
                       const std::string& told, const std::string& answered) {
  const std::string who = "coordinator " + std::to_string(coordinator + 1);
  return Violated(who + " answered " + answered + " after it had told " + told,
                  {.nodes = {before.by.Node("told " + told), by.Node("answered " + answered)},
                   .edges = {{.from = 0, .to = 1, .label = "ended before it began"}}});
}

}  // namespace

RegisterGeneration RegisterBook::highest() const {
  RegisterGeneration highest;
  for (const Told& each : told_) highest = std::max(highest, each.read);
  return highest;
}

absl::Status RegisterBook::Answer(size_t coordinator, const Told& before,
                                  const GenerationRegister::ReadAnswer& answer,
                                  ClientOperation by) {
  Told& told = told_[coordinator];
  if (!answer.ready) {
    told.lost = true;
    told.by = by;
    return absl::OkStatus();
  }
  if (before.lost) {
    return TakenBack(coordinator, before, by, "that it has no register", "that it has one");
  }
  for (const auto& [name, least, now] :
       {std::tuple("read", before.read, answer.read_generation),
        std::tuple("write", before.write, answer.write_generation)}) {
    if (now >= least) continue;
    const std::string of = std::string(name) + " generation ";
    return TakenBack(coordinator, before, by, of + ToText(least), of + ToText(now));
  }
  const auto [at, added] = values_.emplace(answer.write_generation, answer.value);
  if (!added && at->second != answer.value) {
    return Violated("generation " + ToText(answer.write_generation) + " wrote two values");
  }
  told.read = std::max(told.read, answer.read_generation);
  told.write = std::max(told.write, answer.write_generation);
  told.by = by;
  return absl::OkStatus();
}

}  // namespace orrery::workloads
