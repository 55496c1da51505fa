// Counting answers: each coordinator once, and only while the phase they belong to is open.
#include "txn/coordinator/register_proposer.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"

namespace orrery {

bool RegisterProposer::Answered::Add(size_t coordinator) {
  INVARIANT(coordinator < from.size(), coordinator);
  if (from[coordinator]) return false;
  from[coordinator] = true;
  ++count;
  return true;
}

RegisterProposer::RegisterProposer(size_t coordinators, RegisterGeneration generation)
    : generation_(generation),
      highest_seen_(generation),
      read_from_{std::vector<bool>(coordinators), 0},
      written_at_{std::vector<bool>(coordinators), 0} {
  INVARIANT(coordinators > 0);
}

void RegisterProposer::See(RegisterGeneration generation) {
  highest_seen_ = std::max(highest_seen_, generation);
  if (generation > generation_) conflict_ = true;
}

void RegisterProposer::OnRead(size_t from, const GenerationRegister::ReadAnswer& answer) {
  if (!answer.ready) return;
  See(answer.read_generation);
  if (conflict_ || read_done()) return;  // What was read is fixed.
  if (answer.read_generation != generation_ || !read_from_.Add(from)) return;
  if (answer.write_generation > written_) {
    written_ = answer.write_generation;
    value_ = answer.value;
  }
}

RegisterGeneration RegisterProposer::written() const {
  INVARIANT(read_from_.count >= Majority());
  return written_;
}

const std::string& RegisterProposer::value() const {
  INVARIANT(read_from_.count >= Majority());
  return value_;
}

void RegisterProposer::StartWrite(std::string value) {
  INVARIANT(read_from_.count >= Majority());
  INVARIANT(!writing_);
  writing_ = true;
  write_value_ = std::move(value);
}

void RegisterProposer::OnWrite(size_t from, const GenerationRegister::WriteAnswer& answer) {
  if (!answer.ready || !writing_) return;
  if (answer.accepted) {
    written_at_.Add(from);
  } else {
    See(answer.read_generation);
  }
}

}  // namespace orrery
