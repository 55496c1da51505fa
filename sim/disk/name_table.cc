// Changes of names and what survives of them.
#include "sim/disk/name_table.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "core/base/invariant.h"

namespace orrery::sim {

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

NodePtr NameTable::Find(const std::string& path) const {
  const auto at = current_.find(path);
  return at == current_.end() ? nullptr : at->second;
}

void NameTable::Apply(Names& names, const Change& change) {
  if (change.node == nullptr) {
    names.erase(change.path);
  } else {
    names[change.path] = change.node;
    if (!change.from.empty()) names.erase(change.from);
  }
}

void NameTable::Add(Change change) {
  Apply(current_, change);
  changes_.push_back(std::move(change));
  if (changes_.size() <= kUnsyncedChangesMax) return;
  const auto half = changes_.begin() + kUnsyncedChangesMax / 2;
  for (auto at = changes_.begin(); at != half; ++at) Apply(durable_, *at);
  changes_.erase(changes_.begin(), half);
}

void NameTable::Create(const std::string& path, NodePtr node) {
  INVARIANT(node != nullptr && Find(path) == nullptr, path);
  Add({path, std::move(node), {}});
}

void NameTable::Rename(const std::string& from, const std::string& to) {
  NodePtr node = Find(from);
  INVARIANT(node != nullptr && from != to, from, to);
  Add({to, std::move(node), from});
}

void NameTable::Delete(const std::string& path) {
  INVARIANT(Find(path) != nullptr && !Find(path)->is_directory, path);
  Add({path, nullptr, {}});
}

std::vector<std::string> NameTable::List(const std::string& directory) const {
  std::vector<std::string> names;
  const std::string prefix = directory.empty() ? "" : directory + "/";
  for (auto at = current_.lower_bound(prefix); at != current_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    if (ParentOf(at->first) == directory) names.push_back(at->first.substr(prefix.size()));
  }
  return names;
}

void NameTable::CreateDurableDirectory(const std::string& path) {
  auto node = std::make_shared<DiskNode>();
  node->is_directory = true;
  current_[path] = node;
  durable_[path] = node;
}

bool NameTable::Touches(const Change& change, const std::string& directory) {
  return ParentOf(change.path) == directory ||
         (!change.from.empty() && ParentOf(change.from) == directory);
}

void NameTable::SyncDirectory(const std::string& directory) {
  // Backwards, so that what an included change builds on is included too.
  std::vector<bool> included(changes_.size(), false);
  std::set<std::string_view> names;  // Of the changes included so far.
  for (size_t i = changes_.size(); i-- > 0;) {
    const Change& change = changes_[i];
    included[i] = Touches(change, directory) || names.contains(change.path) ||
                  (!change.from.empty() && names.contains(change.from));
    if (!included[i]) continue;
    names.insert(change.path);
    if (!change.from.empty()) names.insert(change.from);
  }
  std::vector<Change> rest;
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (included[i]) {
      Apply(durable_, changes_[i]);
    } else {
      rest.push_back(changes_[i]);
    }
  }
  changes_ = std::move(rest);
}

bool NameTable::IsDirty(const std::string& directory) const {
  return std::any_of(changes_.begin(), changes_.end(),
                     [&](const Change& change) { return Touches(change, directory); });
}

void NameTable::LosePower(const std::function<bool(uint64_t)>& survives) {
  std::set<std::string_view> lost;  // Names of changes that are lost.
  for (uint64_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    const bool builds_on_lost =
        lost.contains(change.path) || (!change.from.empty() && lost.contains(change.from));
    if (!builds_on_lost && survives(i)) {
      Apply(durable_, change);
      continue;
    }
    lost.insert(change.path);
    if (!change.from.empty()) lost.insert(change.from);
  }
  // What lies in a directory that is lost is lost, even when that directory was synced. Parents
  // come first in the order of paths.
  for (auto at = durable_.begin(); at != durable_.end();) {
    const std::string_view parent = ParentOf(at->first);
    const bool has_parent = parent.empty() || durable_.contains(std::string(parent));
    at = has_parent ? std::next(at) : durable_.erase(at);
  }
  changes_.clear();
  current_ = durable_;
}

void NameTable::Clear() {
  changes_.clear();
  current_.clear();
  durable_.clear();
}

void NameTable::ForEachFile(const std::function<void(const std::string&, DiskNode&)>& visit) const {
  for (const auto& [path, node] : current_) {
    if (!node->is_directory) visit(path, *node);
  }
}

}  // namespace orrery::sim
