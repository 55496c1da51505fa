// Ring: a queue in one growing array: push at the back, pop at the front, look anywhere. Allocates
// only when it grows.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace orrery::sim {

template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // The element `index` places behind the front. REQUIRES: index < size().
  T& operator[](size_t index) { return slots_[(first_ + index) & (slots_.size() - 1)]; }
  T& front() { return slots_[first_]; }

  void push_back(T value) {
    if (size_ == slots_.size()) Grow();
    slots_[(first_ + size_++) & (slots_.size() - 1)] = std::move(value);
  }
  T pop_front() {
    T out = std::exchange(slots_[first_], T());
    first_ = (first_ + 1) & (slots_.size() - 1);
    --size_;
    return out;
  }
  // Drops all but the first `count`. REQUIRES: count <= size().
  void truncate(size_t count) {
    while (size_ > count) (*this)[--size_] = T();
  }

 private:
  void Grow() {
    std::vector<T> larger(slots_.empty() ? 4 : slots_.size() * 2);
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_.swap(larger);
    first_ = 0;
  }

  std::vector<T> slots_;  // A power of two, or none.
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace orrery::sim
