// A history of transactions that append to lists and read them, and whether it is strictly
// serialisable (the method of Elle: Kingsbury and Alvaro, "Elle: inferring isolation anomalies from
// experimental observations", 2020).
//
// Every appended element is unique, so a list tells who wrote it, in which order:
//
//   ww  W appended the element before one of X's to a list:                  W before X
//   wr  X read a list that ends with an element of W:                        W before X
//   rw  X read a list that ends just before an element of W:                 X before W
//   rt  W was acknowledged before X began, whoever the client:               W before X
//
// The history is strictly serialisable only if these have no circle. Besides, each list that was
// read must be a beginning of the last one; no element may be lost, doubled, or of an attempt that
// is known to have failed; of a transaction's appends all or none may be seen.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "workloads/client_operation.h"

namespace orrery::workloads {

using ListId = uint64_t;
using ListElements = std::vector<uint64_t>;

struct ListOperation {
  enum Kind : uint8_t { kAppend, kRead };
  Kind kind = kAppend;
  ListId list = 0;
  uint64_t element = 0;   // kAppend.
  ListElements elements;  // kRead: what was read, own appends included.
};

enum class ListOutcome : uint8_t { kCommitted, kUnknown, kFailed };

// One attempt.
struct ListTransaction {
  ClientOperation by;
  // Moments in the order of all that really happened, over all clients.
  uint64_t begin = 0;
  uint64_t end = 0;  // When it was acknowledged; of no meaning for the others.
  ListOutcome outcome = ListOutcome::kUnknown;
  std::vector<ListOperation> operations;
};

struct ListHistory {
  std::vector<ListTransaction> transactions;
  // Read at one version after everything had ended; lists that are not here are empty.
  std::map<ListId, ListElements> last;
};

// check_failed says what does not hold; a circle is printed, one edge a line.
absl::Status CheckListHistory(const ListHistory& history);

// 8 bytes for each element, little endian. false: the bytes are no such list.
std::string EncodeElements(const ListElements& elements);
bool DecodeElements(std::string_view bytes, ListElements& elements);

}  // namespace orrery::workloads
