// Looking up of fields, and spans.
#include "sim/report/story.h"

#include <algorithm>

namespace orrery::sim {

const std::string& FieldOf(const Story::Event& event, std::string_view name) {
  static const std::string kEmpty;
  for (const auto& [key, value] : event.fields) {
    if (key == name) return value;
  }
  return kEmpty;
}

std::vector<Span> Joined(std::vector<Span> spans) {
  std::ranges::sort(spans, {}, &Span::from);
  std::vector<Span> joined;
  for (const Span& span : spans) {
    if (!joined.empty() && span.from <= joined.back().to) {
      joined.back().to = std::max(joined.back().to, span.to);
    } else {
      joined.push_back(span);
    }
  }
  return joined;
}

}  // namespace orrery::sim
