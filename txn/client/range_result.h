// RangeResult: the rows of a range read. They are views into the replies they came in, which the
// result keeps: a thousand rows cost no allocation each.
//
//   for (const KeyValueRef& row : result.rows) Use(row.key, row.value);
//
// What is to outlive the result is copied: Key(row.key), KeyValue(row), or rows.Copy().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/buffer.h"
#include "core/base/keys.h"

namespace orrery {

// A row whose bytes somebody else owns.
struct KeyValueRef {
  KeyRef key;
  std::string_view value;
  friend bool operator==(const KeyValueRef&, const KeyValueRef&) = default;
};

// A row that owns its bytes.
struct KeyValue {
  KeyValue() = default;
  KeyValue(Key k, std::string v) : key(std::move(k)), value(std::move(v)) {}
  explicit KeyValue(const KeyValueRef& row) : key(row.key), value(row.value) {}

  operator KeyValueRef() const {  // NOLINT(google-explicit-constructor): its own view.
    return {key, value};
  }
  friend bool operator==(const KeyValue&, const KeyValue&) = default;

  Key key;
  std::string value;
};

// Rows and what they point into. Copies share the bytes; they belong to one loop (see Buffer).
class RangeRows {
 public:
  using const_iterator = std::vector<KeyValueRef>::const_iterator;

  size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  const KeyValueRef& operator[](size_t i) const { return rows_[i]; }
  const KeyValueRef& front() const { return rows_.front(); }
  const KeyValueRef& back() const { return rows_.back(); }
  const_iterator begin() const { return rows_.begin(); }
  const_iterator end() const { return rows_.end(); }

  // For another loop, or for longer than this.
  std::vector<KeyValue> Copy() const;

  // For whoever makes a result. A row that is added lies in a buffer that is kept.
  void Reserve(size_t rows) { rows_.reserve(rows); }
  void Keep(Buffer buffer) { buffers_.push_back(std::move(buffer)); }
  void Add(const KeyValueRef& row) { rows_.push_back(row); }
  void AddCopy(KeyRef key, std::string_view value);
  void KeepAll(const RangeRows& of) {
    buffers_.insert(buffers_.end(), of.buffers_.begin(), of.buffers_.end());
  }

 private:
  std::vector<KeyValueRef> rows_;
  std::vector<Buffer> buffers_;
};

struct RangeResult {
  RangeRows rows;
  bool more = false;  // A limit ended it: go on after (reverse: before) the last row.
};

}  // namespace orrery
