// DiskQueue: an append-only queue of entries in one file, durable in groups. The log of a log
// server and of the memory engine.
//
// Format
//   The file is an array of slots of 4096 bytes. Slot 0 begins with a file header (file_header.h:
//   magic, versions, whose it is; its parameter is the queue id). Every other slot holds a page
//   (page.h) or bytes that mean nothing. A page is written once, to a slot that is free, and its
//   slot is free again when a later page that says "begin is beyond it" is durable. The file is
//   written with zeros before it is used, so that a sync has no metadata to commit, and grows when
//   there is no room; it never shrinks. Entries lie in the pages' payloads (entries.h).
//
// Writing
//   One group of pages is under way at a time: what was pushed meanwhile is the next group. D, the
//   last page that is known to be durable, is stated in every page. At most the last group is above
//   the greatest D in the file.
//
// Recovery: why it is right
//   Let I be the greatest incarnation of which a kData page exists, and D, B the greatest synced
//   sequence and begin that kData pages of I state.
//   - A page at or below D is the queue's if and only if a chain of checksums leads to it from the
//     checksum of page D that the page stating D carries. A page in [B, D] that is missing, differs
//     from what was synced, or lies elsewhere is therefore found, and is corruption: it was synced.
//     It is reported with its place, and nothing is cut.
//   - A page above D is the queue's if and only if it is a kData page of I and a chain of checksums
//     leads to it from page D. The queue ends at the first hole. What lies beyond the hole was
//     never acknowledged: an acknowledged group is whole, and so are all before it.
//   - Nothing beyond a hole revives: the page that is later written at the hole's sequence has a
//     greater incarnation, so another checksum, and no stale page names it as the one before.
//   - Before the end is reported, what is above D is copied to free slots as kCopy pages of a new
//     incarnation and synced, then a kData page that states the new D is written and synced.
//     Until that page is there the new incarnation counts for nothing and the old pages, which are
//     untouched, are the queue; from then on the copies are. A crash at any point repeats it.
//   - Slots of popped pages are written again only after the begin that frees them is durable; so
//     no page that recovery could ask for is ever overwritten. When a queue is opened, what a page
//     above D says of the begin is not yet known to be durable: pages from the begin that page D
//     states stay until the kData page of the new incarnation is synced.
//   - A slot that cannot be read could hold any of these pages. The queue is not opened then, with
//     io_error and the place: the disk may read it the next time.
//   What cannot be told locally: a disk that acknowledged the last group and lost it, against a
//   crash before that group was acknowledged. Copies elsewhere tell.
//
// Errors
//   A failed write or sync ends the use of the queue: that call and every later one give the same
//   error, and nothing more is acknowledged. disk_full and overloaded change nothing and are given
//   before anything is accepted. A failed read concerns its pages only.
//
// Space
//   Push is refused with disk_full unless its pages fit twice in the free slots (a crash may ask
//   for a copy of the group) beside a reserve of kSparePages. MakeRoom frees what was popped, then
//   makes the file longer, up to disk_queue_bytes_max. The reserve lets a full queue be opened, and
//   be popped.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/future.h"
#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/env/env.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/diskqueue/entries.h"
#include "storage/diskqueue/file_header.h"
#include "storage/diskqueue/page.h"
#include "storage/diskqueue/slot_allocator.h"

namespace orrery {

class DiskQueue {
 public:
  static constexpr std::string_view kMagic = "ORRYQUEU";
  static constexpr uint32_t kFormat = 1;
  static constexpr uint64_t kSparePages = 4;

  // Makes an empty queue in the file `path`, durably; file_exists when there is one. A crash before
  // it returned leaves the whole queue or none. The directory of `path` exists.
  static Task<absl::Status> Create(Env& env, std::string path, StoreIdentity identity);

  // Opens the queue in the file `path`. The caller has a lock that keeps others out.
  // file_not_found; file_corrupt, protocol_mismatch, wrong_cluster: as in file_header.h, and
  // file_corrupt with the exact place for damage to synced pages: the file is left as it is.
  // disk_full: may be tried again. REQUIRES: `env` outlives the queue.
  static Task<absl::StatusOr<std::unique_ptr<DiskQueue>>> Open(Env& env, std::string path,
                                                               StoreIdentity identity);

  DiskQueue(const DiskQueue&) = delete;
  DiskQueue& operator=(const DiskQueue&) = delete;
  // Waiting calls of Commit and MakeRoom get broken_promise; entries that were not committed may
  // be there or not when it is opened again. REQUIRES: no call of Read is under way.
  ~DiskQueue();

  // Entries from begin() are kept; those before durable_end() are durable.
  Location begin() const { return begin_; }
  Location durable_end() const { return LocationAt(last_.sequence + 1, 0); }

  // Appends an entry, which Commit makes durable, and gives its location. Nothing is accepted on
  // an error: disk_full (see MakeRoom), overloaded (too much is pending), message_too_large (above
  // kQueueEntryBytesMax), or the error that ended the queue.
  absl::StatusOr<Location> Push(std::string_view entry);

  // Ok once every entry pushed before the call is durable. Cancel-safe: the entries are written all
  // the same.
  Task<absl::Status> Commit();

  // Entries before `to` are not needed any more; their space is used again after a later group is
  // durable. After a crash they may be back. `to` is the location or the end of a durable entry, or
  // durable_end(); less than begin() has no effect. invalid_argument beyond the durable end.
  absl::Status Pop(Location to);

  // Entries that begin in [from, to), durable ones only: at least one if there is any, about
  // `bytes_max` bytes at a time; go on from the last one's `end`. `from` is as for Pop.
  // invalid_argument for a range outside of [begin(), durable_end()]; io_error or file_corrupt for
  // pages that cannot be read: others can be. Cancel-safe.
  Task<absl::StatusOr<std::vector<QueueEntry>>> Read(Location from, Location to,
                                                     uint32_t bytes_max);

  // Ok at once when entries of `bytes` bytes would be accepted by Push; otherwise makes room first.
  // disk_full when it cannot. Holds nothing: other calls of Push take from the same room.
  Task<absl::Status> MakeRoom(uint64_t bytes);

  // Bytes that one entry may have and be accepted now.
  uint64_t RoomBytes() const;

  uint64_t file_bytes() const { return slot_count_ * kPageBytes; }
  uint64_t live_bytes() const;

  // Ok while the queue is in use; else what ended it.
  const absl::Status& status() const { return failed_; }

 private:
  friend class DiskQueueOpener;

  struct Waiting {
    uint64_t sequence;
    Promise<absl::Status> promise;
  };

  DiskQueue(Env& env, const DiskQueueKnobs& knobs, std::string path, std::unique_ptr<File> file,
            uint64_t queue_id);

  Task<absl::Status> WriteLoop();
  Task<absl::Status> WriteGroup();
  Task<absl::Status> TryMakeRoom();
  Task<absl::Status> Grow();
  Task<absl::Status> WritePages(Buffer pages, std::vector<SlotRun> slots);
  Buffer Seal(const EntryPacker& group, PageKind kind, const std::vector<SlotRun>& slots,
              PageHeader& last) const;
  void OnDurable(const PageHeader& last, Location begin_stated, const std::vector<SlotRun>& slots,
                 uint64_t pages);
  void Fail(absl::Status status);
  void AnswerRoom(const absl::Status& status);
  bool PagesFit(uint64_t pages) const { return slots_.free_count() >= 2 * pages + kSparePages; }
  Task<absl::Status> ReadPages(uint64_t sequence, uint64_t count, EntryReader* reader,
                               std::vector<QueueEntry>* out);

  Env& env_;
  const DiskQueueKnobs& knobs_;
  const std::string path_;
  const std::unique_ptr<File> file_;
  const uint64_t queue_id_;
  uint64_t incarnation_ = 0;  // Of this opening.
  uint64_t slot_count_ = 0;   // Of the file, slot 0 included.

  SlotAllocator slots_;
  SlotMap pages_;            // Durable pages whose slots are not free.
  PageHeader last_;          // The last durable page: D.
  Location begin_ = 0;       // As popped.
  Location begin_kept_ = 0;  // As stated by a durable page.

  EntryPacker pending_;
  uint64_t next_sequence_ = 0;  // Of the first page of `pending_`.
  uint64_t wanted_ = 0;         // Commit was asked for through this sequence.
  std::deque<Waiting> waiting_;
  std::vector<Promise<absl::Status>> room_waiting_;
  uint64_t room_pages_ = 0;  // The most that those who wait for room need.
  absl::Status failed_;
  Notify work_;
  TaskGroup group_;
};

}  // namespace orrery
