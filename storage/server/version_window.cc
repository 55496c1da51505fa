// The tree of nodes, its chains and its gaps. See version_window.h.
#include "storage/server/version_window.h"

#include <cstring>
#include <iterator>

#include "core/base/invariant.h"

namespace orrery {

namespace {

// Whether no key lies between `key` and `next`, which is the first key after it.
bool Adjacent(KeyRef key, KeyRef next) {
  return next.size() == key.size() + 1 && next.back() == '\0' && next.starts_with(key);
}

}  // namespace

void VersionWindow::Apply(Version version, std::span<const WindowMutation> mutations) {
  INVARIANT(version >= newest_ && version > oldest_, version, newest_, oldest_);
  newest_ = version;
  for (const WindowMutation& from : mutations) {
    INVARIANT(from.key.size() <= UINT32_MAX && from.param.size() <= UINT32_MAX);
    const bool set = from.kind == WindowMutation::Kind::set;
    if (!set && from.param <= from.key) continue;
    char* const bytes = arena_.Allocate(from.key.size() + from.param.size(), version);
    if (!from.key.empty()) std::memcpy(bytes, from.key.data(), from.key.size());
    char* const param = bytes + from.key.size();
    if (!from.param.empty()) std::memcpy(param, from.param.data(), from.param.size());
    log_.push_back({version, bytes, param, static_cast<uint32_t>(from.key.size()),
                    static_cast<uint32_t>(from.param.size()), from.kind});
    set ? Set(log_.back()) : Clear(log_.back());
  }
}

void VersionWindow::Advance(Version version) {
  INVARIANT(version >= newest_, version, newest_);
  newest_ = version;
}

VersionWindow::Entry* VersionWindow::NewEntry(Version version) {
  return new (arena_.Allocate(sizeof(Entry), newest_)) Entry{nullptr, version, 0, 0, 1, nullptr};
}

// Within one version the last one counts.
void VersionWindow::Push(Node& node, Entry* entry) {
  if (node.newest_version == entry->version) {
    entry->previous = node.newest->previous;
    entry->previous_version = node.newest->previous_version;
  } else {
    entry->previous = node.newest;
    entry->previous_version = node.newest_version;
  }
  node.newest = entry;
  node.newest_version = entry->version;
}

// A key that is cleared already stays so; see the head of the header.
void VersionWindow::PushTombstone(Node& node, Version version) {
  if (Live(node.newest_version) && node.newest->cleared != 0) return;
  Push(node, NewEntry(version));
}

void VersionWindow::Touch(Node& node, Version version, const char* key) {
  if (key != nullptr) node.key = key;
  if (node.last_touched == version) return;
  if (key == nullptr) {
    char* const copy = arena_.Allocate(node.key_size, version);
    std::memcpy(copy, node.key, node.key_size);
    node.key = copy;
  }
  node.last_touched = version;
  touched_.push_back({version, &node});
}

VersionWindow::Node* VersionWindow::NewNode() {
  if (free_nodes_.empty()) return &nodes_.emplace_back();
  Node* const node = free_nodes_.back();
  free_nodes_.pop_back();
  return node;
}

// The clear of the gap that ends at `it`, or a version that is not live.
Version VersionWindow::GapBefore(Tree::const_iterator it) const {
  return it == tree_.begin() ? kInvalidVersion : std::prev(it)->node->gap_clear;
}

// A node for `key`, which has none; `key` is part of the mutation. It is what the gap was.
VersionWindow::Tree::const_iterator VersionWindow::Insert(Tree::const_iterator hint,
                                                          const Logged& mutation, KeyRef key) {
  const Version gap = GapBefore(hint);
  Node* const node = NewNode();
  *node = Node();
  node->key = key.data();
  node->key_size = static_cast<uint32_t>(key.size());
  node->gap_clear = gap;
  Touch(*node, mutation.version, key.data());
  if (Live(gap)) PushTombstone(*node, gap);
  const KeyHead head = HeadOf(key);
  return tree_.insert(hint, {static_cast<uint64_t>(head >> 64), static_cast<uint64_t>(head), node});
}

void VersionWindow::Set(const Logged& mutation) {
  const KeyRef key(mutation.key, mutation.key_size);
  Tree::const_iterator it = tree_.lower_bound(Probe{HeadOf(key), key});
  if (it == tree_.end() || it->node->key_view() != key) {
    it = Insert(it, mutation, key);
  } else {
    Touch(*it->node, mutation.version, mutation.key);
  }
  Entry* const entry = NewEntry(mutation.version);
  entry->cleared = 0;
  entry->value = mutation.param;
  entry->value_size = mutation.param_size;
  Push(*it->node, entry);
}

void VersionWindow::Clear(const Logged& mutation) {
  const KeyRef begin(mutation.key, mutation.key_size);
  const KeyRef end(mutation.param, mutation.param_size);
  Tree::const_iterator it = tree_.lower_bound(Probe{HeadOf(begin), begin});
  const bool at_begin = it != tree_.end() && it->node->key_view() == begin;
  if (Adjacent(begin, end)) {  // One key: no gap.
    if (!at_begin && Live(GapBefore(it))) return;
    if (!at_begin) it = Insert(it, mutation, begin);
    Touch(*it->node, mutation.version, mutation.key);
    return PushTombstone(*it->node, mutation.version);
  }
  // The end first: iterators do not survive an insertion. Inside a cleared gap no border is needed.
  Tree::const_iterator last = tree_.lower_bound(Probe{HeadOf(end), end});
  if (last != tree_.end() && last->node->key_view() == end) {
    Touch(*last->node, mutation.version, mutation.param);
  } else if (!Live(GapBefore(last))) {
    last = Insert(last, mutation, end);
  }
  it = tree_.lower_bound(Probe{HeadOf(begin), begin});
  if (!at_begin && !Live(GapBefore(it))) it = Insert(it, mutation, begin);
  ClearNodes(it, end, mutation.version);
}

// Clears the nodes from `it` to `end` and the gaps behind them. A node is touched when its own gap
// or the one before it changes: it stays as long as what it divides can be told apart.
void VersionWindow::ClearNodes(Tree::const_iterator it, KeyRef end, Version version) {
  bool changed_before = false;
  for (; it != tree_.end() && it->node->key_view() < end; ++it) {
    Node& node = *it->node;
    const bool cleared = Live(node.newest_version) && node.newest->cleared != 0;
    const bool gap_cleared = Live(node.gap_clear);
    if (!cleared || !gap_cleared || changed_before) Touch(node, version, nullptr);
    if (!cleared) Push(node, NewEntry(version));
    if (!gap_cleared) node.gap_clear = version;
    changed_before = !gap_cleared;
  }
}

const VersionWindow::Entry* VersionWindow::Find(const Node& node, Version version) const {
  const Entry* entry = node.newest;
  for (Version at = node.newest_version; Live(at);
       at = entry->previous_version, entry = entry->previous) {
    if (at <= version) return entry;
  }
  return nullptr;
}

VersionWindow::Answer VersionWindow::Get(KeyRef key, Version version) const {
  INVARIANT(version >= oldest_, version, oldest_);
  const Tree::const_iterator it = tree_.lower_bound(Probe{HeadOf(key), key});
  if (it == tree_.end() || it->node->key_view() != key) {
    const Version gap = GapBefore(it);
    return {Live(gap) && gap <= version ? Found::cleared : Found::not_here, {}};
  }
  const Entry* const entry = Find(*it->node, version);
  if (entry == nullptr) return {};
  if (entry->cleared != 0) return {Found::cleared, {}};
  return {Found::value, {entry->value, entry->value_size}};
}

void VersionWindow::Forget(Version version) {
  if (version <= oldest_) return;
  INVARIANT(version <= newest_, version, newest_);
  oldest_ = version;
  for (; !touched_.empty() && touched_.front().version <= version; touched_.pop_front()) {
    Node* const node = touched_.front().node;
    if (node->last_touched != touched_.front().version) continue;  // Comes again.
    const KeyRef key = node->key_view();
    tree_.erase(tree_.find(Probe{HeadOf(key), key}));
    free_nodes_.push_back(node);
  }
  while (!log_.empty() && log_.front().version <= version) log_.pop_front();
  arena_.FreeThrough(version);
  if (tree_.empty()) {
    nodes_.clear();
    std::vector<Node*>().swap(free_nodes_);
  }
}

size_t VersionWindow::bytes() const {
  constexpr size_t kTreeSlotBytes = sizeof(Slot) * 3 / 2;  // Its nodes are two thirds full.
  return arena_.bytes() + nodes_.size() * sizeof(Node) + free_nodes_.capacity() * sizeof(Node*) +
         tree_.size() * kTreeSlotBytes + touched_.size() * sizeof(Touched) +
         log_.size() * sizeof(Logged);
}

VersionWindow::Cursor::Cursor(const VersionWindow& window, KeyRangeRef range, Version version,
                              Order order)
    : window_(window),
      range_(range),
      version_(version),
      ascending_(order == Order::ascending),
      at_(window.tree_.end()) {
  INVARIANT(version >= window.oldest_, version, window.oldest_);
  if (range.empty()) return;
  const KeyRef from = ascending_ ? range.begin : range.end;
  at_ = window.tree_.lower_bound(Probe{HeadOf(from), from});
  if (ascending_ && at_ != window.tree_.end() && at_->node->key_view() == from) in_gap_ = false;
  if (at_ != window.tree_.begin()) left_ = std::prev(at_)->node;
  ahead_ = at_;
  Next();
}

VersionWindow::Cursor::Element VersionWindow::Cursor::Point(const Node& node) const {
  const Entry* const entry = window_.Find(node, version_);
  const Found found = entry == nullptr      ? Found::not_here
                      : entry->cleared != 0 ? Found::cleared
                                            : Found::value;
  return {found, {node.key_view(), false}, {node.key_view(), true}, entry};
}

// The element of a gap; false if it has no keys.
bool VersionWindow::Cursor::Gap(const Node* node, Border begin, Border end,
                                Element* element) const {
  const bool cleared = node != nullptr && window_.GapCleared(*node, version_);
  if (begin.after ? Adjacent(begin.key, end.key) : begin.key == end.key) return false;
  *element = {cleared ? Found::cleared : Found::not_here, begin, end, nullptr};
  return true;
}

// The element at which the cursor stands, clipped to the range; false at its end.
bool VersionWindow::Cursor::Current(Element* element) {
  const Tree& tree = window_.tree_;
  for (;; Advance()) {
    if (ascending_ && !in_gap_) {
      if (at_ == tree.end() || at_->node->key_view() >= range_.end) return false;
      *element = Point(*at_->node);
      return true;
    }
    const Node* const left = ascending_            ? left_
                             : at_ == tree.begin() ? nullptr
                                                   : std::prev(at_)->node;
    const bool left_inside = left != nullptr && left->key_view() >= range_.begin;
    if (!ascending_ && !in_gap_) {
      if (!left_inside) return false;
      *element = Point(*left);
      return true;
    }
    const Border begin = left_inside ? Border{left->key_view(), true} : Border{range_.begin, false};
    Border end{range_.end, false};
    if (at_ != tree.end() && at_->node->key_view() < range_.end) end.key = at_->node->key_view();
    if (Gap(left, begin, end, element)) return true;
  }
}

void VersionWindow::Cursor::Advance() {
  if (ascending_) {
    if (!in_gap_) {
      Prefetch();
      left_ = at_->node;
      ++at_;
    }
  } else if (!in_gap_) {
    Prefetch();
    --at_;
  }
  in_gap_ = !in_gap_;
}

// Nodes lie anywhere, and so do their entries: fetch them some steps before they are looked at.
void VersionWindow::Cursor::Prefetch() {
  const Tree& tree = window_.tree_;
  if (distance_ > 0) {
    --distance_;
  } else {
    ahead_ = ascending_ ? std::next(at_) : std::prev(at_);
  }
  for (int steps = 0; steps < 2 && distance_ < kDistance; ++steps, ++distance_, ++fetched_) {
    if (ahead_ == (ascending_ ? tree.end() : tree.begin())) return;
    if (!ascending_) --ahead_;
    const Node* const node = ahead_->node;
    if (ascending_) ++ahead_;
    __builtin_prefetch(node);
    if (fetched_ >= kDistance / 2) {
      const Node* const near = pipeline_[(fetched_ - kDistance / 2) % kDistance];
      __builtin_prefetch(near->newest);
      __builtin_prefetch(near->key);
    }
    pipeline_[fetched_ % kDistance] = node;
  }
}

void VersionWindow::Cursor::EmitValue(const Element& element) {
  found_ = Found::value;
  key_ = element.begin.key;
  value_ = {element.entry->value, element.entry->value_size};
}

void VersionWindow::Cursor::EmitSpan(const Border& begin, const Border& end) {
  found_ = Found::cleared;
  span_begin_.assign(begin.key);
  if (begin.after) span_begin_.push_back('\0');
  span_end_.assign(end.key);
  if (end.after) span_end_.push_back('\0');
}

void VersionWindow::Cursor::Next() {
  valid_ = false;
  bool open = false;  // A cleared span has begun.
  Border begin, end;
  Element element;
  while (Current(&element) && element.found != Found::value &&
         (element.found == Found::cleared || !open)) {
    if (element.found == Found::cleared) {
      if (ascending_ || !open) end = element.end;
      if (!ascending_ || !open) begin = element.begin;
      open = true;
    }
    Advance();
  }
  if (open) {
    valid_ = true;
    EmitSpan(begin, end);
  } else if (Current(&element)) {
    valid_ = true;
    EmitValue(element);
    Advance();
  }
}

}  // namespace orrery
