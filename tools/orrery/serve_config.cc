// TOML to processes.
#include "tools/orrery/serve_config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace orrery::tools {
namespace {

class Loader {
 public:
  explicit Loader(const std::string& path)
      : path_(path), folder_(std::filesystem::path(path).parent_path().native()) {}

  absl::StatusOr<ServeConfig> Load() {
    toml::table table;
    try {
      table = toml::parse_file(path_);
    } catch (const toml::parse_error& error) {
      return Refuse(error.source(), std::string(error.description()));
    }
    RETURN_IF_ERROR(KnownKeys(table, {"cluster", "machine", "zone", "knobs", "process"}));
    ServeConfig config;
    std::string machine, zone;
    RETURN_IF_ERROR(Text(table, "cluster", true, config.cluster));
    RETURN_IF_ERROR(Text(table, "machine", false, machine));
    RETURN_IF_ERROR(Text(table, "zone", false, zone));
    config.cluster = Resolve(config.cluster);
    if (const auto* knobs = table["knobs"].as_table()) {
      for (const auto& [name, value] : *knobs) {
        ASSIGN_OR_RETURN(const std::string text, KnobText(value));
        config.knobs.push_back(std::string(name.str()) + "=" + text);
      }
    }
    const toml::array* processes = table["process"].as_array();
    if (processes == nullptr || processes->empty()) {
      return Refuse(table.source(), "no [[process]]; expected at least one");
    }
    for (const auto& each : *processes) {
      const toml::table* process = each.as_table();
      if (process == nullptr) return Refuse(each.source(), "expected a table [[process]]");
      ASSIGN_OR_RETURN(ServeProcess loaded, LoadProcess(*process));
      loaded.machine = machine;
      loaded.zone = zone;
      for (const ServeProcess& other : config.processes) {
        if (other.name == loaded.name) {
          return Refuse(each.source(), "the name " + loaded.name + " is there twice");
        }
      }
      config.processes.push_back(std::move(loaded));
    }
    return config;
  }

 private:
  absl::StatusOr<ServeProcess> LoadProcess(const toml::table& table) {
    RETURN_IF_ERROR(KnownKeys(table, {"name", "listen", "announce", "data", "class"}));
    ServeProcess process;
    RETURN_IF_ERROR(Text(table, "name", true, process.name));
    RETURN_IF_ERROR(Text(table, "listen", true, process.listen));
    RETURN_IF_ERROR(Text(table, "announce", false, process.announce));
    RETURN_IF_ERROR(Text(table, "data", true, process.data));
    RETURN_IF_ERROR(Text(table, "class", false, process.process_class));
    if (absl::Status known = CheckProcessClass(process.process_class); !known.ok()) {
      return Refuse(table["class"].node()->source(), std::string(known.message()));
    }
    process.data = Resolve(process.data);
    return process;
  }

  absl::Status Text(const toml::table& table, std::string_view key, bool needed, std::string& out) {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      if (!needed) return absl::OkStatus();
      return Refuse(table.source(), std::string(key) + " is missing");
    }
    const auto* text = node->as_string();
    if (text == nullptr || text->get().empty()) {
      return Refuse(node->source(), std::string(key) + ": expected a text in quotes");
    }
    out = text->get();
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> KnobText(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
    return Refuse(node.source(), "a knob is a text, a whole number, true or false");
  }

  absl::Status KnownKeys(const toml::table& table, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : table) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      std::string list;
      for (const std::string_view each : known) {
        list += (list.empty() ? "" : ", ") + std::string(each);
      }
      return Refuse(value.source(),
                    "unknown key " + std::string(key.str()) + "; expected one of: " + list);
    }
    return absl::OkStatus();
  }

  std::string Resolve(const std::string& path) const {
    return folder_.empty() || path[0] == '/' ? path : folder_ + "/" + path;
  }

  absl::Status Refuse(const toml::source_region& place, const std::string& what) const {
    return Error(ErrorCode::invalid_argument, path_ + ":" + std::to_string(place.begin.line) + ":" +
                                                  std::to_string(place.begin.column) + ": " + what);
  }

  const std::string path_;
  const std::string folder_;
};

}  // namespace

absl::StatusOr<ServeConfig> LoadServeConfig(const std::string& path) { return Loader(path).Load(); }

absl::Status CheckProcessClass(const std::string& process_class) {
  for (const char* known : {"any", "storage", "log", "stateless", "coordinator"}) {
    if (process_class == known) return absl::OkStatus();
  }
  return Error(ErrorCode::invalid_argument,
               "there is no class \"" + process_class +
                   "\"; expected any, storage, log, stateless or coordinator");
}

}  // namespace orrery::tools
