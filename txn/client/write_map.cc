// Nodes at every key where something changes; see write_map.h.
#include "txn/client/write_map.h"

#include "core/base/invariant.h"
#include "storage/log/atomic_operations.h"

namespace orrery {

bool WriteMap::Segment::independent() const {
  if (base == Base::kCleared) return true;
  return stack != nullptr && !stack->empty() && !IsReadModifyWrite(stack->front()->type);
}

WriteMap::Nodes::iterator WriteMap::Split(KeyRef key) {
  const auto after = nodes_.upper_bound(key);
  if (after == nodes_.begin()) return nodes_.emplace_hint(after, key, Node());
  const auto before = std::prev(after);
  if (before->first == key) return before;
  Node node;
  node.unreadable = node.gap_unreadable = before->second.gap_unreadable;
  node.base = node.gap = before->second.gap;
  return nodes_.emplace_hint(after, key, std::move(node));
}

void WriteMap::Write(MutationType type, KeyRef key, std::string_view operand) {
  const Mutation& mutation = log_->Add({type, std::string(key), std::string(operand)});
  Node& node = Split(mutation.key)->second;
  node.written = true;
  // As in FoundationDB, a set does not make it readable again: the order of its bytes and those
  // that the stamp decides is not known here.
  if (type == MutationType::kSetVersionstampedValue) node.unreadable = true;
  if (!IsReadModifyWrite(type)) node.stack.clear();
  node.stack.push_back(&mutation);
}

void WriteMap::Clear(KeyRangeRef range) {
  const Mutation& mutation =
      log_->Add({MutationType::kClearRange, Key(range.begin), Key(range.end)});
  const auto end = Split(mutation.value);
  const auto begin = Split(mutation.key);
  nodes_.erase(std::next(begin), end);
  begin->second = Node();
  begin->second.base = begin->second.gap = Base::kCleared;
}

void WriteMap::WriteVersionstampedKey(KeyRef key, std::string_view value, KeyRange unreadable) {
  log_->Add({MutationType::kSetVersionstampedKey, Key(key), std::string(value)});
  if (unreadable.begin >= unreadable.end) return;
  const auto end = Split(log_->AddKey(std::move(unreadable.end)));
  const auto begin = Split(log_->AddKey(std::move(unreadable.begin)));
  for (auto node = begin; node != end; ++node) {
    node->second.unreadable = true;
    node->second.gap_unreadable = true;
  }
}

WriteMap::Segment WriteMap::At(KeyRef key, KeyRef end) const {
  const auto after = nodes_.upper_bound(key);
  Segment segment{.begin = key, .end = end};
  if (after != nodes_.end() && after->first < end) segment.end = after->first;
  if (after == nodes_.begin()) return segment;
  const auto& [at, node] = *std::prev(after);
  if (at == key && node.written) {
    segment.begin = at;
    segment.is_key = true;
    segment.unreadable = node.unreadable;
    segment.base = node.base;
    segment.stack = &node.stack;
  } else {
    segment.unreadable = node.gap_unreadable;
    segment.base = node.gap;
  }
  return segment;
}

WriteMap::Segment WriteMap::Before(KeyRef begin, KeyRef end) const {
  Segment segment{.begin = begin, .end = end};
  const auto after = nodes_.lower_bound(end);
  if (after == nodes_.begin()) return segment;
  const auto& [at, node] = *std::prev(after);
  const bool last_is_at = end.size() == at.size() + 1 && end.back() == '\0' && end.starts_with(at);
  if (at >= begin && node.written && last_is_at) {
    segment.begin = at;
    segment.is_key = true;
    segment.unreadable = node.unreadable;
    segment.base = node.base;
    segment.stack = &node.stack;
    return segment;
  }
  if (at >= begin) {
    segment.begin = at;
    segment.after_begin = node.written;
  }
  segment.unreadable = node.gap_unreadable;
  segment.base = node.gap;
  return segment;
}

std::optional<std::string> WriteMap::ValueOf(const Segment& segment,
                                             std::optional<std::string_view> base_value) {
  INVARIANT(segment.is_key && !segment.unreadable);
  std::optional<std::string> value;
  if (segment.base == Base::kDatabase && base_value.has_value()) value.emplace(*base_value);
  for (const Mutation* const write : *segment.stack) {
    if (IsReadModifyWrite(write->type)) {
      value = ApplyAtomic(write->type, value, write->value);
    } else {
      value = write->value;
    }
  }
  return value;
}

}  // namespace orrery
