// Entries and divergences in words.
#include "sim/run/divergence.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "core/base/hash.h"
#include "sim/network/connect_step.h"
#include "sim/run/phases.h"
#include "sim/run/run_result.h"
#include "sim/world/machine.h"
#include "sim/world/process.h"
#include "sim/world/timeline.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr uint32_t kIncarnationsNamed = 1000;
constexpr int kClientsNamed = 100;

// Small numbers as they are, hashes and keys in hexadecimal.
std::string ValueText(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, value >> 48 == 0 ? "%llu" : "0x%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

// A file's entries are of the disk, or of the file and its disk.
std::string FileDetails(const RecordedNote& note) {
  for (const char* const what :
       {"part", "truncate", "sync", "syncdir", "rename", "delete", "mkdir", "create"}) {
    if (note.a == HashName(what)) return std::string(what) + " " + ValueText(note.b);
  }
  return "at byte " + std::to_string(note.a) + ", bytes " + ValueText(note.b);
}

// What the entry says besides whom it is of: see Happening.
std::string DetailsOf(const RecordedNote& note) {
  switch (static_cast<Happening>(note.happening)) {
    case Happening::kEvent:
      return {};  // a is the time.
    case Happening::kChoice:
      return "number " + std::to_string(note.b + 1) + " of " + std::to_string(note.a) +
             " that were ready";
    case Happening::kDelivery:
      return "bytes " + ValueText(note.a) + ", connection " + ValueText(note.b);
    case Happening::kProcess: {
      const auto step = static_cast<ProcessStep>(note.a);
      const char* const detail = step == ProcessStep::kPaused ? ", nanoseconds " : ", incarnation ";
      return NameOf(step) + (detail + std::to_string(note.b));
    }
    case Happening::kConnect:
      return NameOf(static_cast<ConnectStep>(note.a)) + (", end " + std::to_string(note.b));
    case Happening::kFile:
      return FileDetails(note);
    case Happening::kWorkload:
      return "counted " + std::to_string(static_cast<int64_t>(note.a));
    default:
      return "a=" + ValueText(note.a) + " b=" + ValueText(note.b);
  }
}

std::string Side(const std::string& title, const std::vector<RecordedNote>& notes,
                 const EntityNames& names) {
  std::string text = title + "\n";
  if (notes.empty()) return text + "  > (ended here)\n";
  for (const RecordedNote& note : notes) {
    text += DescribeEntry(&note == notes.data() ? ">" : " ", note, names);
  }
  return text;
}

}  // namespace

EntityNames::EntityNames()
    : names_{{HashName("world"), "world"}, {HashName("network"), "network"}} {}

// Keys of entities back to names: see Process, Machine, World.
EntityNames::EntityNames(const RunResult& result) : EntityNames() {
  for (const auto& [machine, place] : result.deployment) {
    names_[HashBytes(machine)] = machine;
    // "zone a: process process"
    std::string_view rest = place;
    rest.remove_prefix(std::min(rest.size(), rest.rfind(':') + 1));
    while (!rest.empty()) {
      rest.remove_prefix(1);
      const size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) AddProcess(std::string(rest.substr(0, end)));
      rest.remove_prefix(end);
    }
  }
  for (int client = 0; client < kClientsNamed; ++client) AddProcess(ClientName(client));
  for (const auto& [metric, value] : result.metrics) names_[HashBytes(metric)] = metric;
}

EntityNames::EntityNames(const World& world) : EntityNames() {
  for (const auto& machine : world.machines()) {
    names_[HashBytes(machine->spec().name)] = machine->spec().name;
  }
  for (const auto& process : world.processes()) AddProcess(process->name());
}

void EntityNames::AddProcess(const std::string& name) {
  names_[HashBytes(name)] = name;
  for (uint32_t i = 1; i <= kIncarnationsNamed; ++i) {
    names_[HashWords(HashBytes(name), i)] = name + "#" + std::to_string(i);
  }
}

std::string EntityNames::Of(uint64_t key) const {
  const auto name = names_.find(key);
  if (name != names_.end()) return name->second;
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(key));
  return text;
}

std::string SecondsText(int64_t time_ns) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(time_ns / 1'000'000'000),
                static_cast<long long>(time_ns % 1'000'000'000));
  return text;
}

std::string DescribeEntry(const char* mark, const RecordedNote& note, const EntityNames& names) {
  char line[256];
  std::snprintf(line, sizeof line, "  %s #%-9llu %15s s  %-8s %-20s ", mark,
                static_cast<unsigned long long>(note.index), SecondsText(note.time_ns).c_str(),
                NameOf(static_cast<Happening>(note.happening)), names.Of(note.entity).c_str());
  std::string text = line + DetailsOf(note);
  while (text.ends_with(' ')) text.pop_back();
  return text + "\n";
}

std::string DescribeDivergence(const Divergence& divergence, const EntityNames& names,
                               const std::string& first_title, const std::string& second_title) {
  std::string text = "first divergent event: #" + std::to_string(divergence.index()) +
                     "\nbefore it, the same in both:\n";
  for (const RecordedNote& note : divergence.before) text += DescribeEntry(" ", note, names);
  text += Side(first_title, divergence.first, names);
  text += Side(second_title, divergence.second, names);
  return text;
}

}  // namespace orrery::sim
