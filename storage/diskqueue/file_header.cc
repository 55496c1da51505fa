// Codec of file headers; the format is in file_header.h.
#include "storage/diskqueue/file_header.h"

#include <algorithm>

#include "core/base/fixed.h"
#include "core/base/hash.h"
#include "core/base/invariant.h"

namespace orrery {
namespace {

constexpr size_t kMagicBytes = 8;
constexpr size_t kChecksummedBytes = kFileHeaderBytes - sizeof(uint64_t);

std::string Hex(const StoreId& id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : id) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace

std::string EncodeFileHeader(const FileHeader& header) {
  INVARIANT(header.magic.size() == kMagicBytes, header.magic);
  std::string out(header.magic);
  AppendFixed(out, header.written_by);
  AppendFixed(out, header.minimum_reader);
  out.append(header.identity.cluster.data(), header.identity.cluster.size());
  out.append(header.identity.instance.data(), header.identity.instance.size());
  AppendFixed(out, header.parameter);
  out.resize(kChecksummedBytes, '\0');
  AppendFixed(out, HashBytes(out));
  return out;
}

absl::StatusOr<FileHeader> DecodeFileHeader(std::string_view bytes, std::string_view magic,
                                            uint32_t reader, const StoreIdentity& identity,
                                            const std::string& path) {
  if (bytes.size() < kFileHeaderBytes || bytes.substr(0, kMagicBytes) != magic) {
    return Error(ErrorCode::file_corrupt,
                 path + ": at offset 0 is no header of a file of kind " + std::string(magic));
  }
  if (GetFixed<uint64_t>(bytes.data() + kChecksummedBytes) !=
      HashBytes(bytes.substr(0, kChecksummedBytes))) {
    return Error(ErrorCode::file_corrupt, path + ": the header at offset 0 fails its checksum");
  }
  FileHeader header;
  header.magic = magic;
  header.written_by = GetFixed<uint32_t>(bytes.data() + 8);
  header.minimum_reader = GetFixed<uint32_t>(bytes.data() + 12);
  std::copy_n(bytes.data() + 16, header.identity.cluster.size(), header.identity.cluster.data());
  std::copy_n(bytes.data() + 32, header.identity.instance.size(), header.identity.instance.data());
  header.parameter = GetFixed<uint64_t>(bytes.data() + 48);
  if (header.minimum_reader > reader) {
    return Error(ErrorCode::protocol_mismatch,
                 path + ": written in format " + std::to_string(header.written_by) +
                     ", needs a program that reads format " +
                     std::to_string(header.minimum_reader) + "; this one reads up to " +
                     std::to_string(reader));
  }
  if (header.identity != identity) {
    return Error(ErrorCode::wrong_cluster,
                 path + ": belongs to cluster " + Hex(header.identity.cluster) + ", store " +
                     Hex(header.identity.instance) + ", not to cluster " + Hex(identity.cluster) +
                     ", store " + Hex(identity.instance));
  }
  return header;
}

}  // namespace orrery
