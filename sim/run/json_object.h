// JSON under construction: a report is built member by member, in the order of the calls.
#pragma once

#include <cstdint>
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
  // `value` is JSON: a number, an object, a list.
  JsonObject& Raw(std::string_view name, std::string_view value) {
    Name(name);
    text_.append(value);
    return *this;
  }
  JsonObject& Number(std::string_view name, uint64_t value) {
    return Raw(name, std::to_string(value));
  }
  template <class Count>
  JsonObject& Counts(std::string_view name, const std::map<std::string, Count>& counts) {
    JsonObject inner;
    for (const auto& [key, count] : counts) inner.Raw(key, std::to_string(count));
    return Raw(name, inner.Take());
  }
  std::string Take() const { return text_ + "}"; }

 private:
  void Name(std::string_view name) {
    if (text_.size() > 1) text_ += ",";
    AppendJsonString(text_, name);
    text_ += ":";
  }
  std::string text_ = "{";
};

class JsonList {
 public:
  JsonList& Text(std::string_view value) {
    Next();
    AppendJsonString(text_, value);
    return *this;
  }
  JsonList& Raw(std::string_view value) {
    Next();
    text_.append(value);
    return *this;
  }
  std::string Take() const { return text_ + "]"; }

 private:
  void Next() {
    if (text_.size() > 1) text_ += ",";
  }
  std::string text_ = "[";
};

}  // namespace orrery::sim
