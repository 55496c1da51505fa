// Trials: whether candidate plans still show the failure: by running them, several at a time, or
// from the journal, where they ran before.
//
// Of an ordered list of candidates the answer is the first that fails, whatever runs beside it and
// however long it takes: a minimisation gives the same plan with one job and with many. What runs
// in vain is ended when the answer is known. A run that is killed whenever it is made says nothing.
//
// REQUIRES: the calling process has one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/minimise/trial_journal.h"
#include "sim/run/run_pool.h"
#include "sim/run/runner.h"

namespace orrery::sim {

class Trials {
 public:
  struct Options {
    const RunRequest& base;  // System and scenario; the rest is of each candidate.
    int jobs = 1;
    Duration until{};  // Of MonotonicNow: then it is over.
    // Called several times a second while something runs.
    std::function<void()> tick = [] {};
    // Asked often; once true it stays so: then it is over.
    std::function<bool()> interrupted = [] { return false; };
  };

  // What is referred to outlives this.
  Trials(Options options, TrialJournal& journal);

  // The failure that counts: SignatureOf. To be set before the first candidate.
  void set_signature(std::string signature) { signature_ = std::move(signature); }
  // Candidates that have not failed by this moment of simulated time pass.
  void set_time_max(Time time) { time_max_ = time; }

  // The lowest i for which the plan make(i) fails with the signature; nullopt when none does, or
  // when it is over. A plan that is refused (a fault names a machine that is gone) passes unrun.
  std::optional<size_t> FirstFailing(size_t count, const std::function<FaultPlan(size_t)>& make);
  bool Fails(const FaultPlan& plan);

  // A run of the plan for what it tells, not kept in the journal.
  RunResult Run(const FaultPlan& plan, uint64_t events_max = UINT64_MAX);
  RunResult Run(const RunRequest& request);

  // The time is up, it was interrupted, or nothing can be run or kept any more: status() says so
  // then.
  bool over() const;
  const absl::Status& status() const { return status_; }

  bool Shows(const RunResult& result) const;
  uint64_t runs() const { return runs_; }  // Made by this object.

 private:
  struct Candidate;

  RunRequest RequestOf(std::string plan_text, uint64_t seed) const;
  // Makes candidate `index`; its verdict when that is known without a run.
  std::optional<bool> Prepare(Candidate& candidate, FaultPlan plan);
  absl::Status Start(uint64_t ticket, const RunRequest& request);
  // False: the machine kept it from running, and status() says how.
  bool Tells(const RunResult& result);
  struct Asked;
  void Fill(Asked& asked);

  const Options options_;
  TrialJournal& journal_;
  RunPool pool_;
  std::string signature_;
  Time time_max_ = kNever;
  absl::Status status_;
  uint64_t runs_ = 0;
};

}  // namespace orrery::sim
