// WriteBatch: sets and clears in order, as bytes that go to a log as they are.
//
//   set:    1, key length (4), value length (4), key, value
//   clear:  2, begin length (4), end length (4), begin, end
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/keys.h"
#include "core/base/status.h"

namespace orrery {

class WriteBatch {
 public:
  void Set(KeyRef key, std::string_view value) { Append(kSet, key, value); }
  // Every key in [range.begin, range.end); an empty or inverted range clears nothing.
  void Clear(KeyRangeRef range) { Append(kClear, range.begin, range.end); }

  bool empty() const { return bytes_.empty(); }
  const std::string& bytes() const { return bytes_; }

  // Calls set(key, value) and clear(KeyRangeRef) for each, in order. file_corrupt when `bytes` are
  // not those of a batch; what came before the damage has been called for.
  template <class SetFunction, class ClearFunction>
  static absl::Status ForEach(std::string_view bytes, SetFunction set, ClearFunction clear) {
    while (!bytes.empty()) {
      Operation operation;
      if (!Next(bytes, operation)) return Error(ErrorCode::file_corrupt, "not a batch of writes");
      if (operation.kind == kSet) {
        set(operation.first, operation.second);
      } else {
        clear(KeyRangeRef{operation.first, operation.second});
      }
    }
    return absl::OkStatus();
  }

 private:
  static constexpr char kSet = 1;
  static constexpr char kClear = 2;

  struct Operation {
    char kind;
    std::string_view first;
    std::string_view second;
  };

  void Append(char kind, std::string_view first, std::string_view second);
  static bool Next(std::string_view& bytes, Operation& operation);

  std::string bytes_;
};

}  // namespace orrery
