// NameTable: the directory tree of a disk, as processes see it and as it would be after a loss of
// power. Every create, rename and delete is a change that becomes durable with SyncDirectory of the
// directory it touches; at a loss of power the others survive or not, each by a draw, but never
// without the changes of the same names before it, nor without the directory it lies in. A rename
// is atomic: both names change or none.
//
// Directories are made and stay; only files are renamed and deleted.
//
// When there are very many changes the oldest become durable by themselves, as a journal commits.
//
// A pure structure. Paths are whole ("process/log"); "" is the root, which is no node.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/disk/file_image.h"

namespace orrery::sim {

// What the files and directories of a disk take, in bytes.
struct DiskSpace {
  uint64_t used = 0;
};

// What a name leads to.
struct DiskNode {
  DiskNode() = default;
  DiskNode(const DiskNode&) = delete;
  DiskNode& operator=(const DiskNode&) = delete;
  ~DiskNode() { Charge(0); }

  // What it takes of `space` from now on; nothing when it belongs to no disk.
  void Charge(uint64_t bytes) {
    if (space != nullptr) space->used += bytes - charged;
    charged = bytes;
  }

  uint64_t key = 0;  // For draws and the hash: of the path it was created under, and an ordinal.
  bool is_directory = false;
  FileImage file;
  std::shared_ptr<DiskSpace> space;
  uint64_t charged = 0;
  bool linked = true;  // A name leads to it, as processes see it.
  uint32_t opens = 0;  // Files that are open on it, or that have operations under way.
};

using NodePtr = std::shared_ptr<DiskNode>;

class NameTable {
 public:
  static constexpr size_t kUnsyncedChangesMax = 4096;

  // nullptr when there is none.
  NodePtr Find(const std::string& path) const;

  // REQUIRES: the parent is a directory or the root, and `path` is free.
  void Create(const std::string& path, NodePtr node);

  // REQUIRES: `from` is a file; `to` is another path, free or a file; its parent is a directory.
  void Rename(const std::string& from, const std::string& to);

  // REQUIRES: `path` is a file.
  void Delete(const std::string& path);

  // Names directly in `directory`, sorted.
  std::vector<std::string> List(const std::string& directory) const;

  // A directory that is known to be durable, as a data directory made before the process ran.
  void CreateDurableDirectory(const std::string& path);

  void SyncDirectory(const std::string& directory);

  // Whether SyncDirectory(directory) has something to make durable.
  bool IsDirty(const std::string& directory) const;

  size_t unsynced_changes() const { return changes_.size(); }

  // `survives(i)`: whether change i may survive, from 0 in order.
  void LosePower(const std::function<bool(uint64_t)>& survives);

  void Clear();

  // Calls `visit` for every file there is, by path.
  void ForEachFile(const std::function<void(const std::string&, DiskNode&)>& visit) const;

 private:
  using Names = std::map<std::string, NodePtr>;

  struct Change {
    std::string path;  // Gets `node`; nullptr: is deleted.
    NodePtr node;
    std::string from;  // Of a rename: is deleted; else empty.
  };

  void Add(Change change);
  static void Apply(Names& names, const Change& change);
  static bool Touches(const Change& change, const std::string& directory);

  Names current_;
  Names durable_;
  std::vector<Change> changes_;
};

// "a/b" -> "a"; "a" -> "".
std::string_view ParentOf(std::string_view path);

}  // namespace orrery::sim
