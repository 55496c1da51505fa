// The encoding of a batch of tagged mutations: the payload of a push to the logs, of a log's page
// and of a peek's reply.
//
//   batch     magic         fixed16  0x424d, the bytes "MB"
//             written by    fixed8   the format of the writer
//             minimum       fixed8   the oldest format whose reader can read this
//             count         fixed32  mutations that follow; the batch ends with the last one
//   mutation  type          fixed8   MutationType
//             tag count     varint
//             tags          each: kind fixed8, id varint (below 2^32)
//             key           varint length, bytes
//             value         varint length, bytes
//
// A batch has one encoding. A reader refuses every truncation, every byte too many, every unknown
// type, and every number that its bytes cannot back, and holds at most one mutation's tags. It
// checks form, not meaning: limits of sizes and the order of a range's ends are the client's and
// the proxy's to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/encoding.h"
#include "storage/log/mutation.h"
#include "storage/log/tags.h"

namespace orrery {

inline constexpr uint8_t kMutationBatchFormat = 1;

class MutationBatchWriter {
 public:
  MutationBatchWriter();

  // REQUIRES: fewer than 2^32 mutations. The same tags in another order are another encoding.
  void Add(std::span<const Tag> tags, const MutationRef& mutation);

  uint32_t count() const { return count_; }

  std::string Finish() &&;

 private:
  std::string bytes_;
  uint32_t count_ = 0;
};

// Reads mutation by mutation out of bytes that must outlive the reader and what it gave.
//
//   ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(bytes));
//   while (reader.remaining() > 0) RETURN_IF_ERROR(reader.Next());   // then tags(), mutation()
class MutationBatchReader {
 public:
  // Errors: file_corrupt (not a batch), protocol_mismatch (of a format too new for this reader).
  static absl::StatusOr<MutationBatchReader> Open(std::string_view bytes);

  uint32_t remaining() const { return remaining_; }

  // Moves to the next mutation; the last one also checks that the batch ends there.
  // Errors: file_corrupt; the reader is of no use afterwards. REQUIRES: remaining() > 0.
  absl::Status Next();

  // Of the mutation last moved to. The tags are valid until the next Next().
  std::span<const Tag> tags() const { return tags_; }
  const MutationRef& mutation() const { return mutation_; }

 private:
  MutationBatchReader(ByteReader reader, uint32_t count) : reader_(reader), remaining_(count) {}

  bool ReadTags();

  ByteReader reader_;
  uint32_t remaining_;
  std::vector<Tag> tags_;
  MutationRef mutation_;
};

}  // namespace orrery
