// Comparing and describing parameters.
#include "sim/run/sweep/sweep_parameters.h"

#include "core/base/hash.h"
#include "sim/run/report.h"

namespace orrery::sim {
namespace {

std::string DescribeKnobs(const SweepParameters& parameters) {
  std::string text;
  for (const std::string& knob : parameters.knobs)
    text += (text.empty() ? "--knob " : " --knob ") + knob;
  return text.empty() ? "no --knob" : text;
}

std::string DescribeScenarios(const SweepParameters& parameters) {
  std::string text;
  for (const auto& scenario : parameters.scenarios)
    text += (text.empty() ? "" : ", ") + scenario.file;
  return "the scenarios " + text;
}

std::string DescribeShards(const SweepParameters& parameters) {
  return parameters.shards == 1 ? "no --shard" : "--shard I/" + std::to_string(parameters.shards);
}

std::string Differs(const std::string& begun, const std::string& now) {
  return begun == now ? "" : begun + ", and this is " + now;
}

// A file of the same name with another content; empty when there is none.
std::string ChangedFile(const SweepParameters& begun, const SweepParameters& now) {
  for (size_t i = 0; i < begun.scenarios.size(); ++i) {
    if (!(begun.scenarios[i] == now.scenarios[i])) return begun.scenarios[i].file;
  }
  return "";
}

}  // namespace

uint64_t SweepParameters::planned_runs() const {
  if (!by_seeds()) return 0;
  const uint64_t all = (last_seed - first_seed + 1) * scenarios.size();
  return all / shards + (all % shards > shard ? 1 : 0);
}

bool IsChecked(const SweepParameters& parameters, SeedOfScenario run) {
  if (parameters.check_one_in == 0) return false;
  const uint64_t hash =
      HashWords(HashBytes(parameters.scenarios[run.scenario].name), run.seed, HashName("check"));
  return hash % parameters.check_one_in == 0;
}

std::string DescribeSeeds(const SweepParameters& parameters) {
  const std::string first = std::to_string(parameters.first_seed);
  if (parameters.by_seeds()) return "--seeds " + first + "-" + std::to_string(parameters.last_seed);
  std::string minutes = std::to_string(ToMilliseconds(parameters.time) / 60'000);
  if (const int64_t rest = ToMilliseconds(parameters.time) % 60'000; rest != 0) {
    minutes += "." + std::to_string(1000 + rest / 60).substr(1);
  }
  return "--minutes " + minutes + " --first-seed " + first;
}

std::string DescribeShard(const SweepParameters& parameters) {
  return std::to_string(parameters.shard + 1) + "/" + std::to_string(parameters.shards);
}

std::string DifferenceOfShards(const SweepParameters& one, const SweepParameters& other) {
  for (const std::string& difference :
       {Differs(DescribeScenarios(one), DescribeScenarios(other)),
        Differs(DescribeSeeds(one), DescribeSeeds(other)),
        Differs(DescribeKnobs(one), DescribeKnobs(other)),
        Differs("--check-one-in " + std::to_string(one.check_one_in),
                "--check-one-in " + std::to_string(other.check_one_in)),
        Differs(one.until_failure ? "--until-failure" : "without --until-failure",
                other.until_failure ? "--until-failure" : "without --until-failure"),
        Differs(DescribeShards(one), DescribeShards(other))}) {
    if (!difference.empty()) return "it was begun with " + difference;
  }
  if (const std::string file = ChangedFile(one, other); !file.empty()) {
    return "the scenario " + file + " has changed since it was begun";
  }
  if (one.probes != other.probes) return "it was begun by another build of the program";
  return "";
}

std::string DifferenceOf(const SweepParameters& begun, const SweepParameters& now) {
  if (std::string difference = DifferenceOfShards(begun, now); !difference.empty()) {
    return difference;
  }
  const std::string shard =
      Differs("--shard " + DescribeShard(begun), "--shard " + DescribeShard(now));
  if (!shard.empty()) return "it was begun with " + shard;
  if (!begun.not_merged.empty() || begun.build != now.build) {
    return "it was begun by another build of the program (" + HashText(begun.build) +
           ", and this is " + HashText(now.build) + ")";
  }
  return "";
}

}  // namespace orrery::sim
