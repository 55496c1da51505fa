// An open queue: pushing, groups, room, reading. Opening is in disk_queue_open.cc.
#include "storage/diskqueue/disk_queue.h"

#include <algorithm>
#include <utility>

#include "core/async/sleep.h"
#include "core/base/invariant.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"

namespace orrery {
namespace {

constexpr uint64_t kReadChunkPages = 64;
constexpr uint64_t kZeroChunkBytes = 1 << 20;

}  // namespace

DiskQueue::DiskQueue(Env& env, const DiskQueueKnobs& knobs, std::string path,
                     std::unique_ptr<File> file, uint64_t queue_id)
    : env_(env),
      knobs_(knobs),
      path_(std::move(path)),
      file_(std::move(file)),
      queue_id_(queue_id),
      group_(env.executor(), [this](std::string_view, absl::Status status) { Fail(status); }) {}

DiskQueue::~DiskQueue() = default;

uint64_t DiskQueue::RoomBytes() const {
  const uint64_t reserved = 2 * pending_.page_count() + kSparePages;
  const uint64_t free = slots_.free_count();
  const uint64_t pages = free > reserved ? (free - reserved) / 2 : 0;
  if (pages < 2) return 0;
  return std::min<uint64_t>((pages - 2) * (kPagePayloadBytes - 4), kQueueEntryBytesMax);
}

uint64_t DiskQueue::live_bytes() const {
  return (last_.sequence + 1 - std::min(SequenceOf(begin_), last_.sequence + 1)) * kPageBytes;
}

absl::StatusOr<Location> DiskQueue::Push(std::string_view entry) {
  if (!failed_.ok()) return failed_;
  if (entry.size() > kQueueEntryBytesMax) return Error(ErrorCode::message_too_large);
  if (pending_.page_count() > 0 && pending_.pages().size() + entry.size() >
                                       static_cast<uint64_t>(knobs_.disk_queue_pending_bytes_max)) {
    return Error(ErrorCode::overloaded);
  }
  if (!PagesFit(pending_.page_count() + EntryPacker::PagesFor(entry.size()))) {
    return Error(ErrorCode::disk_full);
  }
  return pending_.Push(entry, next_sequence_);
}

Task<absl::Status> DiskQueue::Commit() {
  if (!failed_.ok()) co_return failed_;
  const uint64_t through = next_sequence_ + pending_.page_count() - 1;
  if (last_.sequence >= through) co_return absl::OkStatus();
  if (wanted_ < through) {
    wanted_ = through;
    work_.NotifyOne();
  }
  waiting_.push_back({through, {}});
  co_return co_await waiting_.back().promise.future();
}

absl::Status DiskQueue::Pop(Location to) {
  RETURN_IF_ERROR(failed_);
  if (to > durable_end()) return Error(ErrorCode::invalid_argument);
  begin_ = std::max(begin_, to);
  return absl::OkStatus();
}

Task<absl::Status> DiskQueue::MakeRoom(uint64_t bytes) {
  const uint64_t pages = EntryPacker::PagesFor(bytes);
  while (failed_.ok() && !PagesFit(pending_.page_count() + pages)) {
    room_pages_ = std::max(room_pages_, pages);
    work_.NotifyOne();
    room_waiting_.emplace_back();
    CO_RETURN_IF_ERROR(co_await room_waiting_.back().future());
  }
  co_return failed_;
}

void DiskQueue::AnswerRoom(const absl::Status& status) {
  room_pages_ = 0;
  for (Promise<absl::Status>& promise : std::exchange(room_waiting_, {})) promise.Set(status);
}

void DiskQueue::Fail(absl::Status status) {
  if (!failed_.ok()) return;
  failed_ = std::move(status);
  if (auto e = env_.trace().Warn("DiskQueueEnded")) e.Add("path", path_).Add("status", failed_);
  for (Waiting& waiting : std::exchange(waiting_, {})) waiting.promise.Set(failed_);
  AnswerRoom(failed_);
}

Task<absl::Status> DiskQueue::WriteLoop() {
  while (true) {
    if (!room_waiting_.empty()) {
      const absl::Status status = co_await TryMakeRoom();
      if (!status.ok() && CodeOf(status) != ErrorCode::disk_full) co_return status;
      AnswerRoom(status);
    } else if (wanted_ > last_.sequence) {
      CO_RETURN_IF_ERROR(co_await WriteGroup());
    } else {
      co_await work_.Wait();
    }
  }
}

// Writes what is pending; a page without entries when nothing is.
Task<absl::Status> DiskQueue::WriteGroup() {
  if (Buggify(env_, "diskqueue.group.late", OneIn(20))) {
    co_await Sleep(env_.clock(), Milliseconds(5));
  }
  EntryPacker group = std::exchange(pending_, {});
  if (group.page_count() == 0) group.AddEmptyPage();
  next_sequence_ += group.page_count();
  std::vector<SlotRun> slots = slots_.Take(group.page_count());
  if (slots.size() > 1) PROBE(env_, "diskqueue.group_in_pieces");
  const Location begin_stated = begin_;
  PageHeader last = last_;
  Buffer pages = Seal(group, PageKind::kData, slots, last);
  const absl::Status written = co_await WritePages(std::move(pages), slots);
  if (CodeOf(written) == ErrorCode::disk_full) {
    // What was accepted is in doubt now, which disk_full would deny.
    co_return Error(ErrorCode::io_error, path_ + ": no space for pages that had their place");
  }
  CO_RETURN_IF_ERROR(written);
  OnDurable(last, begin_stated, slots, group.page_count());
  co_return absl::OkStatus();
}

// The pages of `group` after `last`, which becomes the last of them.
Buffer DiskQueue::Seal(const EntryPacker& group, PageKind kind, const std::vector<SlotRun>& slots,
                       PageHeader& last) const {
  MutableBuffer out(group.pages().size());
  group.pages().copy(out.data(), group.pages().size());
  PageHeader page;
  page.incarnation = incarnation_;
  page.synced_sequence = last_.sequence;
  page.synced_checksum = last_.checksum;
  page.synced_slot = last_.slot;
  page.begin = begin_;
  page.kind = kind;
  size_t i = 0;
  for (const SlotRun& run : slots) {
    for (uint64_t n = 0; n < run.count; ++n, ++i) {
      page.slot = run.first + n;
      page.sequence = last.sequence + 1;
      page.previous_checksum = last.checksum;
      page.previous_slot = last.slot;
      page.payload_bytes = group.payload_bytes()[i];
      SealPage(page, queue_id_, out.data() + i * kPageBytes);
      last = page;
    }
  }
  return std::move(out).Freeze(group.pages().size());
}

// Durable when ok.
Task<absl::Status> DiskQueue::WritePages(Buffer pages, std::vector<SlotRun> slots) {
  if (slots.size() == 1) {
    co_return co_await file_->WriteDurable(slots[0].first * kPageBytes, std::move(pages));
  }
  size_t at = 0;
  for (const SlotRun& run : slots) {
    Buffer piece = pages.Slice(at, run.count * kPageBytes);
    at += piece.size();
    CO_RETURN_IF_ERROR(co_await file_->Write(run.first * kPageBytes, std::move(piece)));
  }
  co_return co_await file_->Sync();
}

void DiskQueue::OnDurable(const PageHeader& last, Location begin_stated,
                          const std::vector<SlotRun>& slots, uint64_t pages) {
  uint64_t sequence = last.sequence + 1 - pages;
  for (const SlotRun& run : slots) {
    pages_.Append(sequence, run);
    sequence += run.count;
  }
  last_ = last;
  begin_kept_ = begin_stated;
  pages_.PopBelow(std::min(SequenceOf(begin_kept_), last_.sequence), slots_);
  while (!waiting_.empty() && waiting_.front().sequence <= last_.sequence) {
    waiting_.front().promise.Set(absl::OkStatus());
    waiting_.pop_front();
  }
}

// One step towards room for room_pages_.
Task<absl::Status> DiskQueue::TryMakeRoom() {
  if (PagesFit(pending_.page_count() + room_pages_)) co_return absl::OkStatus();
  // Entries that wait must not be held up by those that do not fit, and they state a new begin.
  const bool frees =
      slots_.free_count() > 0 && std::min(SequenceOf(begin_), last_.sequence) > pages_.begin();
  if (frees || pending_.page_count() > 0) co_return co_await WriteGroup();
  co_return co_await Grow();
}

Task<absl::Status> DiskQueue::Grow() {
  const uint64_t max_slots = static_cast<uint64_t>(knobs_.disk_queue_bytes_max) / kPageBytes;
  const uint64_t room = max_slots > slot_count_ ? max_slots - slot_count_ : 0;
  const uint64_t step = static_cast<uint64_t>(knobs_.disk_queue_growth_bytes) / kPageBytes;
  const uint64_t missing = 2 * room_pages_ + kSparePages;
  const uint64_t count = std::min(room, std::max<uint64_t>({step, missing, 1}));
  if (count == 0) {
    co_return Error(ErrorCode::disk_full, path_ + ": has reached its limit of " +
                                              std::to_string(knobs_.disk_queue_bytes_max) +
                                              " bytes");
  }
  PROBE(env_, "diskqueue.grown");
  const std::string zeros(std::min<uint64_t>(count * kPageBytes, kZeroChunkBytes), '\0');
  const Buffer chunk = Buffer::Copy(zeros);
  uint64_t offset = slot_count_ * kPageBytes;
  for (uint64_t left = count * kPageBytes; left > 0;) {
    const uint64_t n = std::min<uint64_t>(left, chunk.size());
    CO_RETURN_IF_ERROR(co_await file_->Write(offset, chunk.Slice(0, n)));
    offset += n;
    left -= n;
  }
  CO_RETURN_IF_ERROR(co_await file_->Sync());
  slots_.Free({slot_count_, count});
  slot_count_ += count;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<QueueEntry>>> DiskQueue::Read(Location from, Location to,
                                                              uint32_t bytes_max) {
  CO_RETURN_IF_ERROR(failed_);
  if (from < begin_ || from > to || to > durable_end()) {
    co_return Error(ErrorCode::invalid_argument, path_ + ": entries of [" + std::to_string(from) +
                                                     ", " + std::to_string(to) +
                                                     ") asked for, of [" + std::to_string(begin_) +
                                                     ", " + std::to_string(durable_end()) + ")");
  }
  std::vector<QueueEntry> out;
  EntryReader reader(from, to);
  uint64_t bytes = 0;
  size_t counted = 0;
  // An entry that begins before `to` may end in pages that begin after it.
  for (uint64_t s = SequenceOf(from);
       s <= last_.sequence && (LocationAt(s, 0) < to || !reader.at_boundary());) {
    const uint64_t to_end = std::max(SequenceOf(to - 1), s) + 1 - s;
    const uint64_t wanted =
        std::min({to_end, last_.sequence + 1 - s, uint64_t{bytes_max} / kPagePayloadBytes + 1,
                  kReadChunkPages});
    CO_RETURN_IF_ERROR(co_await ReadPages(s, wanted, &reader, &out));
    s += wanted;
    for (; counted < out.size(); ++counted) bytes += out[counted].bytes.size();
    if (reader.done() || (bytes >= bytes_max && counted > 0)) break;
  }
  co_return out;
}

Task<absl::Status> DiskQueue::ReadPages(uint64_t sequence, uint64_t count, EntryReader* reader,
                                        std::vector<QueueEntry>* out) {
  while (count > 0) {
    if (sequence < pages_.begin()) co_return Error(ErrorCode::invalid_argument, "popped meanwhile");
    const SlotRun run = pages_.Find(sequence, count);
    CO_ASSIGN_OR_RETURN(const Buffer bytes,
                        co_await file_->Read(run.first * kPageBytes,
                                             static_cast<uint32_t>(run.count * kPageBytes)));
    if (sequence < pages_.begin()) co_return Error(ErrorCode::invalid_argument, "popped meanwhile");
    for (uint64_t i = 0; i < run.count; ++i, ++sequence, --count) {
      const std::string_view page =
          i * kPageBytes < bytes.size() ? bytes.view().substr(i * kPageBytes, kPageBytes) : "";
      const auto header = DecodePage(page, queue_id_, run.first + i);
      if (!header.has_value() || header->sequence != sequence) {
        co_return Error(ErrorCode::file_corrupt, path_ + ": page " + std::to_string(sequence) +
                                                     " at offset " +
                                                     std::to_string((run.first + i) * kPageBytes) +
                                                     " was synced and is damaged or lost");
      }
      CO_RETURN_IF_ERROR(
          reader->Feed(sequence, page.substr(kPageHeaderBytes, header->payload_bytes), *out));
      if (reader->done()) co_return absl::OkStatus();
    }
  }
  co_return absl::OkStatus();
}

}  // namespace orrery
