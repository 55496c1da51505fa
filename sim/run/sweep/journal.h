// The journal of a sweep: what its reports are a function of, and what lets it go on after it was
// ended in any way. A file:
//
//   "ORRSWEEP" entry*    the first is the parameters, each other one a finished run
//   entry = length of the payload, 4 bytes, little-endian
//           XXH3 of the payload, 8 bytes, little-endian
//           payload: SweepParametersMessage or SweptRunMessage of journal.proto
//
// Entries are appended, each in one write, when their run has ended. The journal ends before the
// first entry that is not whole: what a kill or a power loss left behind is cut by the next Open,
// and the runs that are lost with it are made again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/run/sweep/sweep_parameters.h"

namespace orrery::sim {

// What the journal keeps of a run. All but the last two is the same each time the run is made.
struct SweptRun {
  SeedOfScenario run;
  uint64_t events = 0;
  Duration simulated{};
  uint64_t faults = 0;  // Applied.
  uint64_t hash = 0;
  std::string probes;    // Bit i % 8 of byte i / 8: whether SweepParameters::probes[i] was reached.
  bool checked = false;  // For determinism.
  bool rerun = false;    // No run of its own: a failure of a run that was repeated.
  std::string signature;  // Of its failure; empty when it passed.
  std::string kind;       // Of its failure.
  std::string text;       // Of its failure, cut.
  Duration cpu{};         // Processor time.
  Duration elapsed{};     // Real time of the sweep when the run had ended.

  bool passed() const { return signature.empty(); }
};

inline constexpr size_t kFailureTextBytesMax = 2000;

class Journal {
 public:
  // Opens the journal `path`, or begins it with `parameters`. Calls `each` for every run that is in
  // it. Errors, one line each: file_locked when another process has it open; invalid_argument when
  // it is of a sweep with other parameters; platform_error, file_corrupt.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(
      const std::string& path, const SweepParameters& parameters,
      const std::function<void(const SweptRun&)>& each);

  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  // platform_error when it cannot be written.
  absl::Status Append(const SweptRun& run);

 private:
  Journal(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  absl::Status Write(const std::string& payload);
  absl::Status WriteBytes(const std::string& bytes);

  const std::string path_;
  const int descriptor_;
};

// Reads the journal of folder `folder`: first the parameters, then the runs one by one.
// invalid_argument when there is none or it is none; file_corrupt.
absl::StatusOr<SweepParameters> ReadParameters(const std::string& folder);
absl::Status ReadRuns(const std::string& folder, const std::function<void(const SweptRun&)>& each);

// The path of the journal of a folder.
std::string JournalPath(const std::string& folder);

}  // namespace orrery::sim
