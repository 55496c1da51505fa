// A recording on disk: every entry of the hash of one run, to compare another run with.
//
// Numbers are little endian; a varint is that of core/base/encoding.h. The file:
//
//   header   "ORRERYRC", version (4 bytes, 1), four zero bytes, the world's seed (8 bytes)
//   entries  in their order; after every kEntriesPerMark of them a mark
//   end      0xff, how it ended (1 byte), number of entries (8 bytes), their hash (8 bytes)
//
//   entry    happening (1 byte, 1 to 250)
//            sizes (1 byte): low half, of a: its bytes, or 9 when it equals the time in
//            nanoseconds;
//                            high half, of b: its bytes
//            varint, nanoseconds since the entry before
//            varint, entity: 0, and its 8 bytes follow, or n for the nth that was given so
//            a, b: as many bytes as the sizes say
//   mark     0xfe, the hash of all entries before it (8 bytes)
//
// An entry takes about 10 bytes. The hash is that of the timeline: it follows from seed and
// entries, so a file whose marks and end agree with its entries is what the run wrote.
//
// The file is written through shared memory, in pieces filled with zeros, and the first byte of an
// entry last: what a run that crashes or is killed had entered is in its file, whole. Such a file
// has no end; it is cut, after the last entry whose first byte is not zero. What follows its last
// mark is not checked by a hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/lookup_map.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/run/divergence.h"
#include "sim/world/timeline.h"

namespace orrery::sim {

inline constexpr uint64_t kEntriesPerMark = 4096;
// A recording that would grow beyond this ends; the run goes on.
inline constexpr uint64_t kRecordingBytesMax = uint64_t{4} << 30;
// Entities that have a number in the file; further ones stand there in full each time.
inline constexpr size_t kNumberedEntitiesMax = size_t{1} << 16;

class RecordingWriter {
 public:
  RecordingWriter() = default;
  RecordingWriter(const RecordingWriter&) = delete;
  RecordingWriter& operator=(const RecordingWriter&) = delete;
  ~RecordingWriter();  // Without Close: cut.

  // Replaces the file. platform_error names it and the reason.
  absl::Status Open(const std::string& path, uint64_t seed,
                    uint64_t bytes_max = kRecordingBytesMax);

  // REQUIRES: opened, not closed; entries come one by one, from the first on.
  void Add(const RecordedNote& note);

  // Writes the end: kComplete or kStopped, but kFull when it was full. platform_error when not all
  // could be written.
  absl::Status Close(RecordingEnd end);

 private:
  bool Reserve(size_t bytes);  // In the window; false when there is no room any more.
  void Append(std::string_view bytes);
  absl::Status CannotWrite(int error) const;

  std::string path_;
  uint64_t bytes_max_ = 0;
  int descriptor_ = -1;
  uint8_t* window_ = nullptr;  // Of the file, from window_at_ on.
  uint64_t window_at_ = 0;
  uint64_t at_ = 0;  // Bytes written.
  int error_ = 0;    // errno of what could not be written.
  bool full_ = false;
  int64_t time_ns_ = 0;
  uint64_t entries_ = 0;
  uint64_t hash_ = 0;
  LookupMap<uint64_t, uint64_t> numbers_;  // Of entities.
  std::string scratch_;                    // Of one entry.
};

// A recording that was read from beginning to end and found whole.
class RecordingFile {
 public:
  // file_not_found or platform_error; file_corrupt, in one line, for what is no recording, of
  // another version, or not what a run wrote.
  static absl::StatusOr<std::unique_ptr<RecordingFile>> Open(const std::string& path);
  RecordingFile(const RecordingFile&) = delete;
  RecordingFile& operator=(const RecordingFile&) = delete;
  ~RecordingFile();

  uint64_t seed() const { return seed_; }
  uint64_t entries() const { return entries_; }
  uint64_t hash() const { return hash_; }  // Of all of them.
  RecordingEnd end() const { return end_; }

  // Reads entry by entry, from the first on. REQUIRES: the file outlives it.
  class Cursor {
   public:
    explicit Cursor(const RecordingFile& file);
    // False after the last entry.
    bool Next(RecordedNote& note);

   private:
    friend class RecordingFile;
    enum class Found { kEntry, kEnd, kCut, kCorrupt };
    // `why` says what is corrupt.
    Found Read(RecordedNote& note, const char** why);
    Found ReadEntry(uint8_t happening, RecordedNote& note, const char** why);
    Found ReadEnd(const char** why);

    std::string_view rest_;
    std::vector<uint64_t> entities_;
    RecordedNote last_{};  // Its index, time and hash are of the entry before.
    bool marked_ = true;   // The mark that is due was read.
    RecordingEnd end_ = RecordingEnd::kCut;
  };

 private:
  RecordingFile() = default;
  absl::Status Verify(const std::string& path);

  void* data_ = nullptr;
  size_t bytes_ = 0;
  uint64_t seed_ = 0;
  uint64_t entries_ = 0;
  uint64_t hash_ = 0;
  RecordingEnd end_ = RecordingEnd::kCut;
};

}  // namespace orrery::sim
