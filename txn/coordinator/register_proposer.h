// RegisterProposer: one use of the coordinators' register: read at a fresh generation, then perhaps
// write at the same generation. Pure: the caller sends, and hands the answers in.
//
// Use: ask all coordinators to READ; when read_done(), decide on the value that follows the one
// read, and StartWrite; ask all to WRITE; when write_done(), that value is *chosen*. On conflict()
// or on any doubt the proposer is thrown away: another one, with NextGeneration, may read again.
//
// What is promised, as long as a majority of the coordinators keep their registers:
//  1. Chosen values form one chain: for any two, the later one's writer had read the earlier one,
//     or a value derived from it. So a chosen value is never lost and never bypassed.
//     Why: a majority answered the later one's READ, so a member of it accepted the earlier value
//     before (afterwards it would refuse), and the value read is that or one of a generation
//     between, whose writer by induction had read it.
//  2. What was only read is NOT settled. The value read may not be chosen and may yet be bypassed;
//     and a value that was not seen, accepted by a minority at a generation between, may yet be
//     read by somebody else and live on. Whoever destroys something because the register does not
//     name it must first have write_done() at a generation above: only a completed *write* (if only
//     of the value just read) makes every older value that is not an ancestor impossible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "txn/coordinator/generation_register.h"

namespace orrery {

// A generation above `seen`, which is the highest that any answer showed. `id` is drawn at random.
constexpr RegisterGeneration NextGeneration(RegisterGeneration seen, uint64_t id) {
  return {seen.counter + 1, id};
}

class RegisterProposer {
 public:
  // REQUIRES: coordinators > 0; nobody else ever uses this generation.
  RegisterProposer(size_t coordinators, RegisterGeneration generation);

  RegisterGeneration generation() const { return generation_; }

  // An answer of coordinator `from` to this proposer's READ. Answers that repeat, come late, or
  // come from a register that is not ready count for nothing.
  void OnRead(size_t from, const GenerationRegister::ReadAnswer& answer);

  // A majority answered, none of it with a higher generation.
  bool read_done() const { return !conflict_ && read_from_.count >= Majority(); }

  // The value of the highest generation that a member of the majority had accepted; nothing was
  // ever chosen if that generation is {0, 0}. Fixed once read_done(). REQUIRES: read_done().
  RegisterGeneration written() const;
  const std::string& value() const;

  // REQUIRES: read_done(), and StartWrite was not called before.
  void StartWrite(std::string value);

  // What to send as WRITE. REQUIRES: StartWrite was called.
  const std::string& write_value() const { return write_value_; }
  bool writing() const { return writing_; }

  void OnWrite(size_t from, const GenerationRegister::WriteAnswer& answer);

  // The value is chosen.
  bool write_done() const { return writing_ && written_at_.count >= Majority(); }

  // A higher generation exists. If this was after StartWrite and not write_done(), the outcome is
  // unknown: the value may be chosen yet. Stays set.
  bool conflict() const { return conflict_; }

  // The highest generation seen in any answer, for NextGeneration.
  RegisterGeneration highest_seen() const { return highest_seen_; }

 private:
  struct Answered {
    std::vector<bool> from;
    size_t count = 0;

    bool Add(size_t coordinator);  // False if it was there.
  };

  size_t Majority() const { return read_from_.from.size() / 2 + 1; }
  void See(RegisterGeneration generation);

  RegisterGeneration generation_;
  RegisterGeneration highest_seen_;
  bool conflict_ = false;
  Answered read_from_;
  RegisterGeneration written_;
  std::string value_;
  bool writing_ = false;
  std::string write_value_;
  Answered written_at_;
};

}  // namespace orrery
