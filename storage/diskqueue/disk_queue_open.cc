// Making a queue, and opening one: reading its pages, then making what is above D durable again.
#include <algorithm>
#include <utility>

#include "core/base/invariant.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/diskqueue/disk_queue.h"
#include "storage/diskqueue/recover_pages.h"

namespace orrery {
namespace {

constexpr uint64_t kScanChunkPages = 256;
constexpr uint64_t kSlotsMin = 16;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

// The steps of Open. Its state is what they hand on to each other.
class DiskQueueOpener {
 public:
  explicit DiskQueueOpener(DiskQueue* queue) : queue_(*queue) {}

  Task<absl::Status> Run() {
    CO_ASSIGN_OR_RETURN(const uint64_t bytes, co_await queue_.file_->Size());
    queue_.slot_count_ = bytes / kPageBytes;
    CO_RETURN_IF_ERROR(co_await Scan());
    CO_ASSIGN_OR_RETURN(pages_, RecoverPages(std::move(valid_), queue_.path_));
    CO_RETURN_IF_ERROR(co_await ReadTail());
    TakeOver();
    CO_RETURN_IF_ERROR(co_await Rewrite());
    co_return absl::OkStatus();
  }

 private:
  // Decodes every slot into valid_. A slot that cannot be read may hold a page of the last group,
  // which nothing else tells of: to take it for none would cut what was acknowledged.
  Task<absl::Status> Scan() {
    for (uint64_t slot = 1; slot < queue_.slot_count_;) {
      const uint64_t count = std::min(kScanChunkPages, queue_.slot_count_ - slot);
      auto chunk =
          co_await queue_.file_->Read(slot * kPageBytes, static_cast<uint32_t>(count * kPageBytes));
      if (!chunk.ok() && CodeOf(chunk.status()) != ErrorCode::io_error) co_return chunk.status();
      for (uint64_t i = 0; i < count; ++i, ++slot) {
        if (chunk.ok()) {
          Decode(chunk->view().substr(std::min(i * kPageBytes, chunk->size()), kPageBytes), slot);
          continue;
        }
        auto page = co_await queue_.file_->Read(slot * kPageBytes, kPageBytes);
        if (!page.ok()) {
          PROBE(queue_.env_, "diskqueue.unreadable_slot");
          co_return Error(CodeOf(page.status()),
                          queue_.path_ + ": the page at offset " +
                              std::to_string(slot * kPageBytes) +
                              " cannot be read, so it is not known where the queue ends");
        }
        Decode(page->view(), slot);
      }
    }
    co_return absl::OkStatus();
  }

  void Decode(std::string_view bytes, uint64_t slot) {
    if (const auto page = DecodePage(bytes, queue_.queue_id_, slot)) valid_.push_back(*page);
  }

  // Reads the tail's payloads and cuts it after its last whole entry.
  Task<absl::Status> ReadTail() {
    const Location start = LocationAt(pages_.synced_sequence + 1, 0);
    EntryReader reader(start, UINT64_MAX);
    std::vector<QueueEntry> entries;
    Location end = start;
    for (const PageHeader& header : pages_.tail) {
      CO_ASSIGN_OR_RETURN(const Buffer bytes,
                          co_await queue_.file_->Read(header.slot * kPageBytes, kPageBytes));
      const auto again = DecodePage(bytes.view(), queue_.queue_id_, header.slot);
      if (!again.has_value() || *again != header) {
        co_return Error(ErrorCode::io_error, queue_.path_ + ": the page at offset " +
                                                 std::to_string(header.slot * kPageBytes) +
                                                 " changed while it was read");
      }
      const std::string_view payload = bytes.view().substr(kPageHeaderBytes, header.payload_bytes);
      CO_RETURN_IF_ERROR(reader.Feed(header.sequence, payload, entries));
      if (!entries.empty()) end = entries.back().end;
      for (QueueEntry& entry : entries) tail_entries_.push_back(std::move(entry.bytes));
      entries.clear();
    }
    if (!reader.at_boundary()) PROBE(queue_.env_, "diskqueue.cut_inside_an_entry");
    tail_end_ = end;
    co_return absl::OkStatus();
  }

  // Sets up the maps: pages up to D are live, those of the tail are kept until they are copied, and
  // those that `begin` frees until it is durable.
  void TakeOver() {
    queue_.incarnation_ = pages_.incarnation_max + 1;
    queue_.begin_ = queue_.begin_kept_ = pages_.begin;
    queue_.last_.sequence = pages_.synced_sequence;
    queue_.last_.checksum = pages_.synced_checksum;
    queue_.last_.slot = pages_.synced_slot;
    std::vector<uint64_t> used = {0};
    for (const PageHeader& page : pages_.synced) {
      queue_.pages_.Append(page.sequence, {page.slot, 1});
      used.push_back(page.slot);
    }
    for (const PageHeader& page : pages_.tail) used.push_back(page.slot);
    for (const PageHeader& page : pages_.freed) used.push_back(page.slot);
    if (!pages_.freed.empty()) PROBE(queue_.env_, "diskqueue.begin_not_yet_durable");
    std::sort(used.begin(), used.end());
    used.push_back(queue_.slot_count_);
    for (size_t i = 0; i + 1 < used.size(); ++i) {
      queue_.slots_.Free({used[i] + 1, used[i + 1] - used[i] - 1});
    }
  }

  // Copies the tail, then establishes this incarnation. Nothing was reported before.
  Task<absl::Status> Rewrite() {
    EntryPacker copies;
    const uint64_t first = pages_.synced_sequence + 1;
    for (const Buffer& entry : tail_entries_) copies.Push(entry.view(), first);
    // The tail is one group, so packing its entries again gives them the same locations.
    INVARIANT(copies.page_count() == 0 || LocationAt(first + copies.page_count() - 1,
                                                     copies.payload_bytes().back()) == tail_end_,
              first, copies.page_count(), tail_end_);
    const uint64_t needed = copies.page_count() + 1;
    if (queue_.slots_.free_count() < needed) {
      queue_.room_pages_ = needed;
      CO_RETURN_IF_ERROR(co_await queue_.Grow());
      queue_.room_pages_ = 0;
    }
    if (copies.page_count() > 0) {
      PROBE(queue_.env_, "diskqueue.tail_rewritten");
      CO_RETURN_IF_ERROR(co_await Write(copies, PageKind::kCopy));
    }
    EntryPacker marker;
    marker.AddEmptyPage();
    CO_RETURN_IF_ERROR(co_await Write(marker, PageKind::kData));
    for (const PageHeader& page : pages_.tail) queue_.slots_.Free({page.slot, 1});
    for (const PageHeader& page : pages_.freed) queue_.slots_.Free({page.slot, 1});
    queue_.next_sequence_ = queue_.last_.sequence + 1;
    queue_.wanted_ = queue_.last_.sequence;
    co_return absl::OkStatus();
  }

  Task<absl::Status> Write(const EntryPacker& group, PageKind kind) {
    const std::vector<SlotRun> slots = queue_.slots_.Take(group.page_count());
    PageHeader last = queue_.last_;
    Buffer pages = queue_.Seal(group, kind, slots, last);
    CO_RETURN_IF_ERROR(co_await queue_.WritePages(std::move(pages), slots));
    queue_.OnDurable(last, queue_.begin_, slots, group.page_count());
    co_return absl::OkStatus();
  }

  DiskQueue& queue_;
  std::vector<PageHeader> valid_;
  RecoveredPages pages_;
  std::vector<Buffer> tail_entries_;
  Location tail_end_ = 0;
};

Task<absl::Status> DiskQueue::Create(Env& env, std::string path, StoreIdentity identity) {
  const DiskQueueKnobs& knobs = env.knobs().Get<DiskQueueKnobs>();
  auto existing = co_await env.files().Open(path, OpenMode::kExisting);
  if (existing.ok()) co_return Error(ErrorCode::file_exists, path);
  if (CodeOf(existing.status()) != ErrorCode::file_not_found) co_return existing.status();

  const std::string unfinished = path + ".new";
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env.files().Open(unfinished, OpenMode::kCreate));
  CO_RETURN_IF_ERROR(co_await file->Truncate(0));
  FileHeader header;
  header.magic = kMagic;
  header.written_by = header.minimum_reader = kFormat;
  header.identity = identity;
  header.parameter = env.random("diskqueue.id").Next();
  const uint64_t slots =
      std::max(kSlotsMin, static_cast<uint64_t>(knobs.disk_queue_initial_bytes) / kPageBytes);
  std::string start = EncodeFileHeader(header);
  start.resize(2 * kPageBytes, '\0');
  PageHeader first;
  first.slot = first.sequence = first.incarnation = 1;
  first.begin = LocationAt(1, 0);
  SealPage(first, header.parameter, start.data() + kPageBytes);
  CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(start)));
  const Buffer zeros = Buffer::Copy(std::string(kScanChunkPages * kPageBytes, '\0'));
  for (uint64_t slot = 2; slot < slots;) {
    const uint64_t count = std::min(kScanChunkPages, slots - slot);
    CO_RETURN_IF_ERROR(co_await file->Write(slot * kPageBytes, zeros.Slice(0, count * kPageBytes)));
    slot += count;
  }
  CO_RETURN_IF_ERROR(co_await file->Sync());
  CO_RETURN_IF_ERROR(co_await env.files().Rename(unfinished, path));
  co_return co_await env.files().SyncDirectory(ParentOf(path));
}

Task<absl::StatusOr<std::unique_ptr<DiskQueue>>> DiskQueue::Open(Env& env, std::string path,
                                                                 StoreIdentity identity) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                      co_await env.files().Open(path, OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(const Buffer start, co_await file->Read(0, kFileHeaderBytes));
  CO_ASSIGN_OR_RETURN(const FileHeader header,
                      DecodeFileHeader(start.view(), kMagic, kFormat, identity, path));
  // A Create that failed in its last step may have left a name that is not durable.
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(ParentOf(path)));
  const DiskQueueKnobs& knobs = env.knobs().Get<DiskQueueKnobs>();
  std::unique_ptr<DiskQueue> queue(
      new DiskQueue(env, knobs, std::move(path), std::move(file), header.parameter));
  DiskQueueOpener opener(queue.get());
  CO_RETURN_IF_ERROR(co_await opener.Run());
  queue->group_.Spawn("diskqueue.write", queue->WriteLoop());
  co_return queue;
}

}  // namespace orrery
