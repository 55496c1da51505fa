// Sweep: makes the runs of a prepared sweep, side by side, and keeps what they come to.
//
// In its folder: `journal` (journal.h), `failures/` (failure_folder.h), and the reports
// (sweep_report.h). A failing run is made again with the recorder on when its bug is first seen,
// and at the end when a cheaper run shows the same bug.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "sim/run/run_pool.h"
#include "sim/run/sweep/failure_folder.h"
#include "sim/run/interrupt_watch.h"
#include "sim/run/sweep/journal.h"
#include "sim/run/sweep/prepared_sweep.h"
#include "sim/run/sweep/progress_line.h"
#include "sim/run/sweep/run_order.h"
#include "sim/run/sweep/sweep_report.h"
#include "sim/run/sweep/tally.h"

namespace orrery::sim {

class Sweep {
 public:
  // REQUIRES: `prepared` outlives it.
  explicit Sweep(const PreparedSweep& prepared);

  // Opens or creates the folder, and takes up what an earlier process did. An error of the folder
  // is one line; nothing was run then.
  absl::Status Open();

  // Until all is done, the time is over, the first failure (when that is asked for), or Ctrl-C;
  // then writes the reports. An error of writing, or a machine that starts no process any more,
  // ends it early.
  absl::Status Run();

  const Tally& tally() const { return tally_; }
  SweepReport Report() const;
  bool interrupted() const { return interrupts_ > 0; }
  // The failure that ended a sweep until the first one.
  const std::optional<SweptRun>& first_failure() const { return first_failure_; }
  // Real time of the sweep, in this and in earlier processes.
  Duration elapsed() const;
  // Processor time of all runs, those abandoned and this process among them; without those that
  // were made again to be recorded, when it ended at the first failure.
  Duration cpu() const { return cpu_; }

 private:
  // A run on its way.
  struct Job {
    SeedOfScenario run;
    bool checked = false;
    std::string bug;    // To be recorded for the bug of this signature; empty: a run as such.
    std::string kind;   // Of the failure to be recorded.
    uint64_t hash = 0;  // Of the run that is recorded.
  };

  bool keeps_files() const { return !folder_.empty(); }
  bool seeds_wanted() const;
  SweepPace Pace() const;
  void NoteInterrupts();
  FailureFolder FolderOf(const std::string& signature) const;

  absl::Status Loop();
  std::optional<Job> NextJob();
  absl::Status Fill();
  absl::Status Begin(const Job& job);
  // It was not made.
  void GiveBack(const Job& job);
  absl::Status Await();
  absl::Status EndRun(const Job& job, const RunResult& result);
  absl::Status EndRecording(const Job& job, const RunResult& result);
  absl::Status Keep(SweptRun run);
  void QueueRecording(const SweptRun& run);
  void QueueCheapest();
  void StopAtFirst(const SweptRun& failed);
  absl::Status WriteAll() const;

  const PreparedSweep& prepared_;
  const std::string folder_;  // Empty: nothing is kept.
  const Duration begin_;
  const Duration cpu_at_begin_;
  Duration elapsed_before_{};
  Duration cpu_before_{};
  uint64_t runs_before_ = 0;
  Duration cpu_{};

  InterruptWatch interrupt_;
  int interrupts_ = 0;
  ProgressLine progress_;
  Tally tally_;
  RunOrder order_;
  std::unique_ptr<Journal> journal_;
  RunPool pool_;
  uint64_t next_ticket_ = 0;
  std::map<uint64_t, Job> jobs_;  // By ticket.
  std::deque<Job> recordings_;    // To be made.
  std::optional<SweptRun> first_failure_;
  std::optional<Duration> no_room_since_;
};

}  // namespace orrery::sim
