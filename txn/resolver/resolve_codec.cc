// Writing and reading the batch of a ResolveRequest.
#include "txn/resolver/resolve_codec.h"

#include <algorithm>

#include "core/base/encoding.h"

namespace orrery {
namespace {

constexpr uint8_t kReportReads = 1;
constexpr uint8_t kIsState = 2;

bool ReadRanges(ByteReader& reader, uint64_t count, std::vector<KeyRangeRef>& ranges) {
  // Each takes two bytes at least: a count from a stranger gets no memory of its own.
  if (count > reader.rest().size() / 2) return false;
  ranges.resize(count);
  for (KeyRangeRef& range : ranges) {
    if (!reader.ReadPrefixed(range.begin) || !reader.ReadPrefixed(range.end)) return false;
  }
  return true;
}

bool ReadTransaction(ByteReader& reader, ResolveTransactionRef& transaction) {
  uint64_t read_version, reads, writes;
  uint8_t flags;
  if (!reader.ReadFixed64(read_version) || !reader.ReadFixed8(flags)) return false;
  if ((flags & ~(kReportReads | kIsState)) != 0) return false;
  transaction.read_version = static_cast<Version>(read_version);
  transaction.report_reads = (flags & kReportReads) != 0;
  transaction.is_state = (flags & kIsState) != 0;
  return reader.ReadVarint(reads) && reader.ReadVarint(writes) &&
         ReadRanges(reader, reads, transaction.reads) &&
         ReadRanges(reader, writes, transaction.writes) &&
         (!transaction.is_state || reader.ReadPrefixed(transaction.state_mutations));
}

}  // namespace

void AppendResolveTransaction(const ResolveTransactionRef& transaction, std::string& out) {
  AppendFixed(out, static_cast<uint64_t>(transaction.read_version));
  AppendFixed(out, static_cast<uint8_t>((transaction.report_reads ? kReportReads : 0) |
                                        (transaction.is_state ? kIsState : 0)));
  AppendVarint(out, transaction.reads.size());
  AppendVarint(out, transaction.writes.size());
  for (const std::vector<KeyRangeRef>* ranges : {&transaction.reads, &transaction.writes}) {
    for (const KeyRangeRef& range : *ranges) {
      AppendPrefixed(out, range.begin);
      AppendPrefixed(out, range.end);
    }
  }
  if (transaction.is_state) AppendPrefixed(out, transaction.state_mutations);
}

absl::StatusOr<std::vector<ResolveTransactionRef>> ParseResolveTransactions(std::string_view bytes,
                                                                            uint32_t count) {
  constexpr size_t kTransactionBytesMin = 8 + 1 + 1 + 1;
  if (count > bytes.size() / kTransactionBytesMin) return Error(ErrorCode::file_corrupt);
  std::vector<ResolveTransactionRef> transactions(count);
  ByteReader reader(bytes);
  for (ResolveTransactionRef& each : transactions) {
    if (!ReadTransaction(reader, each)) return Error(ErrorCode::file_corrupt);
  }
  if (!reader.AtEnd()) return Error(ErrorCode::file_corrupt);
  return transactions;
}

}  // namespace orrery
