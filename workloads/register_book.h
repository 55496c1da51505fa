// RegisterBook: what each coordinator told of its register, in the order in which it was told. It
// is what consensus among them rests on (txn/coordinator/generation_register.h):
//
// - Nothing told is taken back: an answer to a question that was asked after another answer came
//   has a read generation and a write generation at least as high.
// - A register that is lost stays lost: a coordinator that answered that it has none, after it had
//   one, never takes part again.
// - A majority keeps its registers: that is what is promised of faults.
// - A generation writes one value, whichever coordinators have it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "txn/coordinator/generation_register.h"
#include "workloads/client_operation.h"

namespace orrery::workloads {

class RegisterBook {
 public:
  // REQUIRES: all coordinators have a register.
  explicit RegisterBook(size_t coordinators) : told_(coordinators) {}

  // What one coordinator had told by some moment: the highest generations, and to whom first.
  struct Told {
    bool lost = false;
    RegisterGeneration read;
    RegisterGeneration write;
    ClientOperation lost_to = {};
    ClientOperation read_to = {};
    ClientOperation write_to = {};
  };
  const Told& ToldBy(size_t coordinator) const { return told_[coordinator]; }

  // The highest generation that anybody was told of.
  RegisterGeneration highest() const;

  // The answer to a question asked by `by` when the coordinator had told `before`.
  absl::Status Answer(size_t coordinator, const Told& before,
                      const GenerationRegister::ReadAnswer& answer, ClientOperation by = {});

 private:
  absl::Status Lost(size_t coordinator, ClientOperation by);

  std::vector<Told> told_;
  std::map<RegisterGeneration, std::string> values_;  // By the generation that wrote them.
};

}  // namespace orrery::workloads
