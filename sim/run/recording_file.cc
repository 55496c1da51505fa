// Writing entries through a window on the file, reading and checking them.
#include "sim/run/recording_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "core/base/invariant.h"

namespace orrery::sim {
namespace {

constexpr std::string_view kMagic = "ORRERYRC";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 24;
constexpr uint8_t kHappeningMax = 250;
constexpr uint8_t kMark = 0xfe;
constexpr uint8_t kEnd = 0xff;
constexpr size_t kMarkBytes = 1 + 8;
constexpr size_t kEndBytes = 1 + 1 + 8 + 8;
constexpr size_t kEntryBytesMax = 1 + 1 + 10 + 1 + 8 + 8 + 8;
constexpr uint8_t kSizeOfTime = 9;  // In place of the size of a: it is the time.
constexpr uint64_t kWindowBytes = uint64_t{1} << 20;
constexpr uint64_t kPageBytes = 4096;

uint8_t BytesOf(uint64_t value) { return static_cast<uint8_t>((std::bit_width(value) + 7) / 8); }

void AppendLow(std::string& out, uint64_t value, uint8_t bytes) {
  char all[sizeof value];
  PutFixed(all, value);
  out.append(all, bytes);
}

bool ReadLow(ByteReader& reader, uint8_t bytes, uint64_t& value) {
  std::string_view low;
  if (bytes > sizeof value || !reader.ReadBytes(bytes, low)) return false;
  char all[sizeof value] = {};
  std::copy(low.begin(), low.end(), all);
  value = GetFixed<uint64_t>(all);
  return true;
}

}  // namespace

// ---- writing

RecordingWriter::~RecordingWriter() {
  if (window_ != nullptr) munmap(window_, kWindowBytes);
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status RecordingWriter::CannotWrite(int error) const {
  return Error(ErrorCode::platform_error, path_ + ": cannot be written: " + std::strerror(error));
}

absl::Status RecordingWriter::Open(const std::string& path, uint64_t seed, uint64_t bytes_max) {
  path_ = path;
  bytes_max_ = bytes_max;
  hash_ = Timeline::HashAtStart(seed);
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return CannotWrite(errno);
  std::string header(kMagic);
  AppendFixed(header, kVersion);
  AppendFixed(header, uint32_t{0});
  AppendFixed(header, seed);
  if (!Reserve(header.size())) return CannotWrite(error_);
  Append(header);
  return absl::OkStatus();
}

bool RecordingWriter::Reserve(size_t bytes) {
  if (window_ != nullptr && at_ + bytes <= window_at_ + kWindowBytes) return true;
  if (window_ != nullptr) munmap(window_, kWindowBytes);
  window_ = nullptr;
  window_at_ = at_ / kPageBytes * kPageBytes;
  // Room on the disk now, or a store into the window would be a deadly signal.
  error_ = posix_fallocate(descriptor_, static_cast<off_t>(window_at_), kWindowBytes);
  if (error_ != 0) return false;
  void* const window = mmap(nullptr, kWindowBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_,
                            static_cast<off_t>(window_at_));
  if (window == MAP_FAILED) {
    error_ = errno;
    return false;
  }
  window_ = static_cast<uint8_t*>(window);
  return true;
}

// REQUIRES: reserved.
void RecordingWriter::Append(std::string_view bytes) {
  uint8_t* const target = window_ + (at_ - window_at_);
  std::memcpy(target + 1, bytes.data() + 1, bytes.size() - 1);
  __atomic_store_n(target, static_cast<uint8_t>(bytes[0]), __ATOMIC_RELEASE);
  at_ += bytes.size();
}

void RecordingWriter::Add(const RecordedNote& note) {
  if (full_ || error_ != 0) return;
  INVARIANT(descriptor_ >= 0 && note.index == entries_ + 1, note.index, entries_);
  constexpr size_t kRoom = kEntryBytesMax + kMarkBytes + kEndBytes;
  full_ = at_ + kRoom > bytes_max_;
  if (full_ || !Reserve(kRoom)) return;
  const auto time = static_cast<uint64_t>(note.time_ns);
  const uint8_t a_bytes = note.a == time ? kSizeOfTime : BytesOf(note.a);
  std::string& bytes = scratch_;
  bytes.assign(1, static_cast<char>(note.happening));
  bytes.push_back(static_cast<char>(a_bytes | BytesOf(note.b) << 4));
  AppendVarint(bytes, time - static_cast<uint64_t>(time_ns_));
  if (const uint64_t* number = numbers_.Find(note.entity)) {
    AppendVarint(bytes, *number);
  } else {
    bytes.push_back('\0');
    AppendFixed(bytes, note.entity);
    if (numbers_.size() < kNumberedEntitiesMax) numbers_[note.entity] = numbers_.size() + 1;
  }
  if (a_bytes != kSizeOfTime) AppendLow(bytes, note.a, a_bytes);
  AppendLow(bytes, note.b, BytesOf(note.b));
  Append(bytes);
  time_ns_ = note.time_ns;
  hash_ = note.hash_after;
  if (++entries_ % kEntriesPerMark != 0) return;
  bytes.assign(1, static_cast<char>(kMark));
  AppendFixed(bytes, hash_);
  Append(bytes);
}

absl::Status RecordingWriter::Close(RecordingEnd end) {
  if (error_ == 0 && Reserve(kEndBytes)) {
    std::string bytes(1, static_cast<char>(kEnd));
    bytes.push_back(static_cast<char>(full_ ? RecordingEnd::kFull : end));
    AppendFixed(bytes, entries_);
    AppendFixed(bytes, hash_);
    Append(bytes);
  }
  if (window_ != nullptr) munmap(window_, kWindowBytes);
  window_ = nullptr;
  if (ftruncate(descriptor_, static_cast<off_t>(at_)) != 0 && error_ == 0) error_ = errno;
  if (close(descriptor_) != 0 && error_ == 0) error_ = errno;
  descriptor_ = -1;
  return error_ == 0 ? absl::OkStatus() : CannotWrite(error_);
}

// ---- reading

RecordingFile::~RecordingFile() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

absl::StatusOr<std::unique_ptr<RecordingFile>> RecordingFile::Open(const std::string& path) {
  const auto cannot_read = [&path] {
    const ErrorCode code = errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::platform_error;
    return Error(code, path + ": cannot be read: " + std::strerror(errno));
  };
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot_read();
  auto file = std::unique_ptr<RecordingFile>(new RecordingFile());
  struct stat about {};
  absl::Status status;
  if (fstat(descriptor, &about) != 0) {
    status = cannot_read();
  } else if (!S_ISREG(about.st_mode) || about.st_size < static_cast<off_t>(kHeaderBytes)) {
    status = Error(ErrorCode::file_corrupt, path + ": is no recording of a run");
  } else {
    file->bytes_ = static_cast<size_t>(about.st_size);
    void* const data = mmap(nullptr, file->bytes_, PROT_READ, MAP_SHARED, descriptor, 0);
    if (data == MAP_FAILED) status = cannot_read();
    if (data != MAP_FAILED) file->data_ = data;
  }
  close(descriptor);
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(file->Verify(path));
  return file;
}

absl::Status RecordingFile::Verify(const std::string& path) {
  const auto corrupt = [&path](const std::string& why) {
    return Error(ErrorCode::file_corrupt, path + ": " + why);
  };
  ByteReader header(std::string_view(static_cast<const char*>(data_), kHeaderBytes));
  std::string_view magic;
  uint32_t version = 0;
  uint32_t zero = 0;
  const bool read = header.ReadBytes(kMagic.size(), magic) && header.ReadFixed32(version) &&
                    header.ReadFixed32(zero) && header.ReadFixed64(seed_);
  if (!read || magic != kMagic || zero != 0) return corrupt("is no recording of a run");
  if (version != kVersion) {
    return corrupt("is a recording of version " + std::to_string(version) +
                   "; this program reads " + std::to_string(kVersion));
  }
  Cursor cursor(*this);
  RecordedNote note;
  const char* why = "";
  Cursor::Found found;
  while ((found = cursor.Read(note, &why)) == Cursor::Found::kEntry) {
  }
  entries_ = cursor.last_.index;
  hash_ = cursor.last_.hash_after;
  end_ = cursor.end_;
  if (found != Cursor::Found::kCorrupt) return absl::OkStatus();
  return corrupt("is corrupt after entry " + std::to_string(entries_) + ": " + why);
}

RecordingFile::Cursor::Cursor(const RecordingFile& file)
    : rest_(static_cast<const char*>(file.data_), file.bytes_) {
  rest_.remove_prefix(kHeaderBytes);
  last_.hash_after = Timeline::HashAtStart(file.seed_);
}

bool RecordingFile::Cursor::Next(RecordedNote& note) {
  const char* why = "";
  return Read(note, &why) == Found::kEntry;
}

RecordingFile::Cursor::Found RecordingFile::Cursor::Read(RecordedNote& note, const char** why) {
  if (rest_.empty()) return Found::kCut;
  const auto tag = static_cast<uint8_t>(rest_[0]);
  if (tag == 0) {
    // An entry may have been begun; nothing follows it.
    rest_.remove_prefix(std::min(rest_.size(), kEntryBytesMax));
    *why = "entries follow where it is cut";
    return rest_.find_first_not_of('\0') == rest_.npos ? Found::kCut : Found::kCorrupt;
  }
  if (!marked_) {
    ByteReader reader(rest_.substr(1));
    uint64_t hash = 0;
    if (rest_.size() < kMarkBytes) return Found::kCut;
    *why = "the hash of its entries differs from the one it gives";
    if (tag != kMark || !reader.ReadFixed64(hash) || hash != last_.hash_after) {
      return Found::kCorrupt;
    }
    rest_ = reader.rest();
    marked_ = true;
    return Read(note, why);
  }
  if (tag == kEnd) return ReadEnd(why);
  return ReadEntry(tag, note, why);
}

RecordingFile::Cursor::Found RecordingFile::Cursor::ReadEnd(const char** why) {
  if (rest_.size() < kEndBytes) return Found::kCut;
  ByteReader reader(rest_.substr(1));
  uint8_t end = 0;
  uint64_t entries = 0;
  uint64_t hash = 0;
  *why = "its entries are not those that its end tells of";
  if (!reader.ReadFixed8(end) || !reader.ReadFixed64(entries) || !reader.ReadFixed64(hash) ||
      entries != last_.index || hash != last_.hash_after || !reader.AtEnd() ||
      end < static_cast<uint8_t>(RecordingEnd::kComplete) ||
      end > static_cast<uint8_t>(RecordingEnd::kStopped)) {
    return Found::kCorrupt;
  }
  end_ = static_cast<RecordingEnd>(end);
  return Found::kEnd;
}

RecordingFile::Cursor::Found RecordingFile::Cursor::ReadEntry(uint8_t happening, RecordedNote& note,
                                                              const char** why) {
  ByteReader reader(rest_.substr(1));
  RecordedNote read = {};
  read.index = last_.index + 1;
  read.happening = happening;
  uint8_t sizes = 0;
  uint64_t passed = 0;
  uint64_t number = 0;
  bool whole = happening <= kHappeningMax && reader.ReadFixed8(sizes) &&
               reader.ReadVarint(passed) && reader.ReadVarint(number) && number <= entities_.size();
  if (whole && number == 0) {
    whole = reader.ReadFixed64(read.entity);
    if (whole && entities_.size() < kNumberedEntitiesMax) entities_.push_back(read.entity);
  } else if (whole) {
    read.entity = entities_[number - 1];
  }
  read.time_ns = static_cast<int64_t>(static_cast<uint64_t>(last_.time_ns) + passed);
  const uint8_t a_bytes = sizes & 15;
  if (a_bytes == kSizeOfTime) {
    read.a = static_cast<uint64_t>(read.time_ns);
  } else {
    whole = whole && ReadLow(reader, a_bytes, read.a);
  }
  whole = whole && ReadLow(reader, sizes >> 4, read.b);
  if (!whole) {
    // The file may have been cut in the middle of it.
    *why = "what follows is no entry";
    return rest_.size() < kEntryBytesMax ? Found::kCut : Found::kCorrupt;
  }
  read.hash_after = Timeline::HashAfter(last_.hash_after, static_cast<Happening>(read.happening),
                                        read.entity, read.a, read.b);
  rest_ = reader.rest();
  last_ = note = read;
  marked_ = read.index % kEntriesPerMark != 0;
  return Found::kEntry;
}

}  // namespace orrery::sim
