// NameTable: the directory tree of a disk, as processes see it and as it would be after a loss of
// power. Every create, rename and delete is a change that becomes durable with SyncDirectory of the
// directory it touches; at a loss of power the others survive or not, each by a draw, but never
// without the changes of the same names before it, nor without the directory it lies in. A rename
// is atomic: both names change or none.
//
// Directories are made and stay; only files are renamed and deleted.
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

// What a name leads to.
struct DiskNode {
  uint64_t key = 0;  // For draws and the hash: of the path it was created under, and an ordinal.
  bool is_directory = false;
  FileImage file;
};

using NodePtr = std::shared_ptr<DiskNode>;

class NameTable {
 public:
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

  // `survives(i)`: whether change number i may survive.
  void LosePower(const std::function<bool(uint64_t)>& survives);

  void Clear();

  // Calls `visit` for every file there is, by path.
  void ForEachFile(const std::function<void(const std::string&, DiskNode&)>& visit) const;

 private:
  using Names = std::map<std::string, NodePtr>;

  struct Change {
    uint64_t number;
    std::string path;  // Gets `node`; nullptr: is deleted.
    NodePtr node;
    std::string from;  // Of a rename: is deleted; else empty.
  };

  static void Apply(Names& names, const Change& change);
  static bool Touches(const Change& change, const std::string& directory);

  Names current_;
  Names durable_;
  std::vector<Change> changes_;
  uint64_t last_change_ = 0;
};

// "a/b" -> "a"; "a" -> "".
std::string_view ParentOf(std::string_view path);

}  // namespace orrery::sim
