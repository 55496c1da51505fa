// A divergence in words.
#include <algorithm>
#include <cstdio>
#include <map>

#include "core/base/hash.h"
#include "sim/run/check.h"
#include "sim/run/phases.h"

namespace orrery::sim {
namespace {

constexpr uint32_t kIncarnationsNamed = 1000;

// Keys of entities back to names: see Process, Machine, World.
std::map<uint64_t, std::string> NamesOf(const RunResult& result) {
  std::map<uint64_t, std::string> names = {{HashName("world"), "world"},
                                           {HashName("network"), "network"}};
  const auto add_process = [&names](const std::string& name) {
    names[HashBytes(name)] = name;
    for (uint32_t i = 1; i <= kIncarnationsNamed; ++i) {
      names[HashWords(HashBytes(name), i)] = name + "#" + std::to_string(i);
    }
  };
  for (const auto& [machine, place] : result.deployment) {
    names[HashBytes(machine)] = machine;
    // "zone a: process process"
    std::string_view rest = place;
    rest.remove_prefix(std::min(rest.size(), rest.rfind(':') + 1));
    while (!rest.empty()) {
      rest.remove_prefix(1);
      const size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) add_process(std::string(rest.substr(0, end)));
      rest.remove_prefix(end);
    }
  }
  for (int client = 0; client < 100; ++client) add_process(ClientName(client));
  for (const auto& [metric, value] : result.metrics) names[HashBytes(metric)] = metric;
  return names;
}

// Small numbers as they are, hashes and keys in hexadecimal.
std::string ValueText(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, value >> 48 == 0 ? "%llu" : "0x%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

std::string Line(const char* mark, const RecordedNote& note,
                 const std::map<uint64_t, std::string>& names) {
  const auto name = names.find(note.entity);
  char entity[32];
  std::snprintf(entity, sizeof entity, "%016llx", static_cast<unsigned long long>(note.entity));
  char line[256];
  std::snprintf(line, sizeof line, "  %s #%-9llu %5lld.%09lld s  %-8s %-20s a=%s b=%s\n", mark,
                static_cast<unsigned long long>(note.index),
                static_cast<long long>(note.time_ns / 1'000'000'000),
                static_cast<long long>(note.time_ns % 1'000'000'000),
                NameOf(static_cast<Happening>(note.happening)),
                name == names.end() ? entity : name->second.c_str(), ValueText(note.a).c_str(),
                ValueText(note.b).c_str());
  return line;
}

std::string Side(const char* title, const std::vector<RecordedNote>& notes,
                 const std::map<uint64_t, std::string>& names) {
  std::string text = std::string(title) + "\n";
  if (notes.empty()) return text + "  > (ended here)\n";
  for (size_t i = 0; i < notes.size(); ++i) text += Line(i == 0 ? ">" : " ", notes[i], names);
  return text;
}

}  // namespace

std::string DescribeDivergence(const CheckResult& check) {
  if (check.same) return {};
  char hashes[128];
  std::snprintf(hashes, sizeof hashes, "first hash %016llx, second hash %016llx\n",
                static_cast<unsigned long long>(check.first.hash),
                static_cast<unsigned long long>(check.second.hash));
  std::string text = "NOT DETERMINISTIC: two runs of seed " + std::to_string(check.first.seed) +
                     " in fresh processes differ\n" + hashes;
  if (!check.divergence.has_value()) {
    return text + "they agree up to entry " + std::to_string(check.last_common_note) +
           " of the hash; " + std::to_string(check.pairs) +
           " pairs of runs did not show the first difference\n";
  }
  const Divergence& found = *check.divergence;
  const RecordedNote& event = found.first.empty() ? found.second.front() : found.first.front();
  const std::map<uint64_t, std::string> names = NamesOf(check.first);
  text += "first divergent event: #" + std::to_string(event.index) + "\n";
  text += "before it, the same in both:\n";
  for (const RecordedNote& note : found.before) text += Line(" ", note, names);
  text += Side("first run:", found.first, names);
  text +=
      Side("second run (other addresses, heap, environment; recorder on):", found.second, names);
  return text + "(a and b: see Happening in sim/world/timeline.h)\n";
}

}  // namespace orrery::sim
