// JsonObject: a JSON object in one line, member by member.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/observe/trace_json.h"

namespace orrery::sim {

class JsonObject {
 public:
  JsonObject& Text(std::string_view name, std::string_view value) {
    Name(name);
    AppendJsonString(text_, value);
    return *this;
  }
  // `value` is JSON already.
  JsonObject& Raw(std::string_view name, std::string_view value) {
    Name(name);
    text_.append(value);
    return *this;
  }
  template <class Count>
  JsonObject& Counts(std::string_view name, const std::map<std::string, Count>& counts) {
    JsonObject inner;
    for (const auto& [key, count] : counts) inner.Raw(key, std::to_string(count));
    return Raw(name, inner.Take());
  }
  std::string Take() { return text_ + "}"; }

 private:
  void Name(std::string_view name) {
    if (text_.size() > 1) text_ += ",";
    AppendJsonString(text_, name);
    text_ += ":";
  }
  std::string text_ = "{";
};

}  // namespace orrery::sim
