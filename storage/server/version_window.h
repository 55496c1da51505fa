// VersionWindow: what has been written in the last seconds, by version, above an engine that holds
// the state at one older version. A pure structure, without clock, coroutine or Env.
//
// The engine is durable at oldest(). The state at a version v >= oldest() is the engine's, changed
// by the window's mutations up to v. For each key the window answers one of three things: here is
// its value; it is cleared; or ask the engine.
//
// How it works. One ordered tree (absl::btree_set) of nodes, one for each key that a mutation of
// the window names. A node has the chain of its key's values and tombstones, newest first, and one
// version for the gap between it and the next node: the earliest mutation of the window that
// cleared the gap. That one is enough: no key of a gap has been set in the window, or it would have
// a node, so after its first clear a gap stays empty, also in the engine once that clear is there.
// A key set inside a cleared gap begins its chain with the gap's tombstone. A node lives until its
// last mutation is forgotten; then its key is what its surroundings are: the engine's affair.
// All bytes lie in an arena that is filled and emptied in order of versions, so that forgetting
// touches no value. The tree compares the first 16 bytes of keys without leaving itself.
//
// A tree with versions in its nodes was preferred to a persistent one that copies its path for each
// mutation (as FoundationDB's storage server has): a set costs one search and no copy of the path,
// and a read at the newest version, nearly every one, looks at one entry of a chain. What it costs:
// a clear walks the nodes in its range, and a read far back on a hot key walks that key's chain.
//
// Cost, with n nodes: set O(log n). clear O(log n + nodes in the range), where a node that is
// cleared already costs one look. Get O(log n + mutations of the key above the version, one for
// each version at most). Cursor O(log n) to begin, then O(1) per node, dead ones included. Forget
// O(log n) for each node whose last mutation is forgotten.
// Memory: bytes(). A set costs its key and value, 40 bytes of entry and 56 in the two logs; a node
// 100 more, and the storage of nodes stays at its peak until the window is empty. The caller keeps
// the window within its budget by making versions durable and forgetting them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_set.h"
#include "core/base/key_head.h"
#include "core/base/keys.h"
#include "core/base/version.h"
#include "storage/server/fifo_arena.h"

namespace orrery {

// A mutation with nothing left to compute: atomic operations have become sets and clears.
struct WindowMutation {
  enum class Kind : uint8_t { set, clear };
  Kind kind;
  KeyRef key;              // Set: the key. Clear: where the range begins.
  std::string_view param;  // Set: the value. Clear: where the range ends; not above `key`: nothing.
};

class VersionWindow {
 public:
  enum class Found : uint8_t { value, cleared, not_here };
  struct Answer {
    Found found = Found::not_here;
    std::string_view value;  // Valid until Forget or destruction.
  };
  class Cursor;

  // Empty, above an engine that is durable at `oldest`.
  explicit VersionWindow(Version oldest) : oldest_(oldest), newest_(oldest) {}
  VersionWindow(const VersionWindow&) = delete;
  VersionWindow& operator=(const VersionWindow&) = delete;

  // Takes in mutations in their order. Their bytes are copied. Ends all Cursors.
  // REQUIRES: version >= newest() and version > oldest(); keys and values below 4 GiB.
  void Apply(Version version, std::span<const WindowMutation> mutations);

  // `key` at `version`. REQUIRES: version >= oldest(). (Above newest(): as at newest().)
  Answer Get(KeyRef key, Version version) const;

  // The engine is now durable at `version`: what is at or below it is forgotten, and so are reads
  // below. The cost grows with what is forgotten; a caller in a hurry forgets in several steps.
  // A lower version than before changes nothing. Ends all Cursors. REQUIRES: version <= newest().
  void Forget(Version version);

  // Calls `visit(Version, const WindowMutation&)` for each mutation with version in (after,
  // through], in the order of Apply: what makes the engine at `after` the engine at `through`.
  // The bytes are valid until Forget. O(log of all mutations + what is visited).
  template <class Visit>
  void VisitMutations(Version after, Version through, Visit visit) const;

  // Changes the newest version without a mutation. REQUIRES: version >= newest().
  void Advance(Version version);

  Version oldest() const { return oldest_; }
  Version newest() const { return newest_; }
  size_t nodes() const { return tree_.size(); }
  // What is held, for the memory budget: bytes of mutations by whole chunks, nodes and logs by
  // count. The same for the same history on every machine.
  size_t bytes() const;

 private:
  // One state of one key. Its bytes follow: the key, then the value.
  struct Entry {
    Entry* previous;  // Dangles when previous_version <= oldest_.
    Version version;
    Version previous_version;
    uint32_t value_size;
    uint32_t cleared;
    const char* value;
  };
  struct alignas(64) Node {
    const char* key = nullptr;  // In the arena, allocated at last_touched or later.
    uint32_t key_size = 0;
    Entry* newest = nullptr;  // Dangles when newest_version <= oldest_.
    Version newest_version = kInvalidVersion;
    Version gap_clear = kInvalidVersion;  // Of the keys up to the next node. <= oldest_: none.
    Version last_touched = kInvalidVersion;

    KeyRef key_view() const { return {key, key_size}; }
  };
  // What the tree holds: the key's head in two words, which pack better than one.
  struct Slot {
    uint64_t high;
    uint64_t low;
    Node* node;
  };
  struct Probe {
    KeyHead head;
    KeyRef key;
  };
  struct Before {
    using is_transparent = void;
    static KeyHead Head(const Slot& s) { return static_cast<KeyHead>(s.high) << 64 | s.low; }
    bool operator()(const Slot& a, const Slot& b) const {
      const KeyHead x = Head(a), y = Head(b);
      return x != y ? x < y : a.node->key_view() < b.node->key_view();
    }
    bool operator()(const Slot& a, const Probe& b) const {
      const KeyHead x = Head(a);
      return x != b.head ? x < b.head : a.node->key_view() < b.key;
    }
    bool operator()(const Probe& a, const Slot& b) const {
      const KeyHead y = Head(b);
      return a.head != y ? a.head < y : a.key < b.node->key_view();
    }
  };
  using Tree = absl::btree_set<Slot, Before>;
  struct Touched {
    Version version;
    Node* node;
  };
  struct Logged {
    Version version;
    const char* key;
    const char* param;
    uint32_t key_size;
    uint32_t param_size;
    WindowMutation::Kind kind;
  };

  bool Live(Version version) const { return version > oldest_; }
  bool GapCleared(const Node& node, Version version) const {
    return node.gap_clear > oldest_ && node.gap_clear <= version;
  }
  const Entry* Find(const Node& node, Version version) const;
  Version GapBefore(Tree::const_iterator it) const;
  void Set(const Logged& mutation);
  void Clear(const Logged& mutation);
  void ClearNodes(Tree::const_iterator it, KeyRef end, Version version);
  Tree::const_iterator Insert(Tree::const_iterator hint, const Logged& mutation, KeyRef key);
  Entry* NewEntry(Version version);
  void Push(Node& node, Entry* entry);
  void PushTombstone(Node& node, Version version);
  void Touch(Node& node, Version version, const char* key);
  Node* NewNode();

  Version oldest_;
  Version newest_;
  Tree tree_;
  std::deque<Node> nodes_;  // Storage; unused ones are in free_nodes_.
  std::vector<Node*> free_nodes_;
  std::deque<Touched> touched_;  // Ascending in versions; a node once per version.
  std::deque<Logged> log_;       // Ascending in versions.
  FifoArena arena_;
};

template <class Visit>
void VersionWindow::VisitMutations(Version after, Version through, Visit visit) const {
  auto it = std::upper_bound(log_.begin(), log_.end(), after,
                             [](Version v, const Logged& logged) { return v < logged.version; });
  for (; it != log_.end() && it->version <= through; ++it) {
    visit(it->version, WindowMutation{it->kind, KeyRef(it->key, it->key_size),
                                      std::string_view(it->param, it->param_size)});
  }
}

// The window's part of a range at a version, in ascending or descending order of keys: values, and
// spans that are cleared. What lies between them is the engine's. Spans are not empty, lie in the
// range, and are as wide as they can be.
//
//   for (VersionWindow::Cursor c(window, range, version, Cursor::Order::ascending); c.valid();
//        c.Next()) { if (c.found() == Found::value) ... }
//
// Ended by Apply, Advance and Forget: not to be used afterwards.
class VersionWindow::Cursor {
 public:
  enum class Order : uint8_t { ascending, descending };

  // The bytes of `range` must stay. REQUIRES: version >= window.oldest().
  Cursor(const VersionWindow& window, KeyRangeRef range, Version version, Order order);

  bool valid() const { return valid_; }
  // REQUIRES, here and below: valid().
  Found found() const { return found_; }  // value or cleared.
  KeyRef key() const { return key_; }     // Of the value.
  std::string_view value() const { return value_; }
  KeyRangeRef span() const { return {span_begin_, span_end_}; }  // Valid until Next.
  void Next();

 private:
  // A border between elements: before the key, or just after it.
  struct Border {
    KeyRef key;
    bool after = false;
  };
  // The next piece of the range: a node's key, or the gap behind it.
  struct Element {
    Found found;
    Border begin;
    Border end;
    const Entry* entry;
  };

  bool Current(Element* element);
  Element Point(const Node& node) const;
  bool Gap(const Node* node, Border begin, Border end, Element* element) const;
  void Advance();
  void Prefetch();
  void EmitValue(const Element& element);
  void EmitSpan(const Border& begin, const Border& end);

  const VersionWindow& window_;
  const KeyRangeRef range_;
  const Version version_;
  const bool ascending_;
  Tree::const_iterator at_;  // Ascending: the next node. Descending: the one after it.
  // The pipeline: nodes up to ahead_ are being fetched, and the entries of the first half of them.
  static constexpr uint32_t kDistance = 16;
  Tree::const_iterator ahead_;
  uint32_t distance_ = 0;  // From at_ to ahead_.
  uint32_t fetched_ = 0;
  const Node* pipeline_[kDistance] = {};
  const Node* left_ = nullptr;  // Ascending: the node before at_.
  bool in_gap_ = true;          // The next element is a gap.
  bool valid_ = false;
  Found found_ = Found::not_here;
  KeyRef key_;
  std::string_view value_;
  std::string span_begin_;
  std::string span_end_;
};

}  // namespace orrery
