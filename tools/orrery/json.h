// Json: writes one JSON value, piece by piece.
//
//   json.BeginObject().Field("keys", 7).BeginArray("names").Value("a").End().End().Take()
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::tools {

class Json {
 public:
  Json& BeginObject() { return Begin("", '{', '}'); }
  Json& BeginObject(std::string_view name) { return Begin(name, '{', '}'); }
  Json& BeginArray(std::string_view name) { return Begin(name, '[', ']'); }
  Json& End();

  Json& Field(std::string_view name, std::string_view text) { return Add(name, Quote(text)); }
  Json& Field(std::string_view name, const char* text) { return Add(name, Quote(text)); }
  template <std::integral T>
  Json& Field(std::string_view name, T value) {
    if constexpr (std::same_as<T, bool>) {
      return Add(name, value ? "true" : "false");
    } else {
      return Add(name, std::to_string(value));
    }
  }
  Json& Value(std::string_view text) { return Add("", Quote(text)); }

  // In quotes. Every byte that is no printable ASCII becomes \u00XX.
  static std::string Quote(std::string_view text);

  std::string Take() { return std::move(text_); }

 private:
  Json& Begin(std::string_view name, char open, char close);
  Json& Add(std::string_view name, std::string_view raw);

  std::string text_;
  std::vector<char> open_;
  bool first_ = true;
};

}  // namespace orrery::tools
