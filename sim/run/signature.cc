// What of a failure names its bug, by the kind of the failure.
#include "sim/run/signature.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "core/base/invariant.h"
#include "sim/run/back_trace.h"
#include "sim/run/mask.h"
#include "sim/run/run_isolated.h"

namespace orrery::sim {
namespace {

constexpr size_t kCrashFunctions = 3;

void Erase(std::string& text, std::string_view part) {
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
    text.erase(at, part.size());
  }
}

// Of the machines and the processes of the deployment, which is "machine" -> "place: process ...".
std::vector<std::string_view> NamesIn(const RunResult& result) {
  std::vector<std::string_view> names;
  for (const auto& [machine, text] : result.deployment) {
    names.push_back(machine);
    std::string_view rest = text;
    rest.remove_prefix(std::min(rest.size(), rest.find(':')));
    while (!rest.empty()) {
      rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(": ")));
      const std::string_view name = rest.substr(0, rest.find(' '));
      rest.remove_prefix(name.size());
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

// "ring: Start, mixed: Start, ring: Start did not end" -> "mixed: Start, ring: Start did not end".
std::string OnceEach(std::string_view text, std::string_view end) {
  std::set<std::string_view> once;
  std::string_view list = text.substr(0, text.find(end));
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(", "));
    list.remove_prefix(std::min(list.size(), one.size() + 2));
    once.insert(one);
  }
  std::string joined;
  for (const std::string_view one : once) joined.append(joined.empty() ? "" : ", ").append(one);
  return joined.append(end);
}

std::string ToldSignature(const RunResult& result, const RunFailure& failure) {
  constexpr std::string_view kLate = " did not end";
  std::string text = MaskText(failure.text, NamesIn(result));
  Erase(text, " on client #");
  if (text.starts_with("#: ")) text.erase(0, 3);  // Who told it.
  if (text.find(kLate) != std::string::npos) text = OnceEach(text, kLate);
  return text;
}

// The innermost functions of the back trace: " F < G < H".
std::string InnermostFunctions(const RunResult& result) {
  std::string text;
  std::vector<std::string> functions = FunctionsOfBackTrace(result.diagnosis);
  if (functions.size() > kCrashFunctions) functions.resize(kCrashFunctions);
  for (const std::string& function : functions) {
    text.append(text.empty() ? " " : " < ").append(function);
  }
  return text;
}

// "INVARIANT failed: EXPRESSION at FILE:LINE with (NAMES) = (VALUES)" -> "FILE: EXPRESSION".
std::string InvariantSignature(const RunResult& result, std::string_view text) {
  constexpr std::string_view kStart = "INVARIANT failed: ";
  constexpr std::string_view kAt = " at ";
  if (text.starts_with(kStart)) text.remove_prefix(kStart.size());
  for (size_t at = text.find(kAt); at != std::string_view::npos; at = text.find(kAt, at + 1)) {
    const std::string_view place = text.substr(at + kAt.size());
    const std::string_view file = place.substr(0, place.find_first_of(": "));
    const std::string_view rest = place.substr(file.size());
    // The expression may contain the word too.
    if (!file.ends_with(".cc") && !file.ends_with(".h") && file.find('/') == file.npos) continue;
    if (rest.size() < 2 || rest[0] != ':' || rest[1] < '0' || rest[1] > '9') continue;
    std::string signature = std::string(file) + ": " + std::string(text.substr(0, at));
    // What everyone calls tells nothing without its caller.
    const bool common = file.starts_with("core/") || file.find("/core/") != file.npos;
    if (const std::string callers = InnermostFunctions(result); common && !callers.empty()) {
      signature += ", in" + callers;
    }
    return signature;
  }
  return MaskText(text, NamesIn(result));
}

// The loop that does not end is at the outer end of the stack: what it calls differs each time.
std::string HangSignature(const RunResult& result, const RunFailure& failure) {
  if (failure.text.find(kHungAcrossEvents) != std::string::npos) return "events without end";
  const std::vector<std::string> functions = FunctionsOfBackTrace(result.diagnosis);
  return functions.empty() ? "" : "in " + functions.back();
}

std::string CrashSignature(const RunResult& result, const RunFailure& failure) {
  if (failure.text.find("std::bad_alloc") != std::string::npos) return "out of memory";
  std::string text = failure.text;
  // A sanitizer's report says more than the signal: "ERROR: AddressSanitizer: stack-overflow on".
  if (const size_t at = text.find("ERROR: "); at != std::string::npos) {
    text.erase(0, at + std::string_view("ERROR: ").size());
    for (const std::string_view after : {" on ", " (pc ", " (pid"})
      text = text.substr(0, text.find(after));
  }
  return MaskText(text, NamesIn(result)) + ":" + InnermostFunctions(result);
}

std::string WhatOf(const RunResult& result) {
  const RunFailure& failure = result.failures.front();
  if (failure.kind == "leak" || failure.kind == "nondeterminism") return "";
  if (failure.kind == "invariant") return InvariantSignature(result, failure.text);
  if (failure.kind == "hang") return HangSignature(result, failure);
  if (failure.kind == "crash") return CrashSignature(result, failure);
  return ToldSignature(result, failure);
}

}  // namespace

std::string SignatureOf(const RunResult& result) {
  INVARIANT(!result.passed());
  std::string signature = result.failures.front().kind;
  if (const std::string what = WhatOf(result); !what.empty()) signature += " " + what;
  if (signature.size() > kSignatureBytesMax) signature.resize(kSignatureBytesMax);
  while (signature.ends_with(' ') || signature.ends_with(':')) signature.pop_back();
  return signature;
}

}  // namespace orrery::sim
