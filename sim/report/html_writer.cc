// A story as JSON, in columns, and the page around it.
#include "sim/report/html_writer.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/report/causality.h"
#include "sim/report/page_sources.h"
#include "sim/run/json_object.h"

namespace orrery::sim {
namespace {

std::string Number(int64_t value) { return std::to_string(value); }
std::string Index(size_t index) {
  return Number(index == Story::kNone ? -1 : static_cast<int64_t>(index));
}
std::string At(Time time) { return Number(ToNanoseconds(time)); }
std::string Indices(const std::vector<size_t>& indices) {
  JsonList list;
  for (const size_t index : indices) list.Raw(Index(index));
  return list.Take();
}
std::string Pair(std::string_view first, std::string_view second) {
  return JsonList().Text(first).Text(second).Take();
}

// A list of what `write` makes of each.
template <class Of, class Write>
std::string ListOf(const std::vector<Of>& all, Write write) {
  JsonList list;
  for (const Of& each : all) list.Raw(write(each));
  return list.Take();
}

// Texts that come again and again, told once.
class TextTable {
 public:
  std::string IndexOf(const std::string& text) {
    const auto [at, added] = indices_.emplace(text, texts_.size());
    if (added) texts_.push_back(text);
    return Index(at->second);
  }
  std::string Json() const {
    JsonList list;
    for (const std::string& text : texts_) list.Text(text);
    return list.Take();
  }

 private:
  std::map<std::string, size_t> indices_;
  std::vector<std::string> texts_;
};

std::string Failures(const Story& story) {
  return ListOf(story.failures, [](const Story::Failure& each) {
    return JsonObject()
        .Text("kind", each.kind)
        .Text("text", each.text)
        .Raw("time", At(each.time))
        .Raw("event", Index(each.event))
        .Take();
  });
}

std::string EvidenceJson(const Story& story) {
  if (!story.evidence.has_value()) return "null";
  const auto node = [&](const Evidence::Node& each) {
    return JsonObject()
        .Text("label", each.label)
        .Text("workload", each.ordinal < 0 ? "" : each.workload)
        .Raw("client", Number(each.client))
        .Raw("ordinal", Number(each.ordinal))
        .Raw("operation", Index(OperationOf(story, each)))
        .Take();
  };
  const auto edge = [](const Evidence::Edge& each) {
    return JsonObject()
        .Raw("from", Index(each.from))
        .Raw("to", Index(each.to))
        .Text("label", each.label)
        .Take();
  };
  return JsonObject()
      .Raw("nodes", ListOf(story.evidence->nodes, node))
      .Raw("edges", ListOf(story.evidence->edges, edge))
      .Take();
}

// How many events led to the failure: the page finds them itself, and its test compares.
std::string SizeOfPast(const Story& story, Past past) {
  const std::vector<bool> marks = CausalPast(story, WhatFailed(story), past);
  return Number(std::count(marks.begin(), marks.end(), true));
}

void AddRun(const Story& story, JsonObject& out) {
  out.Text("scenario", story.scenario)
      .Text("seed", std::to_string(story.seed))
      .Text("replay", story.replay_command)
      .Text("diagnosis", story.diagnosis)
      .Raw("facts",
           ListOf(story.facts, [](const auto& each) { return Pair(each.first, each.second); }))
      .Raw("failures", Failures(story))
      .Raw("evidence", EvidenceJson(story))
      .Raw("failed", Indices(WhatFailed(story)))
      .Raw("pastSteps", SizeOfPast(story, Past::kSteps))
      .Raw("pastAll", SizeOfPast(story, Past::kAll))
      .Raw("end", At(story.end))
      .Raw("details", ListOf(story.details,
                             [](const Span& each) {
                               return JsonList().Raw(At(each.from)).Raw(At(each.to)).Take();
                             }))
      .Number("detailsDropped", story.details_dropped)
      .Number("milestonesDropped", story.milestones_dropped);
}

// In columns: most of a story is events and messages.
std::string Events(const Story& story, TextTable& types, TextTable& tasks) {
  using Event = Story::Event;
  const auto column = [&](auto write) { return ListOf(story.events, write); };
  return JsonObject()
      .Raw("time", column([](const Event& each) { return At(each.time); }))
      .Raw("lane", column([](const Event& each) { return Index(each.lane); }))
      .Raw("life", column([](const Event& each) { return Number(each.incarnation); }))
      .Raw("level", column([](const Event& each) { return Number(static_cast<int>(each.level)); }))
      .Raw("type", column([&](const Event& each) { return types.IndexOf(each.type); }))
      .Raw("task", column([&](const Event& each) { return tasks.IndexOf(each.task); }))
      .Raw("message", column([](const Event& each) { return Index(each.message); }))
      .Raw("causes", column([](const Event& each) { return Indices(each.causes); }))
      .Raw("fields", column([](const Event& each) {
             JsonList fields;
             for (const auto& [name, value] : each.fields) fields.Text(name).Text(value);
             return fields.Take();
           }))
      .Take();
}

std::string Messages(const Story& story, TextTable& methods) {
  using Message = Story::Message;
  const auto column = [&](auto write) { return ListOf(story.messages, write); };
  JsonList errors;
  for (const Message& each : story.messages) errors.Text(each.error);
  return JsonObject()
      .Raw("kind", column([](const Message& each) { return Number(static_cast<int>(each.kind)); }))
      .Raw("method", column([&](const Message& each) { return methods.IndexOf(each.method); }))
      .Raw("sent", column([](const Message& each) { return Index(each.sent); }))
      .Raw("received", column([](const Message& each) { return Index(each.received); }))
      .Raw("to", column([](const Message& each) { return Index(each.to); }))
      .Raw("error", errors.Take())
      .Raw("late", column([](const Message& each) { return Number(each.late ? 1 : 0); }))
      .Take();
}

std::string LaneJson(const Story::Lane& each) {
  return JsonObject()
      .Text("process", each.process)
      .Text("machine", each.machine)
      .Text("zone", each.zone)
      .Text("data_center", each.data_center)
      .Raw("client", each.client ? "true" : "false")
      .Take();
}

std::string LifeJson(const Story::Life& each) {
  return JsonObject()
      .Raw("lane", Index(each.lane))
      .Raw("life", Number(each.incarnation))
      .Raw("begin", At(each.begin))
      .Raw("end", At(each.end))
      .Text("why", each.why)
      .Take();
}

std::string RoleJson(const Story::Role& each) {
  return JsonObject()
      .Raw("lane", Index(each.lane))
      .Text("name", each.name)
      .Text("id", std::to_string(each.id))
      .Number("generation", each.generation)
      .Raw("begin", At(each.begin))
      .Raw("end", At(each.end))
      .Text("why", each.why)
      .Take();
}

std::string FaultJson(const Story::Fault& each) {
  return JsonObject()
      .Raw("event", Index(each.event))
      .Text("kind", each.kind)
      .Text("what", each.what)
      .Raw("lanes", Indices(each.lanes))
      .Raw("begin", At(each.begin))
      .Raw("end", At(each.end))
      .Take();
}

std::string OperationJson(const Story::Operation& each) {
  return JsonObject()
      .Raw("lane", Index(each.lane))
      .Text("workload", each.workload)
      .Raw("client", Number(each.client))
      .Raw("ordinal", Number(each.ordinal))
      .Raw("began", Index(each.began))
      .Raw("ended", Index(each.ended))
      .Raw("begin", At(each.begin))
      .Raw("end", At(each.end))
      .Text("outcome", each.outcome)
      .Take();
}

std::string PhaseJson(const Story::Phase& each) {
  return JsonObject().Text("name", each.name).Raw("begin", At(each.begin)).Take();
}

std::string HtmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string StoryJson(const Story& story) {
  TextTable types;
  TextTable tasks;
  TextTable methods;
  JsonObject members;
  AddRun(story, members);
  members.Raw("lanes", ListOf(story.lanes, LaneJson))
      .Raw("lives", ListOf(story.lives, LifeJson))
      .Raw("events", Events(story, types, tasks))
      .Raw("messages", Messages(story, methods))
      .Raw("roles", ListOf(story.roles, RoleJson))
      .Raw("faults", ListOf(story.faults, FaultJson))
      .Raw("operations", ListOf(story.operations, OperationJson))
      .Raw("phases", ListOf(story.phases, PhaseJson))
      .Raw("types", types.Json())
      .Raw("tasks", tasks.Json())
      .Raw("methods", methods.Json());
  const std::string json = members.Take();
  // "<" stands in texts only; without it no text ends the element or begins a comment in it.
  std::string out;
  out.reserve(json.size() + json.size() / 64);
  for (const char c : json) c == '<' ? out += "\\u003c" : out += c;
  return out;
}

std::string StoryPage(const Story& story) {
  const std::string title = story.scenario + ", seed " + std::to_string(story.seed) + ": " +
                            (story.passed() ? "passed" : "FAILED, " + story.failures.front().kind);
  const std::pair<std::string_view, std::string> parts[] = {{"{{TITLE}}", HtmlText(title)},
                                                            {"{{STYLE}}", kPageStyle},
                                                            {"{{STORY}}", StoryJson(story)},
                                                            {"{{SCRIPT}}", kPageScript}};
  std::string page;
  std::string_view rest = kPageHtml;
  for (const auto& [mark, text] : parts) {
    const size_t at = rest.find(mark);
    page.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + mark.size());
  }
  return page.append(rest);
}

}  // namespace orrery::sim
