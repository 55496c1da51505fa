// Changes of names and what survives of them.
#include "sim/disk/name_table.h"

#include <algorithm>
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

void NameTable::Create(const std::string& path, NodePtr node) {
  INVARIANT(node != nullptr && Find(path) == nullptr, path);
  changes_.push_back({++last_change_, path, std::move(node), {}});
  Apply(current_, changes_.back());
}

void NameTable::Rename(const std::string& from, const std::string& to) {
  NodePtr node = Find(from);
  INVARIANT(node != nullptr && from != to, from, to);
  changes_.push_back({++last_change_, to, std::move(node), from});
  Apply(current_, changes_.back());
}

void NameTable::Delete(const std::string& path) {
  INVARIANT(Find(path) != nullptr, path);
  changes_.push_back({++last_change_, path, nullptr, {}});
  Apply(current_, changes_.back());
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

bool NameTable::ShareName(const Change& a, const Change& b) {
  return a.path == b.path || (!a.from.empty() && a.from == b.path) ||
         (!b.from.empty() && b.from == a.path) || (!a.from.empty() && a.from == b.from);
}

void NameTable::SyncDirectory(const std::string& directory) {
  // Backwards, so that what an included change builds on is included too.
  std::vector<bool> included(changes_.size(), false);
  for (size_t i = changes_.size(); i-- > 0;) {
    bool include = Touches(changes_[i], directory);
    for (size_t later = i + 1; later < changes_.size() && !include; ++later) {
      include = included[later] && ShareName(changes_[i], changes_[later]);
    }
    included[i] = include;
  }
  std::vector<Change> rest;
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (included[i]) {
      Apply(durable_, changes_[i]);
    } else {
      rest.push_back(std::move(changes_[i]));
    }
  }
  changes_ = std::move(rest);
}

void NameTable::LosePower(const std::function<bool(uint64_t)>& survives) {
  std::vector<const Change*> lost;
  for (const Change& change : changes_) {
    const bool builds_on_lost = std::any_of(
        lost.begin(), lost.end(), [&](const Change* gone) { return ShareName(*gone, change); });
    const NodePtr parent = durable_.contains(std::string(ParentOf(change.path)))
                               ? durable_[std::string(ParentOf(change.path))]
                               : nullptr;
    const bool has_parent = ParentOf(change.path).empty() || parent != nullptr;
    if (builds_on_lost || !has_parent || !survives(change.number)) {
      lost.push_back(&change);
    } else {
      Apply(durable_, change);
    }
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
