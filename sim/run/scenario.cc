// TOML to Scenario.
#include "sim/run/scenario.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <limits>

namespace orrery::sim {
namespace {

std::string PlaceOf(const std::string& file, const toml::source_position& position) {
  return file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

absl::Status Refused(const std::string& place, const std::string& what) {
  return Error(ErrorCode::invalid_argument, place + ": " + what);
}

// The messages of a parser may span lines; ours are one.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

// A value of the types that Options knows.
absl::StatusOr<Options::Value> ToOption(const toml::node& node, const std::string& place,
                                        std::string_view key) {
  if (const auto* flag = node.as_boolean()) return Options::Value(flag->get());
  if (const auto* number = node.as_integer()) return Options::Value(number->get());
  if (const auto* text = node.as_string()) return Options::Value(text->get());
  if (const auto* list = node.as_array()) {
    std::vector<std::string> texts;
    for (const toml::node& element : *list) {
      const auto* text = element.as_string();
      if (text == nullptr) {
        return Refused(place, std::string(key) + ": a list may hold texts only; put \"\" around");
      }
      texts.push_back(text->get());
    }
    return Options::Value(std::move(texts));
  }
  return Refused(place, std::string(key) +
                            ": expected a text, a whole number, true, false or a list of texts");
}

// A table without tables in it as Options, `skipped` left out.
absl::StatusOr<Options> ToOptions(const toml::table& table, std::string name,
                                  const std::string& file,
                                  const std::vector<std::string_view>& skipped = {}) {
  Options options(std::move(name), PlaceOf(file, table.source().begin));
  for (const auto& [key, node] : table) {
    if (std::find(skipped.begin(), skipped.end(), key.str()) != skipped.end()) continue;
    const std::string place = PlaceOf(file, node.source().begin);
    ASSIGN_OR_RETURN(Options::Value value, ToOption(node, place, key.str()));
    options.Put(std::string(key.str()), std::move(value), place);
  }
  return options;
}

// The table under `key`, nullptr when there is none.
absl::StatusOr<const toml::table*> SubTable(const toml::table& root, std::string_view key,
                                            const std::string& file) {
  const toml::node* node = root.get(key);
  if (node == nullptr || node->is_table()) return node == nullptr ? nullptr : node->as_table();
  return Refused(PlaceOf(file, node->source().begin),
                 std::string(key) + ": expected a table; write [" + std::string(key) + "]");
}

// The bound or length of a phase: at least a nanosecond, at most a year.
absl::Status ReadPhase(const Options& options, std::string_view key, Duration& out) {
  ASSIGN_OR_RETURN(out, options.Span(key, out));
  if (out > Duration::zero() && out <= Seconds(int64_t{366} * 86'400)) return absl::OkStatus();
  return options.Refuse(key, "must be longer than nothing and at most a year");
}

absl::Status ReadTop(const Options& top, Scenario& scenario) {
  ASSIGN_OR_RETURN(scenario.name, top.Text("name", scenario.name));
  ASSIGN_OR_RETURN(scenario.description, top.Text("description", ""));
  RETURN_IF_ERROR(ReadPhase(top, "duration", scenario.duration));
  RETURN_IF_ERROR(ReadPhase(top, "setup_within", scenario.setup_within));
  RETURN_IF_ERROR(ReadPhase(top, "recover_within", scenario.recover_within));
  RETURN_IF_ERROR(ReadPhase(top, "check_within", scenario.check_within));
  ASSIGN_OR_RETURN(const int64_t clients, top.Integer("clients", scenario.clients, 1, 1000));
  scenario.clients = static_cast<int>(clients);
  ASSIGN_OR_RETURN(scenario.buggify, top.Boolean("buggify", scenario.buggify));
  return top.RefuseUnread();
}

absl::Status ReadFaults(const toml::table& table, Scenario& scenario) {
  ASSIGN_OR_RETURN(const Options options, ToOptions(table, "faults", scenario.file));
  if (!options.Has("kinds")) {
    return options.Refuse("kinds", "is missing; name groups or kinds, like [\"network\"]");
  }
  ASSIGN_OR_RETURN(scenario.faults.kinds, options.TextList("kinds"));
  RETURN_IF_ERROR(ReadPhase(options, "mean_interval", scenario.faults.mean_interval));
  scenario.faults.place = PlaceOf(scenario.file, table.get("kinds")->source().begin);
  return options.RefuseUnread();
}

absl::Status ReadKnobs(const toml::table& table, Scenario& scenario) {
  for (const auto& [key, node] : table) {
    const std::string place = PlaceOf(scenario.file, node.source().begin);
    const std::string name(key.str());
    ASSIGN_OR_RETURN(const Options::Value value, ToOption(node, place, name));
    if (name == "randomise") {
      const bool* randomise = std::get_if<bool>(&value);
      if (randomise == nullptr) return Refused(place, "[knobs] randomise: expected true or false");
      scenario.randomise_knobs = *randomise;
    } else if (const bool* flag = std::get_if<bool>(&value)) {
      scenario.knobs.push_back({name, *flag ? "true" : "false", place});
    } else if (const int64_t* number = std::get_if<int64_t>(&value)) {
      scenario.knobs.push_back({name, std::to_string(*number), place});
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      scenario.knobs.push_back({name, *text, place});
    } else {
      return Refused(place, "[knobs] " + name + ": expected one value, found a list");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadWorkloads(const toml::table& root, Scenario& scenario) {
  const toml::node* node = root.get("workload");
  if (node == nullptr) {
    return Refused(scenario.file + ":1:1", "there is no workload; add a table [[workload]]");
  }
  const toml::array* list = node->as_array();
  if (list == nullptr || list->empty()) {
    return Refused(PlaceOf(scenario.file, node->source().begin),
                   "workload: expected tables of that name; write [[workload]]");
  }
  for (const toml::node& element : *list) {
    const std::string place = PlaceOf(scenario.file, element.source().begin);
    const toml::table* table = element.as_table();
    if (table == nullptr) return Refused(place, "workload: expected tables; write [[workload]]");
    const toml::node* name = table->get("name");
    if (name == nullptr || !name->is_string()) {
      return Refused(place, "[[workload]] has no name; write name = \"...\"");
    }
    const std::string text = name->as_string()->get();
    ASSIGN_OR_RETURN(Options options,
                     ToOptions(*table, "workload " + text, scenario.file, {"name"}));
    scenario.workloads.push_back(
        {text, std::move(options), PlaceOf(scenario.file, name->source().begin)});
  }
  return absl::OkStatus();
}

std::string NameFromFile(std::string_view file) {
  const size_t slash = file.rfind('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  if (file.ends_with(".toml")) file.remove_suffix(5);
  return std::string(file);
}

}  // namespace

absl::StatusOr<Scenario> ParseScenario(std::string_view text, const std::string& file) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    return Refused(PlaceOf(file, parsed.error().source().begin),
                   "not TOML: " + OneLine(parsed.error().description()) +
                       "; the format of a scenario is at the head of sim/run/scenario.h");
  }
  const toml::table& root = parsed.table();
  Scenario scenario;
  scenario.file = file;
  scenario.name = NameFromFile(file);
  static constexpr std::string_view kTables[] = {"topology", "faults", "knobs", "workload"};
  ASSIGN_OR_RETURN(const Options top,
                   ToOptions(root, "", file, {std::begin(kTables), std::end(kTables)}));
  RETURN_IF_ERROR(ReadTop(top, scenario));
  ASSIGN_OR_RETURN(const toml::table* topology, SubTable(root, "topology", file));
  if (topology != nullptr) {
    ASSIGN_OR_RETURN(scenario.topology, ToOptions(*topology, "topology", file));
  } else {
    scenario.topology = Options("topology", file + ":1:1");
  }
  ASSIGN_OR_RETURN(const toml::table* faults, SubTable(root, "faults", file));
  if (faults != nullptr) RETURN_IF_ERROR(ReadFaults(*faults, scenario));
  ASSIGN_OR_RETURN(const toml::table* knobs, SubTable(root, "knobs", file));
  if (knobs != nullptr) RETURN_IF_ERROR(ReadKnobs(*knobs, scenario));
  RETURN_IF_ERROR(ReadWorkloads(root, scenario));
  return scenario;
}

}  // namespace orrery::sim
