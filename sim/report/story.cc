// Looking up of fields.
#include "sim/report/story.h"

namespace orrery::sim {

const std::string& FieldOf(const Story::Event& event, std::string_view name) {
  static const std::string kEmpty;
  for (const auto& [key, value] : event.fields) {
    if (key == name) return value;
  }
  return kEmpty;
}

}  // namespace orrery::sim
