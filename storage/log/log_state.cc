// The index: one deque of versions with messages, and for each tag its ordinals in it.
#include "storage/log/log_state.h"

#include <algorithm>

#include "core/base/invariant.h"

namespace orrery {

LogState::Verdict LogState::Judge(Version previous, Version version) const {
  if (version <= accepted_) return Verdict::kDuplicate;
  if (locked_) return Verdict::kLocked;
  if (previous == accepted_) return Verdict::kAccept;
  return previous > accepted_ && previous < version ? Verdict::kWait : Verdict::kOffChain;
}

void LogState::Accept(std::span<const Tag> tags, LogMessages messages) {
  INVARIANT(!locked_ && messages.version > accepted_, messages.version, accepted_);
  accepted_ = messages.version;
  not_durable_.emplace_back(messages.version, messages.location);
  Keep(tags, std::move(messages));
}

void LogState::OnDurable(Version version) {
  INVARIANT(version <= accepted_, version, accepted_);
  durable_ = std::max(durable_, version);
  while (!not_durable_.empty() && not_durable_.front().first <= durable_) {
    last_durable_location_ = not_durable_.front().second;
    not_durable_.pop_front();
  }
}

absl::Status LogState::Restore(Version previous, std::span<const Tag> tags, LogMessages messages) {
  const bool follows = restored_ ? previous == accepted_ : previous >= begin_;
  if (!follows || messages.version <= previous) {
    return Error(ErrorCode::file_corrupt, "version " + std::to_string(messages.version) +
                                              " after " + std::to_string(previous) +
                                              " does not follow " + std::to_string(accepted_));
  }
  restored_ = true;
  accepted_ = durable_ = messages.version;
  last_durable_location_ = messages.location;
  Keep(tags, std::move(messages));
  return absl::OkStatus();
}

void LogState::Keep(std::span<const Tag> tags, LogMessages messages) {
  if (tags.empty()) return;
  const uint64_t ordinal = first_ordinal_ + messages_.size();
  for (const Tag& tag : tags) tags_[tag].ordinals.push_back(ordinal);
  index_entries_ += tags.size();
  if (messages.in_memory) {
    memory_bytes_ += messages.bytes;
  } else if (spilled_ordinal_ == ordinal) {
    ++spilled_ordinal_;
  }
  messages_.push_back({std::move(messages), static_cast<uint32_t>(tags.size())});
}

Version LogState::Bound(Version through) const {
  return std::min(durable_, through < 0 ? known_committed_ : through);
}

Version LogState::popped(Tag tag) const {
  const auto at = tags_.find(tag);
  return at == tags_.end() ? begin_ : std::max(begin_, at->second.popped);
}

LogState::Found LogState::Find(Tag tag, Version after, Version bound, uint64_t bytes_max) const {
  Found found{{}, std::max(after, bound)};
  const auto of_tag = tags_.find(tag);
  if (of_tag == tags_.end()) return found;
  const std::deque<uint64_t>& ordinals = of_tag->second.ordinals;
  auto at = std::upper_bound(ordinals.begin(), ordinals.end(), after,
                             [this](Version v, uint64_t o) { return v < At(o).messages.version; });
  uint64_t bytes = 0;
  for (; at != ordinals.end() && At(*at).messages.version <= bound; ++at) {
    if (bytes >= bytes_max && !found.messages.empty()) {
      found.through = found.messages.back().version;
      break;
    }
    found.messages.push_back(At(*at).messages);
    bytes += found.messages.back().bytes;
  }
  return found;
}

void LogState::Pop(Tag tag, Version version) {
  version = std::min(version, durable_);
  if (version <= popped(tag)) return;
  OfTag& of_tag = tags_[tag];
  of_tag.popped = version;
  while (!of_tag.ordinals.empty() && At(of_tag.ordinals.front()).messages.version <= version) {
    Kept& kept = At(of_tag.ordinals.front());
    of_tag.ordinals.pop_front();
    --index_entries_;
    if (--kept.holders == 0) Forget(kept);
  }
  while (!messages_.empty() && messages_.front().holders == 0) DropFront();
}

void LogState::Forget(Kept& kept) {
  if (kept.messages.in_memory) memory_bytes_ -= kept.messages.bytes;
  kept.messages.in_memory = false;
  kept.messages.batch = {};
}

void LogState::DropFront() {
  messages_.pop_front();
  ++first_ordinal_;
  spilled_ordinal_ = std::max(spilled_ordinal_, first_ordinal_);
}

std::vector<std::pair<Tag, Version>> LogState::pops() const {
  std::vector<std::pair<Tag, Version>> pops;
  for (const auto& [tag, of_tag] : tags_) {
    if (of_tag.popped > begin_) pops.emplace_back(tag, of_tag.popped);
  }
  return pops;
}

Location LogState::needed_from() const {
  if (messages_.empty()) return last_durable_location_;
  return std::min(messages_.front().messages.location, last_durable_location_);
}

void LogState::Spill(uint64_t bytes_max) {
  while (memory_bytes_ > bytes_max) {
    INVARIANT(spilled_ordinal_ < first_ordinal_ + messages_.size(), memory_bytes_);
    Forget(At(spilled_ordinal_++));
  }
}

}  // namespace orrery
