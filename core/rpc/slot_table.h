// SlotTable: the calls under way on a connection. A request id is a slot and the slot's generation,
// so that a late reply to an abandoned call finds nothing, and a look-up is an index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orrery {

// Ids: low 32 bits the slot, high 32 bits its generation, from 1. An id comes back after 2^32 - 1
// uses of its slot.
constexpr uint32_t SlotOf(uint64_t id) { return static_cast<uint32_t>(id); }
constexpr uint32_t GenerationOf(uint64_t id) { return static_cast<uint32_t>(id >> 32); }

template <class T>
class SlotTable {
 public:
  // REQUIRES: value != nullptr.
  uint64_t Add(T* value) {
    if (free_ == kNone) {
      free_ = static_cast<uint32_t>(slots_.size());
      slots_.push_back({nullptr, 1, kNone});
    }
    const uint32_t at = free_;
    Slot& slot = slots_[at];
    free_ = slot.next_free;
    slot.value = value;
    ++size_;
    return uint64_t{slot.generation} << 32 | at;
  }

  // What is under `id`; nullptr when it was taken out or never was. Any `id` is legal.
  T* Find(uint64_t id) const {
    const uint32_t at = SlotOf(id);
    if (at >= slots_.size() || slots_[at].generation != GenerationOf(id)) return nullptr;
    return slots_[at].value;
  }

  // Takes out what is under `id`; nullptr as in Find. The most recently freed slot is used first,
  // so that slots stay below the greatest number of calls under way at a time.
  T* Remove(uint64_t id) {
    T* const value = Find(id);
    if (value == nullptr) return nullptr;
    Slot& slot = slots_[SlotOf(id)];
    slot.value = nullptr;
    if (++slot.generation == 0) slot.generation = 1;
    slot.next_free = free_;
    free_ = SlotOf(id);
    --size_;
    return value;
  }

  // The id of the lowest slot in use, from slot `from` on; 0 when there is none.
  uint64_t FirstFrom(uint32_t from) const {
    for (size_t at = from; at < slots_.size(); ++at) {
      if (slots_[at].value != nullptr) return uint64_t{slots_[at].generation} << 32 | at;
    }
    return 0;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Slot {
    T* value;
    uint32_t generation;
    uint32_t next_free;
  };

  std::vector<Slot> slots_;
  uint32_t free_ = kNone;
  size_t size_ = 0;
};

}  // namespace orrery
