// Reading shards, and writing one sweep.
#include "sim/run/sweep/merge.h"

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "sim/run/sweep/failure_folder.h"
#include "sim/run/sweep/journal.h"
#include "sim/run/sweep/prepared_sweep.h"

namespace orrery::sim {
namespace {

absl::Status Refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

// The parameters of the whole, of folders that fit together.
absl::StatusOr<SweepParameters> CommonParameters(const std::vector<std::string>& folders) {
  SweepParameters whole;
  std::map<uint32_t, std::string> folder_of;
  for (const std::string& folder : folders) {
    ASSIGN_OR_RETURN(SweepParameters shard, ReadParameters(folder));
    if (!shard.not_merged.empty()) return Refused(folder + ": is a merge itself");
    if (folder_of.empty()) {
      whole = shard;
    } else if (std::string difference = DifferenceOfShards(whole, shard); !difference.empty()) {
      return Refused(folder + ": is no shard of the sweep in " + folders.front() + ": that one " +
                     difference.substr(std::string_view("it ").size()));
    }
    const auto [known, added] = folder_of.emplace(shard.shard, folder);
    if (!added) {
      return Refused(folder + ": is shard " + DescribeShard(shard) + ", as is " + known->second);
    }
  }
  for (uint32_t shard = 0; shard < whole.shards; ++shard) {
    if (!folder_of.contains(shard)) whole.not_merged.push_back(shard);
  }
  whole.shard = 0;
  // As one sweep of all has it.
  if (whole.not_merged.empty()) whole.shards = 1;
  return whole;
}

// Copies the folder of a bug's cheapest run from the shard that has it.
absl::Status CopyFolder(const Bug& bug, const MergeCommand& command, MergedSweep& merged) {
  const SweepParameters& parameters = merged.tally.parameters();
  const std::string& scenario = parameters.scenarios[bug.cheapest.scenario].name;
  for (const std::string& shard : command.shard_folders) {
    const FailureFolder from(shard + "/" + BugFolder(bug));
    if (!from.Holds(scenario, bug.cheapest.seed)) continue;
    return FailureFolder(command.out + "/" + BugFolder(bug)).CopyFrom(from);
  }
  merged.warnings.push_back("no shard has recorded " + bug.name + " under seed " +
                            std::to_string(bug.cheapest.seed) + " of " + scenario +
                            "; a shard that was interrupted does so when it is run again");
  return absl::OkStatus();
}

absl::Status WriteMerged(const MergeCommand& command, MergedSweep& merged, Duration real) {
  size_t rank = 0;
  for (const Bug* bug : merged.tally.Bugs()) {
    if (rank++ == kBugFoldersMax) break;
    RETURN_IF_ERROR(CopyFolder(*bug, command, merged));
  }
  const SweepReport report = {.tally = merged.tally,
                              .program = std::filesystem::path(command.program).filename().native(),
                              .dark = merged.dark};
  return WriteReports(report, command.out, real, 0);
}

}  // namespace

absl::StatusOr<MergedSweep> MergeShards(const MergeCommand& command) {
  ASSIGN_OR_RETURN(SweepParameters parameters, CommonParameters(command.shard_folders));
  std::error_code error;
  if (std::filesystem::exists(JournalPath(command.out), error)) {
    return Refused(command.out + ": holds a sweep already; give another --out, or remove it");
  }
  MergedSweep merged{.tally = Tally(parameters), .dark = {}, .warnings = {}};
  std::vector<std::string> reached_before;
  if (!command.baseline.empty()) {
    ASSIGN_OR_RETURN(reached_before, ProbesReachedIn(command.baseline));
  }
  std::filesystem::create_directories(command.out, error);
  if (error) {
    return Error(ErrorCode::platform_error, command.out + ": cannot be made: " + error.message());
  }
  // The journal gets its name last: before that there is no sweep here.
  const std::string unfinished = JournalPath(command.out) + ".unfinished";
  std::filesystem::remove(unfinished, error);
  ASSIGN_OR_RETURN(const std::unique_ptr<Journal> journal,
                   Journal::Open(unfinished, parameters, [](const SweptRun&) {}));
  Duration real{};
  absl::Status appended;
  for (const std::string& folder : command.shard_folders) {
    RETURN_IF_ERROR(ReadRuns(folder, [&](const SweptRun& run) {
      merged.tally.Add(run);
      real = std::max(real, run.elapsed);
      if (appended.ok()) appended = journal->Append(run);
    }));
    RETURN_IF_ERROR(appended);
  }
  if (!command.baseline.empty()) {
    merged.dark = DarkProbes(reached_before, merged.tally.ProbesReached(), parameters);
  }
  RETURN_IF_ERROR(WriteMerged(command, merged, real));
  std::filesystem::rename(unfinished, JournalPath(command.out), error);
  if (error) {
    return Error(ErrorCode::platform_error, unfinished + ": cannot be renamed: " + error.message());
  }
  return merged;
}

}  // namespace orrery::sim
