// MemoryBudget: how many bytes a process, or a named part of it, may hold at once.
//
//   CO_ASSIGN_OR_RETURN(MemoryBudget::Reservation held, co_await env.memory().Reserve(bytes));
//
// It counts; it allocates nothing. Whoever is about to hold much reserves first, and gives back by
// destroying the Reservation.
//
// - Who resumes where: bytes given back go to whoever waits longest, and that task is posted. A
//   large request at the head of the line is not overtaken by small ones behind it.
// - Cancel-safe: yes. A waiter destroyed after it was granted bytes gives them back; one destroyed
//   in the line lets those behind it move up.
// - A budget may be part of another: MemoryBudget reads(1 << 20, env.memory()). A reservation then
//   counts in both, and waits in order of arrival first in its own line, then, already counted in
//   its own budget, in its parent's. So a part that is full holds up nobody else.
// - Destroying a budget REQUIRES that everything is back and nobody waits: it is the leak check of
//   every process that ends.
//
// Threads: one loop's.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/async/executor.h"
#include "core/base/status.h"

namespace orrery {

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  // A part of `parent`, which outlives it. The limit may be larger than the parent's, and the
  // limits of all parts together may be too.
  MemoryBudget(uint64_t limit_bytes, MemoryBudget& parent)
      : limit_bytes_(limit_bytes), parent_(&parent) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;
  ~MemoryBudget();

  // Bytes held, until destroyed or released. Movable; a moved-from one holds nothing.
  class [[nodiscard]] Reservation {
   public:
    Reservation() = default;  // Holds nothing, and cannot grow.
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      if (this != &other) {
        Release();
        budget_ = std::exchange(other.budget_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
      }
      return *this;
    }
    ~Reservation() { Release(); }

    uint64_t bytes() const { return bytes_; }

    // Takes `bytes` more if they are free. It passes those who wait: who holds already is to
    // finish. False, with nothing changed, when they do not fit.
    [[nodiscard]] bool TryGrow(uint64_t bytes);

    // Gives `bytes` back. REQUIRES: bytes <= this->bytes().
    void Shrink(uint64_t bytes);

    // Gives everything back early.
    void Release() {
      if (bytes_ > 0) Shrink(bytes_);
    }

   private:
    friend class MemoryBudget;
    Reservation(MemoryBudget* budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {}

    MemoryBudget* budget_ = nullptr;
    uint64_t bytes_ = 0;
  };

  class [[nodiscard]] Awaiter : public Waiter {
   public:
    ~Awaiter();
    bool await_ready() noexcept;
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      Suspend(awaiting);
      budget_.Enter(*this);
    }
    absl::StatusOr<Reservation> await_resume() noexcept;

   private:
    friend class MemoryBudget;
    Awaiter(MemoryBudget& budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {}

    enum class State : uint8_t { kNew, kWaiting, kGranted, kDone };

    MemoryBudget& budget_;
    const uint64_t bytes_;
    State state_ = State::kNew;
    MemoryBudget* line_ = nullptr;  // In whose line it stands; those below count its bytes.
    Awaiter* before_ = nullptr;
    Awaiter* behind_ = nullptr;
  };

  // co_await Reserve(n) gives a Reservation of n bytes, at once if they are free and nobody waits.
  // memory_limit, at once, when `bytes` is more than this budget or one above it could ever give.
  Awaiter Reserve(uint64_t bytes) { return Awaiter(*this, bytes); }

  // The bytes, if they are free and nobody waits, here and above.
  std::optional<Reservation> TryReserve(uint64_t bytes);

  uint64_t limit_bytes() const { return limit_bytes_; }
  // What is held, and what those who got past this line and wait above will hold.
  uint64_t used_bytes() const { return used_bytes_; }
  uint64_t peak_bytes() const { return peak_bytes_; }
  bool has_waiters() const { return first_ != nullptr; }

 private:
  bool Fits(uint64_t bytes) const { return bytes <= limit_bytes_ - used_bytes_; }
  bool CouldEverFit(uint64_t bytes) const;
  void Count(uint64_t bytes);
  bool Take(uint64_t bytes, bool pass_waiters);          // Here and above, or nowhere.
  void Return(uint64_t bytes, const MemoryBudget* end);  // From here up to below `end`.
  void Enter(Awaiter& awaiter);             // From here upwards as far as there is room.
  void Grant();                             // Moves the line.
  void GrantUpTo(const MemoryBudget* end);  // The lines above first: who waits there came earlier.
  void PushBack(Awaiter& awaiter);
  void Unlink(Awaiter& awaiter);

  const uint64_t limit_bytes_;
  MemoryBudget* const parent_ = nullptr;
  uint64_t used_bytes_ = 0;
  uint64_t peak_bytes_ = 0;
  Awaiter* first_ = nullptr;
  Awaiter* last_ = nullptr;
};

}  // namespace orrery
