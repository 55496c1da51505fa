// The first 80 bytes of every file of storage: what it is, who may read it, whose it is.
//
//   offset  bytes  what
//        0      8  magic: which kind of file
//        8      4  written by: the format version of the program that wrote it
//       12      4  minimum reader: the least format version that understands it
//       16     16  cluster id: zeros where the file belongs to no cluster
//       32     16  instance id: of the store that the file is a part of
//       48      8  parameter: the file kind's own
//       56     16  reserved, zeros
//       72      8  XXH3 of the 72 bytes before
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace orrery {

inline constexpr size_t kFileHeaderBytes = 80;

using StoreId = std::array<char, 16>;

// Whose a store is. A copy of its files that is started elsewhere is refused by these.
struct StoreIdentity {
  StoreId cluster{};
  StoreId instance{};
  friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};

struct FileHeader {
  std::string_view magic;  // 8 bytes.
  uint32_t written_by = 0;
  uint32_t minimum_reader = 0;
  StoreIdentity identity;
  uint64_t parameter = 0;
};

std::string EncodeFileHeader(const FileHeader& header);

// Of the bytes at the beginning of the file `path`, by a program of format version `reader`.
// file_corrupt: not a whole header of kind `magic`. protocol_mismatch: its minimum reader is above
// `reader`. wrong_cluster: of another identity. Each message names the file and what was found.
absl::StatusOr<FileHeader> DecodeFileHeader(std::string_view bytes, std::string_view magic,
                                            uint32_t reader, const StoreIdentity& identity,
                                            const std::string& path);

}  // namespace orrery
