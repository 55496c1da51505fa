// Goal: what a run entered is read back from its recording, whatever became of the run; a file that
// is not what a run wrote is refused in one line, or read up to where it is cut, never beyond.
// Method: entries of every size, drawn; files cut at every byte, with every byte changed, and left
// by a writer that was killed.
#include "sim/run/recording_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/random.h"
#include "sim/run/scenario.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kSeed = 77;

std::vector<RecordedNote> DrawNotes(size_t count) {
  Random random(count);
  std::vector<RecordedNote> notes;
  uint64_t hash = Timeline::HashAtStart(kSeed);
  int64_t time_ns = 0;
  const auto of_any_size = [&random] { return random.Next() >> random.Below(64); };
  for (uint64_t index = 1; index <= count; ++index) {
    time_ns += static_cast<int64_t>(random.Chance(OneIn(2)) ? 0 : random.Below(1 << 20));
    RecordedNote note = {.index = index,
                         .time_ns = time_ns,
                         .happening = 1 + random.Below(10),
                         .entity = HashWords(random.Below(300)),
                         .a = of_any_size(),
                         .b = random.Chance(OneIn(2)) ? 0 : of_any_size(),
                         .hash_after = 0};
    if (note.happening == 1) note.a = static_cast<uint64_t>(time_ns);
    note.hash_after = hash = Timeline::HashAfter(hash, static_cast<Happening>(note.happening),
                                                 note.entity, note.a, note.b);
    notes.push_back(note);
  }
  return notes;
}

// The file of `notes`, closed.
std::string Record(const std::string& name, const std::vector<RecordedNote>& notes,
                   uint64_t bytes_max = kRecordingBytesMax) {
  const std::string path = testing::TempDir() + "/" + name;
  RecordingWriter writer;
  EXPECT_TRUE(writer.Open(path, kSeed, bytes_max).ok());
  for (const RecordedNote& note : notes) writer.Add(note);
  EXPECT_TRUE(writer.Close(RecordingEnd::kComplete).ok());
  return path;
}

// How many entries are those of `notes`; all that are read must be.
void ExpectBeginningOf(const std::vector<RecordedNote>& notes, const RecordingFile& file) {
  ASSERT_LE(file.entries(), notes.size());
  RecordingFile::Cursor cursor(file);
  RecordedNote note;
  uint64_t read = 0;
  while (cursor.Next(note)) {
    ASSERT_TRUE(note.SameAs(notes[read])) << read;
    ASSERT_EQ(note.hash_after, notes[read].hash_after) << read;
    ++read;
  }
  EXPECT_EQ(read, file.entries());
}

std::string OneLineError(const std::string& path) {
  const auto file = RecordingFile::Open(path);
  if (file.ok()) return "";
  EXPECT_EQ(file.status().message().find(path + ": "), 0u) << file.status().message();
  EXPECT_EQ(file.status().message().find('\n'), std::string::npos);
  return std::string(file.status().message());
}

TEST(RecordingFile, GivesBackWhatWasRecorded) {
  // None; some; exactly as many as have a mark; more than fit a window of the writer.
  for (const size_t count : {size_t{0}, size_t{1}, size_t{100}, size_t{8192}, size_t{150'000}}) {
    const std::vector<RecordedNote> notes = DrawNotes(count);
    const auto file = RecordingFile::Open(Record("whole", notes));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->seed(), kSeed);
    EXPECT_EQ((*file)->entries(), count);
    EXPECT_EQ((*file)->end(), RecordingEnd::kComplete);
    EXPECT_EQ((*file)->hash(), count == 0 ? Timeline::HashAtStart(kSeed) : notes.back().hash_after);
    ExpectBeginningOf(notes, **file);
  }
}

TEST(RecordingFile, IsFullAtItsLimitAndTellsSo) {
  const std::vector<RecordedNote> notes = DrawNotes(1000);
  const std::string path = Record("full", notes, 5000);
  const absl::StatusOr<std::string> bytes = ReadTextFile(path);
  ASSERT_TRUE(bytes.ok());
  EXPECT_LE(bytes->size(), 5000u);
  EXPECT_GT(bytes->size(), 4900u);
  const auto file = RecordingFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end(), RecordingEnd::kFull);
  EXPECT_LT((*file)->entries(), 1000u);
  ExpectBeginningOf(notes, **file);
}

TEST(RecordingFile, AKilledWriterLosesNothing) {
  const std::vector<RecordedNote> notes = DrawNotes(200'000);
  const std::string path = testing::TempDir() + "/killed";
  const pid_t child = fork();
  if (child == 0) {
    RecordingWriter writer;
    if (!writer.Open(path, kSeed).ok()) _exit(1);
    for (const RecordedNote& note : notes) writer.Add(note);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto file = RecordingFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->entries(), notes.size());
  EXPECT_EQ((*file)->end(), RecordingEnd::kCut);
  ExpectBeginningOf(notes, **file);
}

TEST(RecordingFile, CutAnywhereItIsReadUpToThere) {
  const std::vector<RecordedNote> notes = DrawNotes(40);
  const absl::StatusOr<std::string> whole = ReadTextFile(Record("to_cut", notes));
  ASSERT_TRUE(whole.ok());
  uint64_t before = 0;
  for (size_t bytes = 0; bytes < whole->size(); ++bytes) {
    const std::string path = WriteFile("cut", whole->substr(0, bytes));
    if (bytes < 24) {
      EXPECT_NE(OneLineError(path), "") << bytes;
      continue;
    }
    const auto file = RecordingFile::Open(path);
    ASSERT_TRUE(file.ok()) << bytes << file.status();
    EXPECT_EQ((*file)->end(), RecordingEnd::kCut) << bytes;
    EXPECT_GE((*file)->entries(), before);
    before = (*file)->entries();
    ExpectBeginningOf(notes, **file);
  }
  EXPECT_EQ(before, 40u);
}

TEST(RecordingFile, AChangedByteIsFound) {
  const std::vector<RecordedNote> notes = DrawNotes(kEntriesPerMark + 200);
  const std::string path = Record("to_change", notes);
  const absl::StatusOr<std::string> whole = ReadTextFile(path);
  ASSERT_TRUE(whole.ok());
  Random random(5);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    std::string changed = *whole;
    const size_t at = random.Below(changed.size());
    changed[at] = static_cast<char>(changed[at] ^ (1 << random.Below(8)));
    const std::string path_changed = WriteFile("changed", changed);
    const auto file = RecordingFile::Open(path_changed);
    if (file.ok()) {
      EXPECT_EQ((*file)->end(), RecordingEnd::kCut) << "a change of the end, at " << at;
      continue;
    }
    ++refused;
    EXPECT_NE(OneLineError(path_changed), "");
  }
  EXPECT_GT(refused, 95);
}

TEST(RecordingFile, WhatIsNoneIsRefused) {
  EXPECT_NE(OneLineError("/no/such/file").find("cannot be read"), std::string::npos);
  EXPECT_NE(OneLineError(testing::TempDir()).find("is no recording"), std::string::npos);
  EXPECT_NE(OneLineError(WriteFile("text", "version: 1\nseed: 7\nscenario: \"x\"\n"))
                .find("is no recording"),
            std::string::npos);
  absl::StatusOr<std::string> later = ReadTextFile(Record("later", DrawNotes(3)));
  ASSERT_TRUE(later.ok());
  (*later)[8] = 2;
  EXPECT_NE(OneLineError(WriteFile("later", *later)).find("of version 2; this program reads 1"),
            std::string::npos);
}

TEST(RecordingFile, WhatCannotBeWrittenIsTold) {
  RecordingWriter writer;
  const absl::Status status = writer.Open("/no/such/folder/recording", kSeed);
  EXPECT_EQ(CodeOf(status), ErrorCode::platform_error);
  EXPECT_NE(status.message().find("/no/such/folder/recording: cannot be written"),
            std::string::npos);
}

TEST(RecordingFile, AnEntryIsSmall) {
  const absl::StatusOr<std::string> bytes = ReadTextFile(Record("small", DrawNotes(10'000)));
  ASSERT_TRUE(bytes.ok());
  EXPECT_LT(bytes->size(), 10'000u * 16) << "of 48 in memory, of drawn values";
}

}  // namespace
}  // namespace orrery::sim
