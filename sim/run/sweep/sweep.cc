// The loop of a sweep: what is begun, and what becomes of what has ended.
#include "sim/run/sweep/sweep.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/invariant.h"
#include "sim/run/real_time.h"
#include "sim/run/report.h"
#include "sim/run/signature.h"

namespace orrery::sim {
namespace {

constexpr Duration kTick = Milliseconds(200);
// A machine that starts no process, while none of ours runs, gets this long.
constexpr Duration kNoRoomMax = Seconds(60);

std::string ProbeBits(const RunResult& result, const std::vector<std::string>& probes) {
  std::string bits((probes.size() + 7) / 8, '\0');
  for (size_t i = 0; i < probes.size(); ++i) {
    const auto found = result.probes.find(probes[i]);
    if (found == result.probes.end() || found->second == 0) continue;
    bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << i % 8);
  }
  return bits;
}

// Of the text of a failure, what is the same each time.
std::string KeptText(const RunFailure& failure) {
  if (failure.kind == "nondeterminism") {
    return "two runs of one seed differ; outcome.txt names the first divergent event";
  }
  return failure.text.substr(0, kFailureTextBytesMax);
}

std::string WithoutFolders(const std::string& path) {
  return std::filesystem::path(path).filename().native();
}

}  // namespace

Sweep::Sweep(const PreparedSweep& prepared)
    : prepared_(prepared),
      folder_(prepared.command().out),
      begin_(MonotonicNow()),
      cpu_at_begin_(ProcessorOfAll()),
      tally_(prepared.parameters()),
      order_(prepared.parameters()),
      pool_(prepared.jobs()) {}

absl::Status Sweep::Open() {
  if (!keeps_files()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    return Error(ErrorCode::platform_error, folder_ + ": cannot be made: " + error.message());
  }
  const auto take_up = [this](const SweptRun& run) {
    if (!run.rerun) order_.Skip(run.run);
    order_.Account(run.run.scenario, run.cpu);
    elapsed_before_ = std::max(elapsed_before_, run.elapsed);
    tally_.Add(run);
    if (!run.passed() && !first_failure_.has_value() && tally_.parameters().until_failure) {
      first_failure_ = run;
    }
  };
  ASSIGN_OR_RETURN(journal_, Journal::Open(JournalPath(folder_), prepared_.parameters(), take_up));
  runs_before_ = tally_.Sum().runs;
  cpu_before_ = tally_.Sum().cpu;
  if (runs_before_ > 0) {
    progress_.Tell(folder_ + ": goes on after " + GroupedText(runs_before_) + " runs");
  }
  return absl::OkStatus();
}

absl::Status Sweep::Run() {
  const absl::Status run = Loop();
  if (!first_failure_.has_value() || cpu_ == Duration::zero()) {
    cpu_ = cpu_before_ + ProcessorOfAll() - cpu_at_begin_;
  }
  const absl::Status written = keeps_files() ? WriteAll() : absl::OkStatus();
  return run.ok() ? written : run;
}

Duration Sweep::elapsed() const { return elapsed_before_ + (MonotonicNow() - begin_); }

SweepReport Sweep::Report() const {
  SweepReport report = {
      .tally = tally_, .program = WithoutFolders(prepared_.command().program), .dark = {}};
  if (const auto& before = prepared_.baseline_reached(); before.has_value()) {
    report.dark = DarkProbes(*before, tally_.ProbesReached(), tally_.parameters());
  }
  return report;
}

absl::Status Sweep::WriteAll() const {
  return WriteReports(Report(), folder_, elapsed(), pool_.jobs());
}

SweepPace Sweep::Pace() const {
  const Tally::OfScenario sum = tally_.Sum();
  return {.runs = sum.runs - runs_before_,
          .real = MonotonicNow() - begin_,
          .cpu = sum.cpu - cpu_before_,
          .elapsed = elapsed()};
}

FailureFolder Sweep::FolderOf(const std::string& signature) const {
  return FailureFolder(folder_ + "/failures/" + BugName(signature));
}

// The first Ctrl-C ends what was begun without its result, and leaves time to record what failed;
// the second leaves none.
void Sweep::NoteInterrupts() {
  if (!interrupt_.Take()) return;
  ++interrupts_;
  std::erase_if(jobs_, [this](const auto& entry) {
    if (interrupts_ == 1 && !entry.second.bug.empty()) return false;
    pool_.Abandon(entry.first);
    return true;
  });
  if (interrupts_ > 1) recordings_.clear();
  if (interrupts_ == 1 && !(recordings_.empty() && jobs_.empty())) {
    progress_.Tell("ending; what failed is still recorded (interrupt again to leave that out)");
  }
}

bool Sweep::seeds_wanted() const {
  if (interrupts_ > 0 || first_failure_.has_value()) return false;
  return tally_.parameters().by_seeds() || elapsed() < tally_.parameters().time;
}

absl::Status Sweep::Loop() {
  bool last_recordings_queued = false;
  while (true) {
    NoteInterrupts();
    RETURN_IF_ERROR(Fill());
    if (pool_.busy() == 0 && !no_room_since_.has_value()) {
      if (last_recordings_queued || interrupts_ > 1) return absl::OkStatus();
      last_recordings_queued = true;
      QueueCheapest();
      continue;
    }
    RETURN_IF_ERROR(Await());
    progress_.Show(tally_, Pace(), MonotonicNow());
  }
}

std::optional<Sweep::Job> Sweep::NextJob() {
  if (!recordings_.empty()) {
    Job job = std::move(recordings_.front());
    recordings_.pop_front();
    return job;
  }
  if (!seeds_wanted()) return std::nullopt;
  const std::optional<SeedOfScenario> run = order_.Next();
  if (!run.has_value()) return std::nullopt;
  Job job;
  job.run = *run;
  job.checked = IsChecked(tally_.parameters(), *run);
  return job;
}

absl::Status Sweep::Fill() {
  while (pool_.busy() < pool_.jobs()) {
    std::optional<Job> job = NextJob();
    if (!job.has_value()) {
      no_room_since_.reset();
      return absl::OkStatus();
    }
    if (!job->bug.empty()) RETURN_IF_ERROR(FolderOf(job->bug).Begin());
    const absl::Status begun = Begin(*job);
    if (begun.ok()) {
      no_room_since_.reset();
      continue;
    }
    GiveBack(*job);
    // Of our own runs one will end and make room; without one, somebody else must.
    if (pool_.busy() > 0) return absl::OkStatus();
    const Duration now = MonotonicNow();
    if (!no_room_since_.has_value()) no_room_since_ = now;
    if (now - *no_room_since_ < kNoRoomMax && interrupts_ == 0) return absl::OkStatus();
    no_room_since_.reset();
    return Error(ErrorCode::platform_error,
                 "no run could be started for a minute: " + std::string(begun.message()));
  }
  return absl::OkStatus();
}

void Sweep::GiveBack(const Job& job) {
  if (job.bug.empty()) {
    order_.Return(job.run);
  } else {
    recordings_.push_front(job);
  }
}

absl::Status Sweep::Begin(const Job& job) {
  const uint64_t ticket = next_ticket_++;
  RunRequest request = prepared_.RequestOf(job.run);
  // A difference between two runs is found by two runs only.
  const bool twice = job.bug.empty() ? job.checked : job.kind == "nondeterminism";
  if (twice) {
    RETURN_IF_ERROR(pool_.StartChecked(ticket, request, prepared_.ArgumentsOf(job.run)));
  } else {
    if (!job.bug.empty()) {
      request.trace_file = FolderOf(job.bug).trace_file();
      request.recording_file = FolderOf(job.bug).recording_file();
    }
    RETURN_IF_ERROR(pool_.Start(ticket, request));
  }
  jobs_[ticket] = job;
  return absl::OkStatus();
}

absl::Status Sweep::Await() {
  const std::optional<RunPool::Finished> finished = pool_.Await(kTick);
  if (!finished.has_value()) return absl::OkStatus();
  const auto found = jobs_.find(finished->ticket);
  INVARIANT(found != jobs_.end(), "a run that nobody waits for", finished->ticket);
  const Job job = std::move(found->second);
  jobs_.erase(found);
  const RunResult& result = finished->result;
  if (!result.passed() && result.failures.front().kind == "start") {
    // One of the processes that it needed found no room: nothing is known of the seed.
    GiveBack(job);
    return absl::OkStatus();
  }
  return job.bug.empty() ? EndRun(job, result) : EndRecording(job, result);
}

absl::Status Sweep::EndRun(const Job& job, const RunResult& result) {
  SweptRun run = {.run = job.run,
                  .events = result.events,
                  .simulated = result.simulated - Time{},
                  .hash = result.hash,
                  .probes = ProbeBits(result, tally_.parameters().probes),
                  .checked = job.checked,
                  .signature = {},
                  .kind = {},
                  .text = {},
                  .cpu = result.cpu};
  for (const auto& [kind, count] : result.faults) run.faults += count;
  if (!result.passed()) {
    run.signature = SignatureOf(result);
    run.kind = result.failures.front().kind;
    run.text = KeptText(result.failures.front());
  }
  order_.Account(job.run.scenario, result.cpu);
  return Keep(std::move(run));
}

absl::Status Sweep::Keep(SweptRun run) {
  run.elapsed = elapsed();
  if (journal_ != nullptr) RETURN_IF_ERROR(journal_->Append(run));
  if (tally_.Add(run)) {
    progress_.Tell("new bug: " + run.signature + " (" +
                   tally_.parameters().scenarios[run.run.scenario].name + ", seed " +
                   std::to_string(run.run.seed) + ")");
    if (keeps_files() && tally_.bug_count() <= kBugFoldersMax) QueueRecording(run);
  }
  if (!run.passed() && tally_.parameters().until_failure) StopAtFirst(run);
  return absl::OkStatus();
}

void Sweep::QueueRecording(const SweptRun& run) {
  Job job;
  job.run = run.run;
  job.bug = run.signature;
  job.kind = run.kind;
  job.hash = run.hash;
  recordings_.push_back(std::move(job));
}

// When all seeds are through: each bug's folder is of its cheapest run.
void Sweep::QueueCheapest() {
  if (!keeps_files()) return;
  size_t rank = 0;
  for (const Bug* bug : tally_.Bugs()) {
    if (rank++ == kBugFoldersMax) return;
    const std::string& scenario = tally_.parameters().scenarios[bug->cheapest.scenario].name;
    if (FolderOf(bug->signature).Holds(scenario, bug->cheapest.seed)) continue;
    Job job;
    job.run = bug->cheapest;
    job.bug = bug->signature;
    job.kind = bug->kind;
    job.hash = bug->hash;
    recordings_.push_back(std::move(job));
  }
}

void Sweep::StopAtFirst(const SweptRun& failed) {
  if (first_failure_.has_value()) return;
  first_failure_ = failed;
  for (const auto& [ticket, job] : jobs_) pool_.Abandon(ticket);
  jobs_.clear();
  cpu_ = cpu_before_ + ProcessorOfAll() - cpu_at_begin_;
}

absl::Status Sweep::EndRecording(const Job& job, const RunResult& result) {
  const SweepParameters& parameters = tally_.parameters();
  const std::string replay = ShellCommand({WithoutFolders(prepared_.command().program), "replay",
                                           "failures/" + BugName(job.bug) + "/plan.textproto"});
  RETURN_IF_ERROR(FolderOf(job.bug).Finish(result, parameters.scenarios[job.run.scenario].file,
                                           prepared_.scenario_text(job.run.scenario), replay));
  RETURN_IF_ERROR(WriteAll());
  // Where a process that dies has come to may depend on its memory, which a recorder needs too.
  const bool comparable = job.kind != "nondeterminism" && job.kind != "crash" && job.kind != "hang";
  if (!comparable || result.hash == job.hash) return absl::OkStatus();
  SweptRun differs = {.run = job.run,
                      .events = result.events,
                      .hash = result.hash,
                      .probes = {},
                      .rerun = true,
                      .signature = "nondeterminism",
                      .kind = "nondeterminism",
                      .text =
                          "a failing run went another way when it was made again to be "
                          "recorded",
                      .cpu = result.cpu};
  return Keep(std::move(differs));
}

}  // namespace orrery::sim
