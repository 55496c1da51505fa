// The judging of a batch, and the tiers of runs. See conflict_set.h.
#include "txn/resolver/conflict_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "core/base/invariant.h"
#include "txn/resolver/batch_points.h"
#include "txn/resolver/conflict_run.h"

namespace orrery {

namespace {

// A set of small integers, asked and filled by intervals.
class IntervalBits {
 public:
  void Reset(size_t size) { words_.assign(size / 64 + 1, 0); }

  // REQUIRES, here and below: begin < end <= size.
  bool Any(size_t begin, size_t end) const {
    const size_t first = begin / 64, last = (end - 1) / 64;
    if (first == last) return (words_[first] & From(begin) & Through(end - 1)) != 0;
    if ((words_[first] & From(begin)) != 0 || (words_[last] & Through(end - 1)) != 0) return true;
    for (size_t i = first + 1; i < last; ++i) {
      if (words_[i] != 0) return true;
    }
    return false;
  }

  void Set(size_t begin, size_t end) {
    const size_t first = begin / 64, last = (end - 1) / 64;
    if (first == last) {
      words_[first] |= From(begin) & Through(end - 1);
      return;
    }
    words_[first] |= From(begin);
    words_[last] |= Through(end - 1);
    std::fill(words_.begin() + static_cast<ptrdiff_t>(first) + 1,
              words_.begin() + static_cast<ptrdiff_t>(last), ~uint64_t{0});
  }

  // Visits, in order, each integer whose membership differs from that of the one before it.
  template <class Visit>
  void VisitEdges(Visit visit) const {
    uint64_t carry = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      uint64_t edges = words_[i] ^ (words_[i] << 1 | carry);
      carry = words_[i] >> 63;
      for (; edges != 0; edges &= edges - 1) {
        visit(i * 64 + static_cast<size_t>(std::countr_zero(edges)));
      }
    }
  }

 private:
  static uint64_t From(size_t i) { return ~uint64_t{0} << (i % 64); }
  static uint64_t Through(size_t i) { return ~uint64_t{0} >> (63 - i % 64); }

  std::vector<uint64_t> words_;
};

}  // namespace

class ConflictSet::Impl {
 public:
  explicit Impl(Version oldest) : oldest_(oldest), newest_(oldest) {}

  const BatchVerdicts& Resolve(Version version, std::span<const ConflictTransaction> batch) {
    INVARIANT(version > newest_, version, newest_);
    newest_ = version;
    Collect(batch);
    points_.Sort();
    CheckHistory();
    JudgeInOrder(batch);
    Remember(version);
    MergeSome();
    return result_;
  }

  void SetOldest(Version oldest) {
    if (oldest <= oldest_) return;
    oldest_ = oldest;
    newest_ = std::max(newest_, oldest);
    size_t dead = 0;
    while (dead < tiers_.size() && tiers_[dead].run->max_version() <= oldest) {
      boundaries_ -= tiers_[dead++].run->size();
    }
    tiers_.erase(tiers_.begin(), tiers_.begin() + static_cast<ptrdiff_t>(dead));
  }

  Version oldest() const { return oldest_; }
  size_t boundaries() const { return boundaries_; }
  size_t runs() const { return tiers_.size(); }
  size_t bytes() const {
    size_t total = 0;
    for (const Tier& tier : tiers_) {
      total += tier.run->bytes();
      if (tier.merge != nullptr) total += tier.merge->result().bytes();
    }
    return total;
  }

 private:
  // What a transaction of the batch has: its ranges that are not empty, reads before writes.
  struct Member {
    uint32_t reads_begin;
    uint32_t writes_begin;
    uint32_t end;
    Version read_version;
    bool report;
  };
  struct Range {
    uint32_t transaction;
    uint32_t read;  // Its place among the transaction's reads; kNoRead for a write.
    bool conflicts;
  };
  struct HistoryRead {
    SplitRange keys;
    Version read_version;
    uint32_t range;
  };
  struct Tier {
    std::unique_ptr<ConflictRun> run;
    std::unique_ptr<RunMerge> merge;  // With the next one; null if none is in hand.
  };

  static constexpr uint32_t kNoRead = UINT32_MAX;
  static constexpr size_t kRunSizeAlways = 16384;  // Runs up to this size may always be made.
  static constexpr size_t kRunShare = 4;           // Larger ones: at most 1 / kRunShare of all.
  static constexpr size_t kMergeStepsPerPoint = 16;
  static constexpr size_t kMergeStepsMin = 64;

  void Collect(std::span<const ConflictTransaction> batch);
  void CheckHistory();
  void CheckRun(const ConflictRun& run);
  void JudgeInOrder(std::span<const ConflictTransaction> batch);
  void Remember(Version version);
  void MergeSome();
  bool ShouldMerge(const ConflictRun& older, const ConflictRun& newer) const;
  bool Settled(const Range& range) const {
    return range.conflicts || (!members_[range.transaction].report &&
                               result_.verdicts[range.transaction] == Verdict::conflict);
  }
  void Conflict(Range& range) {
    range.conflicts = true;
    result_.verdicts[range.transaction] = Verdict::conflict;
  }

  Version oldest_;
  Version newest_;
  std::vector<Tier> tiers_;  // Ascending in versions.
  size_t boundaries_ = 0;

  // Scratch space of Resolve, kept for its capacity.
  BatchVerdicts result_;
  BatchPoints points_;
  std::vector<Member> members_;
  std::vector<Range> ranges_;
  std::vector<HistoryRead> history_reads_;  // In key order.
  IntervalBits written_;                    // By rank: the intervals that the batch has written.
  std::vector<uint32_t> edges_;
};

void ConflictSet::Impl::Collect(std::span<const ConflictTransaction> batch) {
  result_.verdicts.assign(batch.size(), Verdict::committed);
  result_.conflicting_reads.clear();
  points_.Clear();
  members_.clear();
  ranges_.clear();
  for (uint32_t t = 0; t < batch.size(); ++t) {
    const ConflictTransaction& transaction = batch[t];
    Member member{static_cast<uint32_t>(ranges_.size()), static_cast<uint32_t>(ranges_.size()),
                  static_cast<uint32_t>(ranges_.size()), transaction.read_version,
                  transaction.report_reads};
    if (!transaction.reads.empty() && transaction.read_version < oldest_) {
      result_.verdicts[t] = Verdict::too_old;
      members_.push_back(member);
      continue;
    }
    for (uint32_t r = 0; r < transaction.reads.size(); ++r) {
      if (transaction.reads[r].empty()) continue;
      points_.AddRange(transaction.reads[r]);
      ranges_.push_back({t, r, false});
    }
    member.writes_begin = static_cast<uint32_t>(ranges_.size());
    for (const KeyRangeRef& write : transaction.writes) {
      if (write.empty()) continue;
      points_.AddRange(write);
      ranges_.push_back({t, kNoRead, false});
    }
    member.end = static_cast<uint32_t>(ranges_.size());
    members_.push_back(member);
  }
  history_reads_.clear();
}

void ConflictSet::Impl::CheckHistory() {
  if (tiers_.empty()) return;
  // In key order neighbours share their way down the search trees.
  points_.VisitInOrder([this](uint32_t point) {
    const uint32_t r = point / 2;
    if (point % 2 != 0 || ranges_[r].read == kNoRead) return;
    history_reads_.push_back({{points_.key(point), points_.key(point + 1)},
                              members_[ranges_[r].transaction].read_version,
                              r});
  });
  for (size_t i = tiers_.size(); i-- > 0;) CheckRun(*tiers_[i].run);
}

// All reads against one run, ConflictRun::kAbreast at a time.
void ConflictSet::Impl::CheckRun(const ConflictRun& run) {
  constexpr size_t kAbreast = ConflictRun::kAbreast;
  std::array<KeyHead, kAbreast> heads;
  std::array<const HistoryRead*, kAbreast> reads;
  std::array<size_t, kAbreast> positions;
  size_t count = 0;
  const auto flush = [&] {
    run.LowerBounds(heads.data(), count, positions.data());
    for (size_t i = 0; i < count; ++i) {
      if (run.WrittenSince(positions[i], reads[i]->keys, reads[i]->read_version)) {
        Conflict(ranges_[reads[i]->range]);
      }
    }
    count = 0;
  };
  for (const HistoryRead& read : history_reads_) {
    if (read.read_version >= run.max_version() || Settled(ranges_[read.range])) continue;
    heads[count] = read.keys.begin.head;
    reads[count++] = &read;
    if (count == kAbreast) flush();
  }
  if (count > 0) flush();
}

void ConflictSet::Impl::JudgeInOrder(std::span<const ConflictTransaction> batch) {
  written_.Reset(points_.ranks());
  for (uint32_t t = 0; t < batch.size(); ++t) {
    const Member& member = members_[t];
    for (uint32_t r = member.reads_begin; r < member.writes_begin; ++r) {
      Range& range = ranges_[r];
      if (!Settled(range) && written_.Any(points_.rank(2 * r), points_.rank(2 * r + 1))) {
        Conflict(range);
      }
      if (range.conflicts && member.report) {
        result_.conflicting_reads.push_back({t, range.read});
      }
    }
    if (result_.verdicts[t] != Verdict::committed) continue;
    for (uint32_t r = member.writes_begin; r < member.end; ++r) {
      written_.Set(points_.rank(2 * r), points_.rank(2 * r + 1));
    }
  }
}

// The bits are the union of the accepted writes: the new run is its edges.
void ConflictSet::Impl::Remember(Version version) {
  edges_.clear();
  size_t tail_bytes = 0;
  written_.VisitEdges([&](size_t rank) {
    edges_.push_back(static_cast<uint32_t>(rank));
    tail_bytes += points_.key_of_rank(rank).tail_view().size();
  });
  if (edges_.empty()) return;
  INVARIANT(tail_bytes <= UINT32_MAX, tail_bytes);
  auto run = std::make_unique<ConflictRun>();
  run->Reserve(edges_.size(), tail_bytes);
  for (size_t i = 0; i < edges_.size(); ++i) {
    run->Append(points_.key_of_rank(edges_[i]), i % 2 == 0 ? version : kInvalidVersion);
  }
  boundaries_ += run->size();
  tiers_.push_back({std::move(run), nullptr});
}

bool ConflictSet::Impl::ShouldMerge(const ConflictRun& older, const ConflictRun& newer) const {
  const size_t size = older.size() + newer.size();
  return older.size() < newer.size() + newer.size() / 2 &&
         size <= std::max(kRunSizeAlways, boundaries_ / kRunShare) &&
         older.tail_bytes() + newer.tail_bytes() <= UINT32_MAX;
}

// One pass from the newest run to the oldest: a merge that ends can be the newer side of the next.
void ConflictSet::Impl::MergeSome() {
  const size_t steps = kMergeStepsMin + kMergeStepsPerPoint * points_.size();
  for (size_t newer = tiers_.size(); newer-- > 1;) {
    Tier& tier = tiers_[newer - 1];
    if (tier.merge == nullptr) {
      const bool free =
          tiers_[newer].merge == nullptr && (newer < 2 || tiers_[newer - 2].merge == nullptr);
      if (!free || !ShouldMerge(*tier.run, *tiers_[newer].run)) continue;
      tier.merge = std::make_unique<RunMerge>(*tier.run, *tiers_[newer].run);
    }
    if (!tier.merge->Step(steps, oldest_)) continue;
    auto merged = std::make_unique<ConflictRun>(tier.merge->TakeResult());
    boundaries_ -= tier.run->size() + tiers_[newer].run->size();
    boundaries_ += merged->size();
    tier.merge.reset();
    const bool empty = merged->size() == 0;  // All of it was old.
    tier.run = std::move(merged);
    const auto gone = tiers_.begin() + static_cast<ptrdiff_t>(newer);
    tiers_.erase(empty ? gone - 1 : gone, gone + 1);
  }
}

ConflictSet::ConflictSet(Version oldest) : impl_(std::make_unique<Impl>(oldest)) {}
ConflictSet::~ConflictSet() = default;
ConflictSet::ConflictSet(ConflictSet&&) noexcept = default;
ConflictSet& ConflictSet::operator=(ConflictSet&&) noexcept = default;

const BatchVerdicts& ConflictSet::Resolve(Version version,
                                          std::span<const ConflictTransaction> batch) {
  return impl_->Resolve(version, batch);
}
void ConflictSet::SetOldest(Version oldest) { impl_->SetOldest(oldest); }
Version ConflictSet::oldest() const { return impl_->oldest(); }
size_t ConflictSet::boundaries() const { return impl_->boundaries(); }
size_t ConflictSet::bytes() const { return impl_->bytes(); }
size_t ConflictSet::runs() const { return impl_->runs(); }

}  // namespace orrery
