// Reading scenarios, numbers and the program itself.
#include "sim/run/sweep/prepared_sweep.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>

#include "core/base/hash.h"
#include "core/observe/probe.h"
#include "sim/run/sweep/tally.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kRunsMax = 1'000'000'000'000;
constexpr int64_t kMinutesMax = 1'000'000;
constexpr int kJobsMax = 1024;

absl::Status Refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

// The whole of `text` as a decimal number.
std::optional<uint64_t> NumberFrom(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

// "90" or "0.25", to the thousandth.
std::optional<Duration> MinutesFrom(std::string_view text) {
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string fraction(dot == std::string_view::npos ? "0" : text.substr(dot + 1));
  if (fraction.empty() || fraction.size() > 3) return std::nullopt;
  fraction.resize(3, '0');
  const std::optional<uint64_t> minutes = NumberFrom(whole);
  const std::optional<uint64_t> thousandths = NumberFrom(fraction);
  if (!minutes.has_value() || !thousandths.has_value() || *minutes > kMinutesMax) {
    return std::nullopt;
  }
  return Milliseconds(static_cast<int64_t>(*minutes * 60'000 + *thousandths * 60));
}

std::vector<std::string> AllProbeNames() {
  std::set<std::string> names;
  for (const ProbeSite& site : AllProbeSites()) names.insert(site.name);
  return {names.begin(), names.end()};
}

absl::StatusOr<uint64_t> HashOfThisProgram() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/exe", "rb"),
                                                   &std::fclose);
  if (file == nullptr) return Error(ErrorCode::platform_error, "/proc/self/exe: cannot be read");
  uint64_t hash = 0;
  std::string part(1 << 20, '\0');
  while (const size_t bytes = std::fread(part.data(), 1, part.size(), file.get())) {
    hash = HashBytes(std::string_view(part).substr(0, bytes), hash);
  }
  return hash;
}

// The scenario files of a folder, by name.
absl::Status AddFilesOf(const std::string& folder, std::vector<std::string>& files) {
  std::error_code error;
  std::vector<std::string> found;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".toml") found.push_back(entry->path().native());
  }
  if (error) return Refused(folder + ": cannot be read: " + error.message());
  if (found.empty()) return Refused(folder + ": holds no scenario; a scenario is a *.toml file");
  std::ranges::sort(found);
  files.insert(files.end(), found.begin(), found.end());
  return absl::OkStatus();
}

}  // namespace

absl::Status PreparedSweep::ReadScenarios() {
  std::vector<std::string> files = command_.scenario_files;
  if (!command_.scenario_folder.empty()) {
    RETURN_IF_ERROR(AddFilesOf(command_.scenario_folder, files));
  }
  if (files.empty()) return Refused("give --scenarios DIR or --scenario FILE");
  std::set<std::string> names;
  for (const std::string& path : files) {
    ASSIGN_OR_RETURN(std::string text, ReadTextFile(path));
    ASSIGN_OR_RETURN(Scenario scenario, ParseScenario(text, path));
    RETURN_IF_ERROR(ValidateScenario(scenario, system_));
    const std::string file = std::filesystem::path(path).filename().native();
    // Both tell runs apart: one in reports, the other in folders of failures.
    if (!names.insert("file " + file).second || !names.insert("name " + scenario.name).second) {
      return Refused(path + ": another scenario of the sweep has the same name, " + scenario.name);
    }
    parameters_.scenarios.push_back({scenario.name, file, HashBytes(text)});
    scenarios_.push_back(std::move(scenario));
    scenario_texts_.push_back(std::move(text));
  }
  return absl::OkStatus();
}

absl::Status PreparedSweep::ReadSeeds() {
  if (command_.seeds.empty() == command_.minutes.empty()) {
    return Refused("give either --minutes M or --seeds A-B");
  }
  if (!command_.minutes.empty()) {
    const std::optional<Duration> time = MinutesFrom(command_.minutes);
    if (!time.has_value() || *time <= Duration::zero()) {
      return Refused("--minutes " + command_.minutes + ": expected minutes, as 90 or 0.25");
    }
    parameters_.time = *time;
    if (command_.first_seed.empty()) return absl::OkStatus();
    const std::optional<uint64_t> first = NumberFrom(command_.first_seed);
    if (!first.has_value()) {
      return Refused("--first-seed " + command_.first_seed + ": expected a whole number");
    }
    parameters_.first_seed = parameters_.last_seed = *first;
    return absl::OkStatus();
  }
  if (!command_.first_seed.empty()) {
    return Refused("--first-seed goes with --minutes; --seeds has its first seed itself");
  }
  const std::string_view text = command_.seeds;
  const size_t dash = text.find('-');
  const std::optional<uint64_t> first = NumberFrom(text.substr(0, dash));
  const std::optional<uint64_t> last =
      dash == std::string_view::npos ? first : NumberFrom(text.substr(dash + 1));
  if (!first.has_value() || !last.has_value() || *last < *first) {
    return Refused("--seeds " + command_.seeds + ": expected a span of whole numbers, as 1-300");
  }
  if (*last - *first >= kRunsMax / parameters_.scenarios.size()) {
    return Refused("--seeds " + command_.seeds + ": these are more than 10^12 runs");
  }
  parameters_.first_seed = *first;
  parameters_.last_seed = *last;
  return absl::OkStatus();
}

absl::Status PreparedSweep::ReadShard() {
  if (command_.shard.empty()) return absl::OkStatus();
  const std::string_view text = command_.shard;
  const size_t slash = std::min(text.find('/'), text.size());
  const std::optional<uint64_t> shard = NumberFrom(text.substr(0, slash));
  const std::optional<uint64_t> shards = NumberFrom(text.substr(std::min(slash + 1, text.size())));
  if (!shard.has_value() || !shards.has_value() || *shard < 1 || *shard > *shards ||
      *shards > UINT32_MAX) {
    return Refused("--shard " + command_.shard + ": expected I/N with I from 1 to N, as 2/3");
  }
  parameters_.shard = static_cast<uint32_t>(*shard - 1);
  parameters_.shards = static_cast<uint32_t>(*shards);
  return absl::OkStatus();
}

absl::Status PreparedSweep::CheckRequests() const {
  for (uint32_t i = 0; i < scenarios_.size(); ++i) {
    RETURN_IF_ERROR(ValidateRequest(RequestOf({i, parameters_.first_seed}), ""));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<PreparedSweep>> PreparedSweep::Make(const SweepCommand& command,
                                                                   const System& system) {
  auto sweep = std::unique_ptr<PreparedSweep>(new PreparedSweep(command, system));
  RETURN_IF_ERROR(sweep->ReadScenarios());
  RETURN_IF_ERROR(sweep->ReadSeeds());
  RETURN_IF_ERROR(sweep->ReadShard());
  RETURN_IF_ERROR(sweep->CheckRequests());
  sweep->parameters_.knobs = command.knobs;
  sweep->parameters_.check_one_in = command.check_one_in;
  sweep->parameters_.until_failure = command.until_failure;
  sweep->parameters_.probes = AllProbeNames();
  ASSIGN_OR_RETURN(sweep->parameters_.build, HashOfThisProgram());
  if (!command.baseline.empty()) {
    ASSIGN_OR_RETURN(sweep->baseline_reached_, ProbesReachedIn(command.baseline));
  }
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  sweep->jobs_ = command.jobs > 0 ? command.jobs : static_cast<int>(std::max(cores, 1l));
  if (sweep->jobs_ > kJobsMax) {
    return Refused("--jobs " + std::to_string(command.jobs) + ": expected 1 to " +
                   std::to_string(kJobsMax));
  }
  return sweep;
}

RunRequest PreparedSweep::RequestOf(SeedOfScenario run) const {
  return {.system = system_,
          .scenario = scenarios_[run.scenario],
          .seed = run.seed,
          .knobs = command_.knobs};
}

std::vector<std::string> PreparedSweep::ArgumentsOf(SeedOfScenario run) const {
  std::vector<std::string> words = {"sim", "--scenario", scenarios_[run.scenario].file, "--seed",
                                    std::to_string(run.seed)};
  for (const std::string& knob : command_.knobs) words.insert(words.end(), {"--knob", knob});
  return words;
}

absl::StatusOr<std::vector<std::string>> ProbesReachedIn(const std::string& folder) {
  ASSIGN_OR_RETURN(SweepParameters parameters, ReadParameters(folder));
  Tally tally(std::move(parameters));
  RETURN_IF_ERROR(ReadRuns(folder, [&tally](const SweptRun& run) { tally.Add(run); }));
  return tally.ProbesReached();
}

std::vector<std::string> DarkProbes(const std::vector<std::string>& reached_before,
                                    const std::vector<std::string>& reached_now,
                                    const SweepParameters& parameters) {
  std::vector<std::string> dark;
  for (const std::string& probe : reached_before) {
    if (!std::ranges::binary_search(parameters.probes, probe)) continue;  // It was removed.
    if (!std::ranges::binary_search(reached_now, probe)) dark.push_back(probe);
  }
  return dark;
}

}  // namespace orrery::sim
