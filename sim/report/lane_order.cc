// Names in the order in which people count.
#include "sim/report/lane_order.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"

namespace orrery::sim {
namespace {

// The digits that `text` begins with, without leading zeros; takes them off.
std::string_view TakeNumber(std::string_view& text) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) {
    ++digits;
  }
  std::string_view number = text.substr(0, digits);
  text.remove_prefix(digits);
  while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
  return number;
}

// -1, 0, 1.
int Compare(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view left = TakeNumber(a);
    const std::string_view right = TakeNumber(b);
    if (left.empty() != right.empty()) return left.empty() ? 1 : -1;  // Numbers first.
    if (!left.empty()) {
      if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
      if (left != right) return left < right ? -1 : 1;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front() ? -1 : 1;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

}  // namespace

bool NaturallyLess(std::string_view a, std::string_view b) { return Compare(a, b) < 0; }

void SortLanes(std::vector<Story::Lane>& lanes) {
  std::ranges::stable_sort(lanes, [](const Story::Lane& a, const Story::Lane& b) {
    if (a.client != b.client) return a.client;
    for (const auto name : {&Story::Lane::data_center, &Story::Lane::zone, &Story::Lane::machine,
                            &Story::Lane::process}) {
      if (const int order = Compare(a.*name, b.*name); order != 0) return order < 0;
    }
    return false;
  });
}

}  // namespace orrery::sim
