// Reading back traces and the names of functions in them.
#include "sim/run/back_trace.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace orrery::sim {
namespace {

// How frames of the runtime begin. What the system under test did is within or around them.
constexpr std::string_view kRuntime[] = {
    "std::", "absl::", "google::protobuf::", "__", "_start", "operator new", "operator delete",
    "orrery::PrintBacktrace", "orrery::invariant_internal::", "orrery::sim::OnDeadlySignal",
    // Coroutines.
    "orrery::Task::", "orrery::TaskPromise::", "orrery::PromiseBase::",
    "orrery::ResumeContinuation::", "orrery::Future::", "orrery::Promise::", "orrery::Junction::",
    "orrery::branch_internal::", "orrery::AllOf", "orrery::AnyOf",
    "orrery::Timed::", "orrery::FramePool::", "orrery::RunQueue::", "orrery::Waiter::",
    "orrery::ReadyNode::", "orrery::TimerNode::"};

constexpr std::string_view kLibraryFunctions[] = {"abort",   "raise",  "gsignal", "memcpy",
                                                  "memmove", "memset", "memcmp",  "strlen",
                                                  "malloc",  "calloc", "realloc", "free"};

// How frames of the simulator begin that run the system under test: what is around them is the same
// in every run.
constexpr std::string_view kRunner[] = {
    "orrery::sim::Loop::",   "orrery::sim::Timeline::", "orrery::sim::World::",
    "orrery::sim::Phases::", "orrery::sim::Process::",  "orrery::sim::RunHere"};

template <size_t kCount>
bool BeginsWithOne(std::string_view name, const std::string_view (&starts)[kCount]) {
  return std::any_of(std::begin(starts), std::end(starts),
                     [name](std::string_view start) { return name.starts_with(start); });
}

void Replace(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
  }
}

// "void orrery::(anonymous namespace)::Foo::Bar<int>(int) const" -> "orrery::Foo::Bar".
std::string QualifiedName(std::string_view demangled) {
  std::string name(demangled.substr(0, demangled.find(" [clone")));
  Replace(name, "(anonymous namespace)::", "");
  Replace(name, "operator()", "$call");  // Its brackets are no arguments.
  std::string plain;
  int depth = 0;
  for (const char c : name) {
    if (c == '(' || c == '<' || c == '{') ++depth;
    if (depth == 0) plain += c;
    if ((c == ')' || c == '>' || c == '}') && depth > 0) --depth;
  }
  std::string_view rest = plain;
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  if (rest.ends_with(" const")) rest.remove_suffix(std::string_view(" const").size());
  if (rest.starts_with("operator ")) return std::string(rest);
  // The return type of a template stands before its name.
  return std::string(rest.substr(rest.rfind(' ') + 1));
}

// Without namespaces, and a lambda as the function it stands in; may be empty.
std::string ShortName(std::string_view qualified) {
  std::vector<std::string_view> parts;
  while (!qualified.empty()) {
    const std::string_view part = qualified.substr(0, qualified.find("::"));
    qualified.remove_prefix(std::min(qualified.size(), part.size() + 2));
    if (!part.empty() && part[0] != '$') parts.push_back(part);
  }
  if (parts.empty()) return "";
  // Classes begin with a capital, namespaces do not.
  size_t first = parts.size() - 1;
  while (first > 0 && parts[first - 1][0] >= 'A' && parts[first - 1][0] <= 'Z') --first;
  std::string text(parts[first]);
  for (size_t i = first + 1; i < parts.size(); ++i) text.append("::").append(parts[i]);
  return text;
}

struct Frame {
  std::string_view function;  // Demangled; empty when it has no name.
  bool innermost = false;     // The first of a sanitizer's trace.
};

// "program(+0x1c54)[0x55bfe8] orrery::Foo()": the name was added after the address.
std::optional<Frame> ParseOwnFrame(std::string_view line) {
  const size_t begin = line.rfind("[0x");
  if (begin == std::string_view::npos || (begin > 0 && line[begin - 1] != ')')) return std::nullopt;
  const size_t end = line.find_first_not_of("0123456789abcdef", begin + 3);
  if (end == std::string_view::npos || line[end] != ']') return std::nullopt;
  return Frame{.function = line.substr(std::min(line.size(), end + 2))};
}

// "    #3 0x55bfe8 in orrery::Foo(int) (.resume) /path/foo.cc:7:3", or "(program+0x1c54)" at the
// end.
std::optional<Frame> ParseSanitizerFrame(std::string_view line) {
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
  const size_t number_end = line.find_first_not_of("0123456789", 1);
  if (!line.starts_with('#') || number_end == 1 || number_end == std::string_view::npos ||
      !line.substr(number_end).starts_with(" 0x")) {
    return std::nullopt;
  }
  Frame frame{.innermost = line.substr(0, number_end) == "#0"};
  const size_t in = line.find(" in ");
  if (in == std::string_view::npos) return frame;
  frame.function = line.substr(in + 4);
  for (const std::string_view after : {" /", " (/", " (.", " (BuildId"}) {
    frame.function = frame.function.substr(0, frame.function.find(after));
  }
  return frame;
}

}  // namespace

std::vector<std::string> FunctionsOfBackTrace(std::string_view diagnosis) {
  std::vector<std::string> functions;
  std::vector<std::string> around;  // The runner itself, for a failure of its own.
  bool begun = false;
  bool in_runner = false;
  while (!diagnosis.empty()) {
    const std::string_view line = diagnosis.substr(0, diagnosis.find('\n'));
    diagnosis.remove_prefix(std::min(diagnosis.size(), line.size() + 1));
    std::optional<Frame> frame = ParseOwnFrame(line);
    if (!frame.has_value()) frame = ParseSanitizerFrame(line);
    if (!frame.has_value() && !begun) continue;
    // Another trace tells who freed the memory, who allocated it.
    if (!frame.has_value() || (begun && frame->innermost)) break;
    begun = true;
    const std::string name = QualifiedName(frame->function);
    if (name.empty() || BeginsWithOne(name, kRuntime)) continue;
    if (std::ranges::find(kLibraryFunctions, name) != std::end(kLibraryFunctions)) continue;
    in_runner = in_runner || name == "main" || BeginsWithOne(name, kRunner);
    std::vector<std::string>& list = in_runner ? around : functions;
    std::string text = ShortName(name);
    if (!text.empty() && (list.empty() || list.back() != text)) list.push_back(std::move(text));
  }
  return functions.empty() ? around : functions;
}

}  // namespace orrery::sim
