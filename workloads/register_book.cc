// Comparing each answer with the answers before it.
#include "workloads/register_book.h"

#include <algorithm>

#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

std::string ToText(RegisterGeneration generation) {
  return std::to_string(generation.counter) + "/" + std::to_string(generation.id);
}

std::string NameOf(size_t coordinator) { return "coordinator " + std::to_string(coordinator + 1); }

// What it answered to `by` after it had told something else to `before`.
absl::Status TakenBack(size_t coordinator, ClientOperation before, const std::string& told,
                       ClientOperation by, const std::string& answered) {
  return Violated(NameOf(coordinator) + " answered " + answered + " after it had told " + told,
                  {.nodes = {before.Node("told " + told), by.Node("answered " + answered)},
                   .edges = {{.from = 0, .to = 1, .label = "ended before it began"}}});
}

}  // namespace

RegisterGeneration RegisterBook::highest() const {
  RegisterGeneration highest;
  for (const Told& each : told_) highest = std::max(highest, each.read);
  return highest;
}

absl::Status RegisterBook::Lost(size_t coordinator, ClientOperation by) {
  Told& told = told_[coordinator];
  if (told.lost) return absl::OkStatus();
  told.lost = true;
  told.lost_to = by;
  sim::Evidence evidence;
  for (size_t c = 0; c < told_.size(); ++c) {
    if (!told_[c].lost) continue;
    evidence.nodes.push_back(told_[c].lost_to.Node(NameOf(c) + " told that it has no register"));
  }
  const size_t lost = evidence.nodes.size();
  if (2 * lost < told_.size()) return absl::OkStatus();
  return Violated(std::to_string(lost) + " of " + std::to_string(told_.size()) +
                      " coordinators have lost their registers",
                  evidence);
}

absl::Status RegisterBook::Answer(size_t coordinator, const Told& before,
                                  const GenerationRegister::ReadAnswer& answer,
                                  ClientOperation by) {
  if (!answer.ready) return Lost(coordinator, by);
  const RegisterGeneration read = answer.read_generation;
  const RegisterGeneration write = answer.write_generation;
  if (before.lost) {
    return TakenBack(coordinator, before.lost_to, "that it has no register", by,
                     "that it has one");
  }
  if (read < before.read) {
    return TakenBack(coordinator, before.read_to, "read generation " + ToText(before.read), by,
                     "read generation " + ToText(read));
  }
  if (write < before.write) {
    return TakenBack(coordinator, before.write_to, "write generation " + ToText(before.write), by,
                     "write generation " + ToText(write));
  }
  const auto [at, added] = values_.emplace(write, answer.value);
  if (!added && at->second != answer.value) {
    return Violated("generation " + ToText(write) + " wrote two values");
  }
  Told& told = told_[coordinator];
  if (read > told.read) {
    told.read = read;
    told.read_to = by;
  }
  if (write > told.write) {
    told.write = write;
    told.write_to = by;
  }
  return absl::OkStatus();
}

}  // namespace orrery::workloads
