// GenerationRegister: what one coordinator keeps: a value that survives as long as a majority of
// the coordinators do. The rules are those of a Paxos acceptor (Lamport, "Paxos made simple", 2001)
// for one value that is replaced again and again: READ is phase 1, WRITE phase 2, a generation the
// number of a proposal. register_proposer.h is the other side.
//
// A register is *ready* or not; only a ready one takes part. It becomes ready in two steps, both
// part of creating a database: it is formed, under the id that all registers of the database share,
// and once *all* coordinators have answered that they are formed under that id, it is sealed.
//
// Invariants
//  1. read_generation never falls; write_generation <= read_generation, and never falls.
//  2. After READ(g) was answered, no WRITE below g is ever accepted here.
//  3. A value comes with the generation that wrote it; a generation writes one value.
//  4. What an answer tells is durable: when Answer::changed, the image must be synced before the
//     answer leaves.
//  5. A coordinator that lost its register never takes part again under the same id: it is not
//     formed anew once any coordinator is sealed (see NextFormingStep). So there is no amnesia: a
//     majority that once promised or accepted something still knows it.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace orrery {

// The number of a proposal. `id` is drawn at random by each proposal, so that no two are equal;
// {0, 0} is before every proposal.
struct RegisterGeneration {
  uint64_t counter = 0;
  uint64_t id = 0;

  friend auto operator<=>(const RegisterGeneration&, const RegisterGeneration&) = default;
};

// Drawn at random when a database is created; zero is no id.
struct RegisterId {
  uint64_t high = 0;
  uint64_t low = 0;

  friend auto operator<=>(const RegisterId&, const RegisterId&) = default;
};

enum class RegisterState : uint8_t {
  kAbsent = 0,   // No database was created here, or the disk was lost.
  kForming = 1,  // Formed, not sealed: holds nothing.
  kReady = 2,
};

class GenerationRegister {
 public:
  // The longest value, in bytes. A generation record is about a kilobyte.
  static constexpr size_t kValueBytesMax = 1 << 20;

  struct ReadAnswer {
    bool ready = false;    // If not, this coordinator counts as silent; the rest says nothing.
    bool changed = false;  // Sync the image before this is sent.
    RegisterGeneration read_generation;   // The one asked for, or a higher one: a conflict.
    RegisterGeneration write_generation;  // {0, 0}: nothing was written yet.
    std::string value;
  };
  struct WriteAnswer {
    bool ready = false;
    bool changed = false;
    bool accepted = false;
    RegisterGeneration read_generation;  // If not accepted: the higher one that stands against it.
  };

  GenerationRegister() = default;  // Absent.

  // Reads an image. Errors: file_corrupt, protocol_mismatch (of a newer format). Either means that
  // the coordinator must not serve: it is not the same as an absent file.
  static absl::StatusOr<GenerationRegister> FromImage(std::string_view image);

  // The content of the durable file; an absent register has none. REQUIRES: not absent.
  //
  //   magic            fixed64  "ORRYREGI"
  //   written by       fixed8
  //   minimum reader   fixed8
  //   state            fixed8
  //   id               2 fixed64
  //   read generation  2 fixed64
  //   write generation 2 fixed64
  //   value            varint length, bytes
  //   checksum         fixed64, XXH3 of all before
  std::string Image() const;

  // Forms an absent register. Ok too if it is formed under `id` already (sealed or not).
  // Errors: file_exists (a register of another id is here; nothing changes).
  // On success the image must be synced before the answer. REQUIRES: id is not zero.
  absl::Status Form(RegisterId id);

  // Seals a formed register. Ok too if it is sealed. Errors: file_not_found (absent),
  // file_exists (another id). On success the image must be synced before the answer.
  absl::Status Seal(RegisterId id);

  // A register of another id answers as one that is not ready.
  ReadAnswer Read(RegisterId id, RegisterGeneration generation);

  // Accepts if no higher generation was read or written. A repeated WRITE of the same generation is
  // accepted again. REQUIRES: generation is not {0, 0}; value is at most kValueBytesMax long.
  WriteAnswer Write(RegisterId id, RegisterGeneration generation, std::string_view value);

  RegisterState state() const { return state_; }
  RegisterId id() const { return id_; }

 private:
  RegisterState state_ = RegisterState::kAbsent;
  RegisterId id_;
  RegisterGeneration read_generation_;
  RegisterGeneration write_generation_;
  std::string value_;
};

// What one coordinator says about itself while a database is created.
struct FormingAnswer {
  bool answered = false;
  RegisterState state = RegisterState::kAbsent;
  RegisterId id;
};

enum class FormingStep {
  kWait,    // A coordinator is silent: creation needs every one.
  kForm,    // Send Form(id) to the absent ones, then ask all again.
  kSeal,    // Send Seal(id) to the formed ones, then ask all again.
  kDone,    // Enough are ready, and no absent one may be formed any more.
  kRefuse,  // Registers of different databases are here.
};

struct FormingDecision {
  FormingStep step = FormingStep::kWait;
  RegisterId id;  // To form or seal with: that of an earlier, unfinished creation if there is one.
};

// The next step of creating a database over these coordinators, one answer for each. Forms only
// while nobody is sealed: a sealed one proves that all had been formed, so one that is absent
// beside it has lost its disk, and may have lost a promise with it. REQUIRES: fresh_id is not zero.
FormingDecision NextFormingStep(std::span<const FormingAnswer> answers, RegisterId fresh_id);

}  // namespace orrery
