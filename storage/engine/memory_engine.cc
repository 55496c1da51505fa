// See memory_engine.h for the files and why recovery is right.
#include "storage/engine/memory_engine.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "core/async/task_group.h"
#include "core/base/fixed.h"
#include "core/base/invariant.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/diskqueue/disk_queue.h"
#include "storage/engine/memory_engine_knobs.h"
#include "storage/engine/row_map.h"
#include "storage/engine/snapshot.h"

namespace orrery {
namespace {

constexpr std::string_view kMagic = "ORRYMEMO";
constexpr uint32_t kFormat = 1;
constexpr size_t kVersionBytes = 8;
constexpr uint32_t kReplayBytes = 1 << 20;
constexpr uint64_t kScanBytesMax = 1 << 30;

class MemoryEngine final : public Engine {
 public:
  MemoryEngine(Env& env, std::string directory, StoreIdentity identity)
      : env_(env),
        knobs_(env.knobs().Get<MemoryEngineKnobs>()),
        directory_(std::move(directory)),
        identity_(identity),
        group_(env.executor(), [this](std::string_view, absl::Status s) { Fail(std::move(s)); }) {}

  // The directory's lock, then the snapshot, then the log.
  Task<absl::Status> Open();

  Task<absl::Status> Commit(Version version, WriteBatch batch) override;
  Version durable_version() const override { return version_; }
  Version oldest_readable_version() const override { return version_; }
  Task<absl::StatusOr<std::optional<std::string>>> Get(Key key, Version version) override;
  Task<absl::StatusOr<ScanResult>> Scan(KeyRange range, Version version, ScanLimit limit,
                                        bool reverse) override;
  bool GetNow(KeyRef key, Version version, std::optional<std::string_view>& value) override;
  bool ScanNow(KeyRangeRef range, Version version, bool reverse,
               absl::FunctionRef<bool(KeyRef, std::string_view)> visit) override;
  uint64_t bytes() const override { return rows_.bytes(); }

 private:
  struct Pending {
    Location location;
    Version version;
    WriteBatch batch;
  };

  Task<absl::Status> Load();
  Task<absl::Status> Replay(Location from);
  absl::Status Apply(std::string_view batch);
  absl::Status ApplyDurable();
  absl::Status CheckReadable(Version version) const;
  void Fail(absl::Status status) {
    if (failed_.ok()) failed_ = std::move(status);
  }
  std::string PathOf(const char* name) const { return directory_ + "/" + name; }
  void MaybeBeginSnapshot();
  void BeginSnapshot();
  Task<absl::Status> WriteSnapshot();
  Task<absl::Status> WritePieces(SnapshotWriter* writer, Version base_version);

  Env& env_;
  const MemoryEngineKnobs& knobs_;
  const std::string directory_;
  const StoreIdentity identity_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<DiskQueue> log_;
  RowMap rows_;
  Version version_ = kInvalidVersion;         // Of rows_.
  Version version_pushed_ = kInvalidVersion;  // Of the last commit given to the log.
  std::deque<Pending> pending_;               // In the log, not in rows_.
  bool in_snapshot_ = false;
  uint64_t snapshot_not_before_bytes_ = 0;  // Of log: after a snapshot that found no space.
  absl::Status failed_;
  TaskGroup group_;
};

Task<absl::Status> MemoryEngine::Open() {
  CO_ASSIGN_OR_RETURN(lock_, co_await env_.files().Lock(PathOf("lock")));
  auto log = co_await DiskQueue::Open(env_, PathOf("log"), identity_);
  if (CodeOf(log.status()) == ErrorCode::file_not_found) {
    co_return Error(ErrorCode::file_corrupt, PathOf("log") + ": is missing");
  }
  CO_ASSIGN_OR_RETURN(log_, std::move(log));
  CO_RETURN_IF_ERROR(co_await Load());
  version_pushed_ = version_;
  MaybeBeginSnapshot();
  co_return absl::OkStatus();
}

Task<absl::Status> MemoryEngine::Load() {
  auto read = co_await ReadSnapshot(env_, PathOf("snapshot"), identity_);
  if (CodeOf(read.status()) == ErrorCode::file_not_found) {
    if (log_->begin() > LocationAt(1, 0)) {
      co_return Error(ErrorCode::file_corrupt,
                      PathOf("snapshot") + ": is missing, and the log no longer reaches back to " +
                          "the beginning");
    }
    co_return co_await Replay(log_->begin());
  }
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<Snapshot> snapshot, std::move(read));
  if (snapshot->replay_from < log_->begin() || snapshot->replay_from > log_->durable_end()) {
    co_return Error(ErrorCode::file_corrupt,
                    PathOf("snapshot") + ": asks for the log from " +
                        std::to_string(snapshot->replay_from) + ", which reaches from " +
                        std::to_string(log_->begin()) + " to " +
                        std::to_string(log_->durable_end()) + ": one of them is an old copy");
  }
  rows_ = std::move(snapshot->rows);
  version_ = snapshot->base_version;
  CO_RETURN_IF_ERROR(co_await Replay(snapshot->replay_from));
  if (version_ < snapshot->version) {
    co_return Error(ErrorCode::file_corrupt,
                    PathOf("log") + ": ends at version " + std::to_string(version_) +
                        ", and the snapshot has seen version " + std::to_string(snapshot->version));
  }
  // Should the log be popped before the next snapshot is begun: nothing before this is needed.
  co_return log_->Pop(snapshot->replay_from);
}

Task<absl::Status> MemoryEngine::Replay(Location from) {
  while (true) {
    CO_ASSIGN_OR_RETURN(const std::vector<QueueEntry> entries,
                        co_await log_->Read(from, log_->durable_end(), kReplayBytes));
    if (entries.empty()) co_return absl::OkStatus();
    for (const QueueEntry& entry : entries) {
      const Version version = entry.bytes.size() < kVersionBytes
                                  ? kInvalidVersion
                                  : static_cast<Version>(GetFixed<uint64_t>(entry.bytes.data()));
      if (version <= version_) {
        co_return Error(ErrorCode::file_corrupt, PathOf("log") + ": the entry at location " +
                                                     std::to_string(entry.location) +
                                                     " has version " + std::to_string(version) +
                                                     " after " + std::to_string(version_));
      }
      CO_RETURN_IF_ERROR(Apply(entry.bytes.view().substr(kVersionBytes)));
      version_ = version;
    }
    from = entries.back().end;
  }
}

absl::Status MemoryEngine::Apply(std::string_view batch) {
  return WriteBatch::ForEach(
      batch, [this](KeyRef key, std::string_view value) { rows_.Set(key, value); },
      [this](KeyRangeRef range) { rows_.Clear(range); });
}

absl::Status MemoryEngine::ApplyDurable() {
  while (!pending_.empty() && pending_.front().location < log_->durable_end()) {
    RETURN_IF_ERROR(Apply(pending_.front().batch.bytes()));
    version_ = pending_.front().version;
    pending_.pop_front();
  }
  return absl::OkStatus();
}

Task<absl::Status> MemoryEngine::Commit(Version version, WriteBatch batch) {
  CO_RETURN_IF_ERROR(failed_);
  INVARIANT(version > version_pushed_, version, version_pushed_);
  std::string entry;
  entry.reserve(kVersionBytes + batch.bytes().size());
  AppendFixed(entry, static_cast<uint64_t>(version));
  entry += batch.bytes();
  if (entry.size() > kQueueEntryBytesMax) co_return Error(ErrorCode::message_too_large);

  const absl::Status room = co_await log_->MakeRoom(entry.size());
  if (!room.ok()) {
    if (CodeOf(room) == ErrorCode::disk_full) {
      PROBE(env_, "memory_engine.log_full");
      if (!in_snapshot_) BeginSnapshot();  // Its end gives back the log's space.
    } else {
      Fail(room);
    }
    co_return room;
  }
  auto location = log_->Push(entry);
  if (!location.ok()) {
    Fail(location.status());
    co_return location.status();
  }
  version_pushed_ = version;
  pending_.push_back({*location, version, std::move(batch)});
  absl::Status status = co_await log_->Commit();
  if (status.ok()) status = ApplyDurable();
  if (!status.ok()) {
    Fail(status);
    co_return status;
  }
  MaybeBeginSnapshot();
  co_return absl::OkStatus();
}

absl::Status MemoryEngine::CheckReadable(Version version) const {
  RETURN_IF_ERROR(failed_);
  return version < version_ ? Error(ErrorCode::transaction_too_old) : absl::OkStatus();
}

Task<absl::StatusOr<std::optional<std::string>>> MemoryEngine::Get(Key key, Version version) {
  CO_RETURN_IF_ERROR(CheckReadable(version));
  const std::optional<std::string_view> value = rows_.Find(key);
  if (!value.has_value()) co_return std::optional<std::string>();
  co_return std::optional<std::string>(*value);
}

Task<absl::StatusOr<ScanResult>> MemoryEngine::Scan(KeyRange range, Version version,
                                                    ScanLimit limit, bool reverse) {
  CO_RETURN_IF_ERROR(CheckReadable(version));
  ScanResult result;
  if (limit.rows == 0) co_return result;
  const uint64_t bytes_max = std::min(limit.bytes, kScanBytesMax);
  rows_.Scan(range, reverse, [&](KeyRef key, std::string_view value) {
    if (result.rows.size() >= limit.rows ||
        (!result.rows.empty() && result.rows.bytes() >= bytes_max)) {
      result.more = true;
      return false;
    }
    result.rows.Add(key, value);
    return true;
  });
  co_return result;
}

bool MemoryEngine::GetNow(KeyRef key, Version version, std::optional<std::string_view>& value) {
  if (!failed_.ok() || version < version_) return false;
  value = rows_.Find(key);
  return true;
}

bool MemoryEngine::ScanNow(KeyRangeRef range, Version version, bool reverse,
                           absl::FunctionRef<bool(KeyRef, std::string_view)> visit) {
  if (!failed_.ok() || version < version_) return false;
  rows_.Scan(range, reverse, visit);
  return true;
}

void MemoryEngine::MaybeBeginSnapshot() {
  const uint64_t log_bytes = log_->live_bytes();
  const uint64_t least = std::max({static_cast<uint64_t>(knobs_.memory_engine_log_bytes_min),
                                   rows_.bytes(), snapshot_not_before_bytes_});
  if (!in_snapshot_ && log_bytes > least) BeginSnapshot();
}

void MemoryEngine::BeginSnapshot() {
  in_snapshot_ = true;
  group_.Spawn("memory_engine.snapshot", WriteSnapshot(), Priority::kLow);
}

Task<absl::Status> MemoryEngine::WriteSnapshot() {
  const Location replay_from = pending_.empty()
                                   ? log_->durable_end()
                                   : std::min(pending_.front().location, log_->durable_end());
  const Version base_version = version_;
  absl::Status status;
  {
    auto writer = co_await SnapshotWriter::Begin(env_, PathOf("snapshot"), identity_, replay_from);
    status = writer.ok() ? co_await WritePieces(writer->get(), base_version) : writer.status();
  }
  in_snapshot_ = false;
  if (CodeOf(status) == ErrorCode::disk_full) {
    // The unfinished file would hold space that the log may need. If it stays, the next snapshot
    // uses it: nothing hangs on this Delete.
    (void)co_await env_.files().Delete(PathOf("snapshot.new"));
    snapshot_not_before_bytes_ = log_->live_bytes() * 2;
    if (auto e = env_.trace().Warn("MemoryEngineSnapshotNoSpace")) e.Add("path", directory_);
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(status);
  snapshot_not_before_bytes_ = 0;
  PROBE(env_, "memory_engine.snapshot_done");
  co_return log_->Pop(replay_from);
}

Task<absl::Status> MemoryEngine::WritePieces(SnapshotWriter* writer, Version base_version) {
  const auto piece_bytes = static_cast<size_t>(knobs_.memory_engine_snapshot_piece_bytes);
  Key cursor;
  bool first = true;
  for (bool more = true; more;) {
    WriteBatch piece;
    more = false;
    rows_.ScanFrom(cursor, [&](KeyRef key, std::string_view value) {
      if (piece.bytes().size() >= piece_bytes) {
        cursor = key;
        more = true;
        return false;
      }
      piece.Set(key, value);
      return true;
    });
    if (piece.empty()) break;
    CO_RETURN_IF_ERROR(co_await writer->Add(std::exchange(first, false) ? base_version : version_,
                                            std::move(piece)));
  }
  CO_RETURN_IF_ERROR(co_await writer->Add(first ? base_version : version_, {}));
  co_return co_await writer->Finish();
}

}  // namespace

Task<absl::Status> CreateMemoryEngine(Env& env, std::string directory, StoreIdentity identity) {
  const std::string format = directory + "/format";
  const size_t slash = directory.rfind('/');
  CO_RETURN_IF_ERROR(co_await env.files().CreateDirectory(directory));
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(
      slash == std::string::npos ? "" : directory.substr(0, slash)));
  CO_ASSIGN_OR_RETURN(const auto lock, co_await env.files().Lock(directory + "/lock"));
  auto existing = co_await env.files().Open(format, OpenMode::kExisting);
  if (existing.ok()) co_return Error(ErrorCode::file_exists, format);
  if (CodeOf(existing.status()) != ErrorCode::file_not_found) co_return existing.status();

  // What an earlier attempt left.
  const absl::Status removed = co_await env.files().Delete(directory + "/log");
  if (!removed.ok() && CodeOf(removed) != ErrorCode::file_not_found) co_return removed;
  CO_RETURN_IF_ERROR(co_await DiskQueue::Create(env, directory + "/log", identity));
  FileHeader header;
  header.magic = kMagic;
  header.written_by = header.minimum_reader = kFormat;
  header.identity = identity;
  CO_ASSIGN_OR_RETURN(const auto file,
                      co_await env.files().Open(format + ".new", OpenMode::kCreate));
  CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(EncodeFileHeader(header))));
  CO_RETURN_IF_ERROR(co_await file->Sync());
  CO_RETURN_IF_ERROR(co_await env.files().Rename(format + ".new", format));
  co_return co_await env.files().SyncDirectory(directory);
}

Task<absl::StatusOr<std::unique_ptr<Engine>>> OpenMemoryEngine(Env& env, std::string directory,
                                                               StoreIdentity identity) {
  const std::string format = directory + "/format";
  {
    CO_ASSIGN_OR_RETURN(const auto file, co_await env.files().Open(format, OpenMode::kExisting));
    CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await file->Read(0, kFileHeaderBytes));
    CO_RETURN_IF_ERROR(DecodeFileHeader(bytes.view(), kMagic, kFormat, identity, format).status());
  }
  auto engine = std::make_unique<MemoryEngine>(env, std::move(directory), identity);
  CO_RETURN_IF_ERROR(co_await engine->Open());
  co_return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace orrery
