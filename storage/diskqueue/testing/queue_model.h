// What a queue must hold after any crash, and a random life of a queue that is checked against it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/random.h"
#include "storage/diskqueue/disk_queue.h"

namespace orrery {

struct QueueModel {
  struct Entry {
    Location location;
    std::string bytes;
    Location popped;  // The greatest Pop before it was pushed: durable no later than the entry.
  };

  std::vector<Entry> entries;   // Pushed, in order; what a crash cut is taken out.
  Location committed = 0;       // Every entry before it was acknowledged.
  Location popped = 0;          // Greatest Pop.
  Location popped_durable = 0;  // Greatest Pop that must have survived.
  uint64_t lives = 0;           // Times it was opened.
  uint64_t cuts = 0;            // Entries that crashes took.
  uint64_t acknowledged = 0;    // Commits.
  uint64_t pops = 0;
  uint64_t full = 0;  // Times Push had no room and MakeRoom made none.
  uint64_t pushed_bytes = 0;
  uint64_t file_bytes = 0;
  bool damaged = false;  // Somebody damages what was synced.
  std::string wrong;     // The first thing that was not as it must be.

  void Expect(bool right, const std::string& what) {
    if (!right && wrong.empty()) wrong = "life " + std::to_string(lives) + ": " + what;
  }
  std::vector<Entry>::iterator At(Location location) {
    return std::lower_bound(entries.begin(), entries.end(), location,
                            [](const Entry& e, Location l) { return e.location < l; });
  }
};

// One incarnation of the user of a queue.
class QueueUser {
 public:
  // REQUIRES: all outlive it.
  QueueUser(Env& env, QueueModel& model, uint64_t seed)
      : env_(env), model_(model), random_(seed), commits_(env.executor(), [this](auto, auto s) {
          if (failed_.ok()) failed_ = s;
        }) {}

  // Whether the file is kept as full as it can be, so that slots are used again as soon as they
  // may.
  bool full_ring = false;

  // Opens the queue, checks it, then does `steps` operations. The first error ends it.
  Task<absl::Status> Run(uint64_t steps) {
    auto opened = co_await DiskQueue::Open(env_, "queue", {});
    if (CodeOf(opened.status()) == ErrorCode::file_not_found) {
      model_.Expect(model_.committed == 0, "the queue's file is gone");
      CO_RETURN_IF_ERROR(co_await DiskQueue::Create(env_, "queue", {}));
      opened = co_await DiskQueue::Open(env_, "queue", {});
    }
    if (!model_.damaged) {
      model_.Expect(CodeOf(opened.status()) != ErrorCode::file_corrupt, Describe(opened.status()));
    }
    CO_ASSIGN_OR_RETURN(queue_, std::move(opened));
    ++model_.lives;
    CO_RETURN_IF_ERROR(co_await Check());
    for (; steps > 0 && failed_.ok() && model_.wrong.empty(); --steps) {
      CO_RETURN_IF_ERROR(full_ring ? co_await FillAndPop() : co_await Step());
      model_.file_bytes = queue_->file_bytes();
    }
    co_await commits_.Join();
    co_return failed_;
  }

  // Compares the whole queue, which was just opened. What was not acknowledged and is not there is
  // taken out of the model: it must never come back.
  Task<absl::Status> Check() {
    model_.Expect(queue_->begin() <= std::max(model_.popped, LocationAt(1, 0)), "begin too late");
    model_.Expect(queue_->begin() >= model_.popped_durable, "a durable pop was undone");
    model_.popped = queue_->begin();  // A pop that was not durable may be undone.
    auto expected = model_.At(queue_->begin());
    Location from = queue_->begin();
    while (true) {
      const auto bytes_max = static_cast<uint32_t>(random_.Between(1, 9000));
      CO_ASSIGN_OR_RETURN(const std::vector<QueueEntry> some,
                          co_await queue_->Read(from, queue_->durable_end(), bytes_max));
      if (some.empty()) break;
      for (const QueueEntry& entry : some) {
        const bool same = expected != model_.entries.end() &&
                          expected->bytes == entry.bytes.view() &&
                          expected->location == entry.location;
        model_.Expect(same, "the entry at " + std::to_string(entry.location) + " was not pushed");
        if (!same) co_return absl::OkStatus();
        ++expected;
      }
      from = some.back().end;
    }
    model_.Expect(expected == model_.entries.end() || expected->location >= model_.committed,
                  "an acknowledged entry is lost");
    model_.cuts += static_cast<uint64_t>(model_.entries.end() - expected);
    model_.entries.erase(expected, model_.entries.end());
    co_return absl::OkStatus();
  }

 private:
  Task<absl::Status> Step() {
    switch (random_.Below(10)) {
      case 0:
        co_return Pop();
      case 1:
      case 2:
        if (commits_.size() < 20) commits_.Spawn("commit", Commit());
        co_return absl::OkStatus();
      case 3:
        co_await Sleep(env_.clock(), Microseconds(random_.Between(0, 1500)));
        co_return absl::OkStatus();
      case 4:
        co_return co_await ReadSome();
      default:
        co_return co_await Push();
    }
  }

  Task<absl::Status> Push() {
    const uint64_t size = random_.Below(random_.Chance(OneIn(20)) ? 20000 : 300);
    std::string bytes = std::to_string(random_.Next());
    bytes.resize(std::max<size_t>(size, bytes.size()), static_cast<char>(random_.Next()));
    auto location = queue_->Push(bytes);
    if (CodeOf(location.status()) == ErrorCode::disk_full) {
      const absl::Status room = co_await queue_->MakeRoom(bytes.size());
      if (CodeOf(room) == ErrorCode::disk_full) {
        ++model_.full;
        CO_RETURN_IF_ERROR(co_await Commit());
        co_return Pop();
      }
      co_return room;
    }
    CO_RETURN_IF_ERROR(location.status());
    model_.pushed_bytes += bytes.size();
    model_.entries.push_back({*location, std::move(bytes), model_.popped});
    co_return absl::OkStatus();
  }

  // Fills the file group by group, pops nearly all while the last one is being written, and asks
  // for all the room there is then: its pages reach the slots that the pop may have freed.
  Task<absl::Status> FillAndPop() {
    while (queue_->RoomBytes() > 0) {
      CO_RETURN_IF_ERROR(Append(random_.Below(queue_->RoomBytes() + 1)));
      if (queue_->RoomBytes() == 0) break;
      CO_RETURN_IF_ERROR(co_await Commit());
    }
    ++model_.full;
    commits_.Spawn("commit", Commit());
    co_await Sleep(env_.clock(), Microseconds(random_.Between(0, 300)));
    CO_RETURN_IF_ERROR(PopTo(model_.At(model_.committed)));
    co_await commits_.Join();
    CO_RETURN_IF_ERROR(failed_);
    if (queue_->RoomBytes() == 0) CO_RETURN_IF_ERROR(co_await queue_->MakeRoom(10'000));
    CO_RETURN_IF_ERROR(Append(queue_->RoomBytes()));
    co_return co_await Commit();
  }

  absl::Status Append(uint64_t size) {
    std::string bytes = std::to_string(random_.Next());
    bytes.resize(std::max<size_t>(size, bytes.size()), static_cast<char>(random_.Next()));
    ASSIGN_OR_RETURN(const Location location, queue_->Push(bytes));
    model_.pushed_bytes += bytes.size();
    model_.entries.push_back({location, std::move(bytes), model_.popped});
    return absl::OkStatus();
  }

  absl::Status Pop() {
    const auto begin = model_.At(queue_->begin());
    const auto end = model_.At(model_.committed);
    if (begin >= end) return absl::OkStatus();
    return PopTo(begin +
                 static_cast<int64_t>(random_.Below(static_cast<uint64_t>(end - begin)) + 1));
  }

  // Pops the entries before the one before `end`.
  absl::Status PopTo(std::vector<QueueModel::Entry>::iterator end) {
    if (end == model_.entries.begin()) return absl::OkStatus();
    const auto to = end - 1;
    ++model_.pops;
    model_.popped = std::max(model_.popped, to->location);
    return queue_->Pop(to->location);
  }

  Task<absl::Status> Commit() {
    if (model_.entries.empty()) co_return absl::OkStatus();
    const Location through = model_.entries.back().location;
    const Location popped = model_.entries.back().popped;
    CO_RETURN_IF_ERROR(co_await queue_->Commit());
    model_.committed = std::max(model_.committed, through + 1);
    model_.popped_durable = std::max(model_.popped_durable, popped);
    ++model_.acknowledged;
    co_return absl::OkStatus();
  }

  // One committed entry, from its location alone.
  Task<absl::Status> ReadSome() {
    const auto begin = model_.At(queue_->begin());
    const auto end = model_.At(model_.committed);
    if (begin >= end) co_return absl::OkStatus();
    const auto at = begin + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(end - begin)));
    const QueueModel::Entry entry = *at;
    CO_ASSIGN_OR_RETURN(const std::vector<QueueEntry> read,
                        co_await queue_->Read(entry.location, entry.location + 1, 100));
    model_.Expect(read.size() == 1 && read[0].bytes.view() == entry.bytes,
                  "the entry at " + std::to_string(entry.location) + " reads differently");
    co_return absl::OkStatus();
  }

  Env& env_;
  QueueModel& model_;
  Random random_;
  absl::Status failed_;
  std::unique_ptr<DiskQueue> queue_;
  TaskGroup commits_;
};

}  // namespace orrery
