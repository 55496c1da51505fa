// A story as JSON, in columns, and the page around it.
#include "sim/report/html_writer.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "core/observe/trace_json.h"
#include "sim/report/causality.h"
#include "sim/report/page_sources.h"

namespace orrery::sim {
namespace {

// Appends values separated by commas.
class JsonList {
 public:
  explicit JsonList(std::string& out) : out_(out) { out_ += '['; }
  ~JsonList() { out_ += ']'; }

  JsonList& Number(int64_t value) {
    Next();
    out_ += std::to_string(value);
    return *this;
  }
  JsonList& Index(size_t index) {
    return Number(index == Story::kNone ? -1 : static_cast<int64_t>(index));
  }
  JsonList& At(Time time) { return Number(ToNanoseconds(time)); }
  JsonList& Text(std::string_view text) {
    Next();
    AppendJsonString(out_, text);
    return *this;
  }
  // For a value that is written by hand.
  std::string& Next() {
    if (!first_) out_ += ',';
    first_ = false;
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

class JsonMembers {
 public:
  explicit JsonMembers(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonMembers() { out_ += '}'; }

  std::string& operator[](std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    AppendJsonString(out_, name);
    return out_ += ':';
  }
  void Number(std::string_view name, int64_t value) { (*this)[name] += std::to_string(value); }
  void Index(std::string_view name, size_t index) {
    Number(name, index == Story::kNone ? -1 : static_cast<int64_t>(index));
  }
  void At(std::string_view name, Time time) { Number(name, ToNanoseconds(time)); }
  void Text(std::string_view name, std::string_view text) { AppendJsonString((*this)[name], text); }
  void Flag(std::string_view name, bool value) { (*this)[name] += value ? "true" : "false"; }

 private:
  std::string& out_;
  bool first_ = true;
};

// Texts that come again and again, told once.
class TextTable {
 public:
  size_t IndexOf(const std::string& text) {
    const auto [at, added] = indices_.emplace(text, texts_.size());
    if (added) texts_.push_back(text);
    return at->second;
  }
  void Write(std::string& out) const {
    JsonList list(out);
    for (const std::string& text : texts_) list.Text(text);
  }

 private:
  std::map<std::string, size_t> indices_;
  std::vector<std::string> texts_;
};

class StoryWriter {
 public:
  explicit StoryWriter(const Story& story) : story_(story) {}

  std::string Write() {
    {
      JsonMembers members(out_);
      WriteRun(members);
      WriteLanes(members["lanes"]);
      WriteLives(members["lives"]);
      WriteEvents(members["events"]);
      WriteMessages(members["messages"]);
      WriteRoles(members["roles"]);
      WriteFaults(members["faults"]);
      WriteOperations(members["operations"]);
      WritePhases(members["phases"]);
      types_.Write(members["types"]);
      tasks_.Write(members["tasks"]);
      methods_.Write(members["methods"]);
    }
    return std::move(out_);
  }

 private:
  // One column of all events, or of all messages.
  template <class Of, class Add>
  void Column(JsonMembers& members, std::string_view name, const std::vector<Of>& all, Add add) {
    JsonList list(members[name]);
    for (const Of& each : all) add(list, each);
  }

  void WriteRun(JsonMembers& members);
  void WriteEvidence(std::string& out);
  void WriteLanes(std::string& out);
  void WriteLives(std::string& out);
  void WriteEvents(std::string& out);
  void WriteMessages(std::string& out);
  void WriteRoles(std::string& out);
  void WriteFaults(std::string& out);
  void WriteOperations(std::string& out);
  void WritePhases(std::string& out);

  const Story& story_;
  std::string out_;
  TextTable types_;
  TextTable tasks_;
  TextTable methods_;
};

int64_t SizeOf(const std::vector<bool>& marks) {
  return std::count(marks.begin(), marks.end(), true);
}

void StoryWriter::WriteRun(JsonMembers& members) {
  members.Text("scenario", story_.scenario);
  members.Text("seed", std::to_string(story_.seed));
  members.Text("replay", story_.replay_command);
  members.Text("diagnosis", story_.diagnosis);
  {
    JsonList list(members["facts"]);
    for (const auto& [name, value] : story_.facts) {
      JsonList(list.Next()).Text(name).Text(value);
    }
  }
  {
    JsonList list(members["failures"]);
    for (const Story::Failure& failure : story_.failures) {
      JsonMembers each(list.Next());
      each.Text("kind", failure.kind);
      each.Text("text", failure.text);
      each.At("time", failure.time);
      each.Index("event", failure.event);
    }
  }
  WriteEvidence(members["evidence"]);
  const std::vector<size_t> failed = WhatFailed(story_);
  {
    JsonList list(members["failed"]);
    for (const size_t event : failed) list.Index(event);
  }
  members.Number("pastSteps", SizeOf(CausalPast(story_, failed, Past::kSteps)));
  members.Number("pastAll", SizeOf(CausalPast(story_, failed, Past::kAll)));
  members.At("end", story_.end);
  members.At("detailsFrom", story_.details_from);
  members.At("detailsTo", story_.details_to);
  members.Number("detailsDropped", static_cast<int64_t>(story_.details_dropped));
  members.Number("milestonesDropped", static_cast<int64_t>(story_.milestones_dropped));
}

void StoryWriter::WriteEvidence(std::string& out) {
  if (!story_.evidence.has_value()) {
    out += "null";
    return;
  }
  JsonMembers members(out);
  {
    JsonList list(members["nodes"]);
    for (const Evidence::Node& node : story_.evidence->nodes) {
      JsonMembers each(list.Next());
      each.Text("label", node.label);
      each.Text("workload", node.ordinal < 0 ? "" : node.workload);
      each.Number("client", node.client);
      each.Number("ordinal", node.ordinal);
      each.Index("operation", OperationOf(story_, node));
    }
  }
  JsonList list(members["edges"]);
  for (const Evidence::Edge& edge : story_.evidence->edges) {
    JsonMembers each(list.Next());
    each.Index("from", edge.from);
    each.Index("to", edge.to);
    each.Text("label", edge.label);
  }
}

void StoryWriter::WriteLanes(std::string& out) {
  JsonList list(out);
  for (const Story::Lane& lane : story_.lanes) {
    JsonMembers each(list.Next());
    each.Text("process", lane.process);
    each.Text("machine", lane.machine);
    each.Text("zone", lane.zone);
    each.Text("data_center", lane.data_center);
    each.Flag("client", lane.client);
  }
}

void StoryWriter::WriteLives(std::string& out) {
  JsonList list(out);
  for (const Story::Life& life : story_.lives) {
    JsonMembers each(list.Next());
    each.Index("lane", life.lane);
    each.Number("life", life.incarnation);
    each.At("begin", life.begin);
    each.At("end", life.end);
    each.Text("why", life.why);
  }
}

void StoryWriter::WriteEvents(std::string& out) {
  JsonMembers members(out);
  using Event = Story::Event;
  const auto column = [&](std::string_view name, auto add) {
    Column(members, name, story_.events, add);
  };
  column("time", [](JsonList& list, const Event& each) { list.At(each.time); });
  column("lane", [](JsonList& list, const Event& each) { list.Index(each.lane); });
  column("life", [](JsonList& list, const Event& each) { list.Number(each.incarnation); });
  column("level",
         [](JsonList& list, const Event& each) { list.Number(static_cast<int>(each.level)); });
  column("type",
         [this](JsonList& list, const Event& each) { list.Index(types_.IndexOf(each.type)); });
  column("task",
         [this](JsonList& list, const Event& each) { list.Index(tasks_.IndexOf(each.task)); });
  column("message", [](JsonList& list, const Event& each) { list.Index(each.message); });
  column("causes", [](JsonList& list, const Event& each) {
    JsonList causes(list.Next());
    for (const size_t cause : each.causes) causes.Index(cause);
  });
  column("fields", [](JsonList& list, const Event& each) {
    JsonList fields(list.Next());
    for (const auto& [name, value] : each.fields) fields.Text(name).Text(value);
  });
}

void StoryWriter::WriteMessages(std::string& out) {
  JsonMembers members(out);
  using Message = Story::Message;
  const auto column = [&](std::string_view name, auto add) {
    Column(members, name, story_.messages, add);
  };
  column("kind",
         [](JsonList& list, const Message& each) { list.Number(static_cast<int>(each.kind)); });
  column("method", [this](JsonList& list, const Message& each) {
    list.Index(methods_.IndexOf(each.method));
  });
  column("sent", [](JsonList& list, const Message& each) { list.Index(each.sent); });
  column("received", [](JsonList& list, const Message& each) { list.Index(each.received); });
  column("to", [](JsonList& list, const Message& each) { list.Index(each.to); });
  column("error", [](JsonList& list, const Message& each) { list.Text(each.error); });
  column("late", [](JsonList& list, const Message& each) { list.Number(each.late ? 1 : 0); });
}

void StoryWriter::WriteRoles(std::string& out) {
  JsonList list(out);
  for (const Story::Role& role : story_.roles) {
    JsonMembers each(list.Next());
    each.Index("lane", role.lane);
    each.Text("name", role.name);
    each.Text("id", std::to_string(role.id));
    each.Number("generation", static_cast<int64_t>(role.generation));
    each.At("begin", role.begin);
    each.At("end", role.end);
    each.Text("why", role.why);
  }
}

void StoryWriter::WriteFaults(std::string& out) {
  JsonList list(out);
  for (const Story::Fault& fault : story_.faults) {
    JsonMembers each(list.Next());
    each.Index("event", fault.event);
    each.Text("kind", fault.kind);
    each.Text("what", fault.what);
    {
      JsonList lanes(each["lanes"]);
      for (const size_t lane : fault.lanes) lanes.Index(lane);
    }
    each.At("begin", fault.begin);
    each.At("end", fault.end);
  }
}

void StoryWriter::WriteOperations(std::string& out) {
  JsonList list(out);
  for (const Story::Operation& operation : story_.operations) {
    JsonMembers each(list.Next());
    each.Index("lane", operation.lane);
    each.Text("workload", operation.workload);
    each.Number("client", operation.client);
    each.Number("ordinal", operation.ordinal);
    each.Index("began", operation.began);
    each.Index("ended", operation.ended);
    each.At("begin", operation.begin);
    each.At("end", operation.end);
    each.Text("outcome", operation.outcome);
  }
}

void StoryWriter::WritePhases(std::string& out) {
  JsonList list(out);
  for (const Story::Phase& phase : story_.phases) {
    JsonMembers each(list.Next());
    each.Text("name", phase.name);
    each.At("begin", phase.begin);
  }
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
  const std::string json = StoryWriter(story).Write();
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
