// Commas, quotes, escapes.
#include "tools/orrery/json.h"

#include <cstdio>

namespace orrery::tools {

std::string Json::Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Json& Json::Begin(std::string_view name, char open, char close) {
  Add(name, std::string_view(&open, 1));
  open_.push_back(close);
  first_ = true;
  return *this;
}

Json& Json::End() {
  text_ += open_.back();
  open_.pop_back();
  first_ = false;
  return *this;
}

Json& Json::Add(std::string_view name, std::string_view raw) {
  if (!first_) text_ += ',';
  first_ = false;
  if (!name.empty()) text_ += Quote(name) + ":";
  text_ += raw;
  return *this;
}

}  // namespace orrery::tools
