// RowBlock: rows in one piece of memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keys.h"

namespace orrery {

class RowBlock {
 public:
  // Valid while the block lives and is not added to.
  struct Row {
    KeyRef key;
    std::string_view value;
  };

  void Add(KeyRef key, std::string_view value) {
    rows_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(key.size()),
                     static_cast<uint32_t>(value.size())});
    bytes_.append(key);
    bytes_.append(value);
  }

  size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  uint64_t bytes() const { return bytes_.size(); }  // Of keys and values.
  Row operator[](size_t i) const {
    const Place& place = rows_[i];
    const std::string_view all = bytes_;
    return {all.substr(place.at, place.key_bytes),
            all.substr(place.at + place.key_bytes, place.value_bytes)};
  }
  Row back() const { return (*this)[size() - 1]; }

 private:
  struct Place {
    uint32_t at;
    uint32_t key_bytes;
    uint32_t value_bytes;
  };

  std::string bytes_;
  std::vector<Place> rows_;
};

}  // namespace orrery
