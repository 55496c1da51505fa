// FileTree: the metadata of a tree of files as rows of the database, as a file system's name
// service keeps it. Every entry has a number; the root's is 1.
//
//   "tree/next"                              the next free number, 8 bytes little endian
//   "tree/child/" + parent (8) + name        number (8), type (1)            parent-child index
//   "tree/entry/" + number (8)               parent (8), size (8), mtime in ns (8), mode (4),
//                                            type (1), name
//   "tree/size/" + ~size (8) + number (8)    empty; files alone                    size index
//
// Numbers in keys are big endian, so that they sort. A rename changes the entry's row and its place
// in the parent-child index, whatever lies below it: paths are nowhere stored. All functions work
// in the caller's transaction, so each is atomic with whatever else that one does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "txn/client/transaction.h"

namespace orrery::tools {

enum class EntryType : uint8_t { kFile = 1, kDirectory = 2, kLink = 3, kOther = 4 };

struct TreeEntry {
  uint64_t number = 0;
  uint64_t parent = 0;
  std::string name;
  EntryType type = EntryType::kFile;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint32_t mode = 0;
};

inline constexpr uint64_t kRootNumber = 1;

// Takes `count` fresh numbers, the first of which is returned.
Task<absl::StatusOr<uint64_t>> TakeNumbers(Transaction& tr, uint64_t count);

// Writes the rows of an entry that is not there yet.
absl::Status PutEntry(Transaction& tr, const TreeEntry& entry);

// The entry at an absolute path; "/" is the root. nullopt when there is none.
// invalid_argument for a path that is not absolute, or has "." or ".." or an empty part.
Task<absl::StatusOr<std::optional<TreeEntry>>> FindEntry(Transaction& tr, std::string path);

// Makes the directories of `path` that are missing, and gives the last one. invalid_argument when
// something else is in the way.
Task<absl::StatusOr<TreeEntry>> MakeDirectories(Transaction& tr, std::string path);

struct ChildRef {
  std::string name;
  uint64_t number;
  EntryType type;
};
struct ChildPage {
  std::vector<ChildRef> children;
  bool more = false;
};
// Children of a directory whose names come after `after`, in order, at most `rows_max`.
Task<absl::StatusOr<ChildPage>> ListChildren(Transaction& tr, uint64_t parent, std::string after,
                                             int32_t rows_max);

Task<absl::StatusOr<std::optional<TreeEntry>>> GetEntry(Transaction& tr, uint64_t number);

// The absolute path of an entry, by its parents.
Task<absl::StatusOr<std::string>> PathOf(Transaction& tr, TreeEntry entry);

// Moves an entry to a new path, whose directory exists. invalid_argument: no such entry, something
// is there already, the root, or a directory into itself.
Task<absl::Status> MoveEntry(Transaction& tr, std::string from, std::string to);

// The largest files, largest first.
Task<absl::StatusOr<std::vector<TreeEntry>>> LargestFiles(Transaction& tr, int32_t count);

// How many entries there are with a number above `after`: `counted` of them, up to number `last`.
struct CountPage {
  uint64_t counted = 0;
  uint64_t last = 0;
  bool more = false;
};
Task<absl::StatusOr<CountPage>> CountEntries(Transaction& tr, uint64_t after);

}  // namespace orrery::tools
