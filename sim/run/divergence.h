// Where two runs differ first, and how that is told. Runs are compared by the entries of their hash
// (sim/world/timeline.h). The number of an entry, from 1 on, is what people are shown as the number
// of an event ("#1234"), what a failure names, and what a replay stops at.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"

namespace orrery::sim {

class World;
struct RunResult;

// An entry of the hash, as Recorder::Record is given it.
struct RecordedNote {
  uint64_t index;  // From 1.
  int64_t time_ns;
  uint64_t happening;
  uint64_t entity;
  uint64_t a;
  uint64_t b;
  uint64_t hash_after;

  // Whether it tells of the same: the hash may differ by what came before.
  bool SameAs(const RecordedNote& other) const {
    return index == other.index && time_ns == other.time_ns && happening == other.happening &&
           entity == other.entity && a == other.a && b == other.b;
  }
};

// How much is told of what lies around a divergence, in entries.
inline constexpr size_t kEntriesBefore = 10;
inline constexpr size_t kEntriesAfter = 4;

struct Divergence {
  std::vector<RecordedNote> before;  // The same in both.
  // The first is the first divergent one; some that follow. Empty: that run ended there.
  std::vector<RecordedNote> first;
  std::vector<RecordedNote> second;

  // The number of the first divergent entry.
  uint64_t index() const { return first.empty() ? second.front().index : first.front().index; }
};

// How a recording on disk ends (recording_file.h).
enum class RecordingEnd : uint8_t {
  kCut = 0,       // Without an end: its run crashed or was killed, or the file is a part of one.
  kComplete = 1,  // All entries of the run.
  kFull = 2,      // The first ones: it reached its limit.
  kStopped = 3,   // The first ones: the run was ended before its end, as it was asked.
};

// What a comparison of a run with a recording gave.
struct Comparison {
  uint64_t same = 0;                           // Entries, from the first on, that were the same.
  uint64_t recorded = 0;                       // Entries of the recording.
  RecordingEnd end = RecordingEnd::kComplete;  // Of the recording.
  // `first` is the recording's, `second` the run's. nullopt: no difference was seen.
  std::optional<Divergence> divergence;
};

// Names of the keys that entries have: of machines, processes and their incarnations, and metrics.
class EntityNames {
 public:
  explicit EntityNames(const RunResult& result);
  explicit EntityNames(const World& world);
  // "log-2#1", "m4"; the key in hexadecimal when it is of nothing that has a name.
  std::string Of(uint64_t key) const;

 private:
  EntityNames();
  void AddProcess(const std::string& name);

  std::map<uint64_t, std::string> names_;
};

// "12.345678901" of simulated time.
std::string SecondsText(int64_t time_ns);

// One line for people: "  > #1234  12.345678901 s  choice  log-2#1  2nd of 3 that were ready". What
// has no words is shown as `a` and `b` of the entry. `mark` is of one character.
std::string DescribeEntry(const char* mark, const RecordedNote& note, const EntityNames& names);

// What came before, and what follows in both, under their titles.
std::string DescribeDivergence(const Divergence& divergence, const EntityNames& names,
                               const std::string& first_title, const std::string& second_title);

}  // namespace orrery::sim
