// What proposers of the register read and wrote, seen from outside of all processes, and whether it
// is one chain.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery::testing {

// Values are numbers as text; 0, written by the creation, is the root; each other one was derived
// from the value that its writer had read.
class RegisterHistory {
 public:
  static constexpr uint64_t kRoot = 0;

  // A new value whose writer read `parent`.
  uint64_t Derive(uint64_t parent) {
    const uint64_t value = ++last_value_;
    parents_[value] = parent;
    return value;
  }

  // Its writer was told that it is chosen.
  void Chosen(uint64_t value) {
    if (!IsAncestor(last_chosen_, value) && !IsAncestor(value, last_chosen_)) {
      Wrong("two chosen values, neither of which was derived from the other", last_chosen_, value);
    }
    if (IsAncestor(last_chosen_, value)) last_chosen_ = value;
    ++chosen_;
  }

  // The last in the chain of those chosen so far.
  uint64_t last_chosen() const { return last_chosen_; }

  // A read that began when `chosen_before` was last_chosen() gave `value`.
  void Read(uint64_t value, uint64_t chosen_before) {
    ++reads_;
    if (!IsAncestor(chosen_before, value)) {
      Wrong("a read lost what was chosen before it", chosen_before, value);
    }
  }

  uint64_t reads() const { return reads_; }
  uint64_t chosen() const { return chosen_; }
  const std::string& wrong() const { return wrong_; }
  void Wrong(const std::string& what, uint64_t a = 0, uint64_t b = 0) {
    if (wrong_.empty()) wrong_ = what + ": " + std::to_string(a) + ", " + std::to_string(b);
  }

 private:
  // Or the same.
  bool IsAncestor(uint64_t ancestor, uint64_t value) const {
    while (value > ancestor) value = parents_.at(value);  // A parent is a smaller number.
    return value == ancestor;
  }

  std::map<uint64_t, uint64_t> parents_;
  uint64_t last_value_ = kRoot;
  uint64_t last_chosen_ = kRoot;
  uint64_t reads_ = 0;
  uint64_t chosen_ = 0;
  std::string wrong_;
};

}  // namespace orrery::testing
