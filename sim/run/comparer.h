// Comparer: a run beside a recording of another, entry by entry, while it runs.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "sim/run/divergence.h"
#include "sim/run/recording_file.h"

namespace orrery::sim {

// How a run ended, for the comparison of its end with the recording's.
enum class RunEnd {
  kItself,      // By itself, with a verdict, or in a crash.
  kAsAsked,     // Where it was asked to end; the rest is not compared.
  kFromOutside  // It was killed as hung: after which entry says nothing.
};

class Comparer {
 public:
  // invalid_argument when the recording is of another seed; else as RecordingFile::Open.
  absl::Status Open(const std::string& path, uint64_t seed);

  // The next entry of the run. True when the comparison tells a difference that it did not before:
  // then and after the last entry it is worth keeping. REQUIRES: opened.
  bool Add(const RecordedNote& note);

  // In place of Add, when it is known that the run's first `entries` were the same: of a run that
  // crashed, and whose comparer is gone.
  void Skip(uint64_t entries);

  // After the last entry. A recording that is complete must end there too.
  void Finish(RunEnd end);

  const Comparison& comparison() const { return comparison_; }

 private:
  void Same(const RecordedNote& note);
  void Differs(std::optional<RecordedNote> recorded);

  std::unique_ptr<RecordingFile> file_;
  std::optional<RecordingFile::Cursor> cursor_;
  std::deque<RecordedNote> before_;  // The last entries that were the same.
  bool beyond_ = false;              // The recording is cut, and the run is past its last entry.
  Comparison comparison_;
};

}  // namespace orrery::sim
