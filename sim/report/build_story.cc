// Events in order, and from them messages, lives, roles, faults and operations.
#include "sim/report/build_story.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/base/invariant.h"
#include "core/observe/story_events.h"
#include "sim/report/lane_order.h"
#include "sim/report/story_record.pb.h"
#include "sim/run/report.h"
#include "sim/world/process.h"

namespace orrery::sim {
namespace {

using namespace story_events;

constexpr size_t kNone = Story::kNone;

template <class T>
T NumberOf(std::string_view text) {
  T number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<StoryRecord> Decode(const std::vector<std::string>& encoded, size_t most) {
  std::vector<StoryRecord> records;
  const size_t skipped = encoded.size() - std::min(encoded.size(), most);
  for (size_t i = skipped; i < encoded.size(); ++i) {
    const bool parsed = records.emplace_back().ParseFromString(encoded[i]);
    INVARIANT(parsed, i);
  }
  return records;
}

class StoryBuilder {
 public:
  explicit StoryBuilder(const RunResult& result) : result_(result) {}

  Story Build(const ToldStory& told) {
    AddRun();
    AddEvents(told);
    FindLanes();
    FindFailures(told);
    for (size_t i = 0; i < story_.events.size(); ++i) {
      story_.end = std::max(story_.end, story_.events[i].time);
    }
    for (size_t i = 0; i < story_.events.size(); ++i) Interpret(i);
    CloseWhatIsOpen();
    return std::move(story_);
  }

 private:
  using RoleKey = std::tuple<size_t, std::string, uint64_t>;
  using OperationKey = std::tuple<std::string, int64_t, int64_t>;

  void AddRun();
  void AddEvents(const ToldStory& told);
  void FindLanes();
  void FindFailures(const ToldStory& told);
  size_t AddLastEvent(const RunFailure& failure, uint64_t running);
  void Interpret(size_t index);
  void OnMessage(size_t index);
  void OnSent(size_t index, Story::Message::Kind kind);
  void OnReceived(size_t index, Story::Message::Kind kind);
  void OnCallFailed(size_t index);
  void OnRole(size_t index);
  void OnLife(size_t index);
  void OnFault(size_t index);
  void OnOperation(size_t index);
  void CloseWhatIsOpen();
  size_t LaneNamed(std::string_view process) const;

  const RunResult& result_;
  Story story_;
  std::vector<std::string> processes_;  // Of each event.
  std::map<std::string, size_t, std::less<>> lanes_;
  std::map<std::string, std::string> methods_;                               // By call.
  std::map<std::pair<Story::Message::Kind, std::string>, size_t> messages_;  // By call.
  std::map<RoleKey, size_t> open_roles_;
  std::map<size_t, size_t> open_lives_;  // By lane.
  std::map<OperationKey, size_t> operations_;
  std::vector<size_t> open_faults_;
};

void StoryBuilder::AddRun() {
  story_.scenario = result_.scenario;
  story_.seed = result_.seed;
  story_.diagnosis = result_.diagnosis;
  story_.end = result_.simulated;
  story_.facts = {{"hash", HashText(result_.hash)},
                  {"events", std::to_string(result_.events)},
                  {"phase", result_.phase}};
  if (!result_.passed() && !result_.failures.front().evidence.empty()) {
    story_.evidence = result_.failures.front().evidence;
  }
  for (const auto& [name, value] : result_.metrics) {
    story_.facts.emplace_back(name, std::to_string(value));
  }
  for (const auto& list : {result_.knobs, result_.drawn}) {
    story_.facts.insert(story_.facts.end(), list.begin(), list.end());
  }
}

void StoryBuilder::AddEvents(const ToldStory& told) {
  std::vector<StoryRecord> records = Decode(told.milestones, kStoryMilestonesMax);
  std::vector<StoryRecord> details = Decode(told.details, kStoryDetailsMax);
  story_.milestones_dropped = told.milestones_dropped + told.milestones.size() - records.size();
  story_.details_dropped = told.details_dropped + told.details.size() - details.size();
  Span newest = told.wanted;
  if (story_.details_dropped > 0 && !details.empty()) {
    newest.from = TimeFromNanoseconds(details.front().time_ns());
  }
  story_.details = told.kept;
  story_.details.push_back(newest);
  story_.details = Joined(std::move(story_.details));
  const std::vector<StoryRecord> kept = Decode(told.kept_details, kStoryDetailsMax);
  records.insert(records.end(), kept.begin(), kept.end());
  records.insert(records.end(), std::make_move_iterator(details.begin()),
                 std::make_move_iterator(details.end()));
  std::ranges::sort(records, {}, [](const StoryRecord& each) { return each.ordinal(); });
  std::map<uint64_t, size_t> by_ordinal;
  for (const StoryRecord& record : records) {
    Story::Event event = {.time = TimeFromNanoseconds(record.time_ns()),
                          .incarnation = record.incarnation(),
                          .level = static_cast<TraceLevel>(record.level()),
                          .type = record.type(),
                          .task = record.task()};
    for (const StoryField& field : record.fields()) {
      event.fields.emplace_back(field.name(), field.value());
    }
    for (const uint64_t cause : record.causes()) {
      if (const auto at = by_ordinal.find(cause); at != by_ordinal.end()) {
        event.causes.push_back(at->second);
      }
    }
    by_ordinal[record.ordinal()] = story_.events.size();
    story_.events.push_back(std::move(event));
    processes_.push_back(record.process());
  }
}

void StoryBuilder::FindLanes() {
  for (const Story::Event& event : story_.events) {
    if (event.type != kProcessStarted) continue;
    const std::string& process = FieldOf(event, "process");
    if (!lanes_.emplace(process, 0).second) continue;
    story_.lanes.push_back({.process = process,
                            .machine = FieldOf(event, "machine"),
                            .zone = FieldOf(event, "zone"),
                            .data_center = FieldOf(event, "data_center"),
                            .client = FieldOf(event, "client") == "true"});
  }
  // Of a process whose start was not kept only the name is known.
  for (const std::string& process : processes_) {
    if (process.empty() || !lanes_.emplace(process, 0).second) continue;
    story_.lanes.push_back({.process = process, .machine = {}, .zone = {}, .data_center = {}});
  }
  SortLanes(story_.lanes);
  for (size_t i = 0; i < story_.lanes.size(); ++i) lanes_[story_.lanes[i].process] = i;
  for (size_t i = 0; i < story_.events.size(); ++i) {
    Story::Event& event = story_.events[i];
    event.lane = LaneNamed(processes_[i]);
    if (event.type != kProcessStarted && event.type != kProcessEnded) continue;
    event.lane = LaneNamed(FieldOf(event, "process"));
    event.incarnation = NumberOf<uint32_t>(FieldOf(event, "incarnation"));
  }
}

size_t StoryBuilder::LaneNamed(std::string_view process) const {
  const auto found = lanes_.find(process);
  return found == lanes_.end() ? kNone : found->second;
}

// The failures that the world told of are events already; those of the run's process (a crash) and
// those found after its end (a leak) come behind.
void StoryBuilder::FindFailures(const ToldStory& told) {
  std::vector<size_t> told_of;
  for (size_t i = 0; i < story_.events.size(); ++i) {
    if (story_.events[i].type == kRunFailed) told_of.push_back(i);
  }
  for (const RunFailure& failure : result_.failures) {
    const auto at = std::ranges::find_if(told_of, [&](size_t index) {
      const Story::Event& event = story_.events[index];
      return event.time == failure.time && FieldOf(event, "kind") == failure.kind;
    });
    size_t index = kNone;
    if (at != told_of.end()) {
      index = *at;
      told_of.erase(at);
    } else {
      index = AddLastEvent(failure, told.running);
    }
    story_.failures.push_back({failure.kind, failure.text, story_.events[index].time, index});
  }
}

size_t StoryBuilder::AddLastEvent(const RunFailure& failure, uint64_t running) {
  const size_t index = story_.events.size();
  Story::Event event = {.time = std::max(failure.time, story_.end),
                        .level = TraceLevel::kError,
                        .type = kRunFailed,
                        .task = {},
                        .fields = {{"kind", failure.kind}, {"text", failure.text}}};
  for (size_t i = index; i-- > 0 && event.lane == kNone;) {
    const Story::Event& last = story_.events[i];
    if (last.lane == kNone) continue;
    const std::string& process = story_.lanes[last.lane].process;
    if (Process::LoopKey(process, last.incarnation) != running) continue;
    event.lane = last.lane;
    event.incarnation = last.incarnation;
    event.causes = {i};
  }
  story_.events.push_back(std::move(event));
  return index;
}

void StoryBuilder::Interpret(size_t index) {
  const std::string& type = story_.events[index].type;
  if (type.starts_with("Rpc")) {
    OnMessage(index);
  } else if (type == kRoleBegan || type == kRoleEnded) {
    OnRole(index);
  } else if (type == kProcessStarted || type == kProcessEnded) {
    OnLife(index);
  } else if (type == kFaultBegan || type == kFaultSkipped || type == kFaultsHealed) {
    OnFault(index);
  } else if (type == kOperationBegan || type == kOperationEnded) {
    OnOperation(index);
  } else if (type == kPhaseBegan) {
    story_.phases.push_back({FieldOf(story_.events[index], "phase"), story_.events[index].time});
  }
}

void StoryBuilder::OnMessage(size_t index) {
  using Kind = Story::Message::Kind;
  const std::string& type = story_.events[index].type;
  if (type == kRequestSent) OnSent(index, Kind::kRequest);
  if (type == kReplySent) OnSent(index, Kind::kReply);
  if (type == kRequestReceived) OnReceived(index, Kind::kRequest);
  if (type == kReplyReceived) OnReceived(index, Kind::kReply);
  if (type == kCallFailed) OnCallFailed(index);
  if (type == kRequestCancelled) OnReceived(index, Kind::kCancel);
}

void StoryBuilder::OnSent(size_t index, Story::Message::Kind kind) {
  Story::Event& event = story_.events[index];
  const std::string& call = FieldOf(event, "call");
  if (kind == Story::Message::Kind::kRequest) methods_[call] = FieldOf(event, "method");
  Story::Message message = {.kind = kind, .call = call, .method = methods_[call], .error = {}};
  message.sent = index;
  message.to = LaneNamed(FieldOf(event, "peer"));
  message.error = FieldOf(event, "code");
  if (kind == Story::Message::Kind::kReply) {
    // It goes where the request came from.
    const auto request = messages_.find({Story::Message::Kind::kRequest, call});
    if (request != messages_.end()) {
      message.to = story_.events[story_.messages[request->second].sent].lane;
    }
  }
  event.message = story_.messages.size();
  messages_[{kind, call}] = event.message;
  story_.messages.push_back(std::move(message));
}

void StoryBuilder::OnReceived(size_t index, Story::Message::Kind kind) {
  Story::Event& event = story_.events[index];
  const std::string& call = FieldOf(event, "call");
  if (const std::string& method = FieldOf(event, "method"); !method.empty()) {
    methods_[call] = method;
  }
  const auto found = messages_.find({kind, call});
  if (found == messages_.end()) return;  // It was sent before what was kept.
  Story::Message& message = story_.messages[found->second];
  message.received = index;
  message.to = event.lane;
  message.late = FieldOf(event, "late") == "true";
  event.message = found->second;
}

// The request is known by it, and what tells the callee to stop.
void StoryBuilder::OnCallFailed(size_t index) {
  Story::Event& event = story_.events[index];
  const std::string call = FieldOf(event, "call");
  const auto found = messages_.find({Story::Message::Kind::kRequest, call});
  if (call.empty() || found == messages_.end()) return;
  Story::Message& request = story_.messages[found->second];
  request.error = FieldOf(event, "reason");
  event.message = found->second;
  event.causes.push_back(request.sent);
  std::ranges::sort(event.causes);
  const auto again = std::ranges::unique(event.causes);
  event.causes.erase(again.begin(), again.end());
  Story::Message cancel = {.kind = Story::Message::Kind::kCancel,
                           .call = call,
                           .method = request.method,
                           .sent = index,
                           .to = request.to,
                           .error = {}};
  messages_[{Story::Message::Kind::kCancel, call}] = story_.messages.size();
  story_.messages.push_back(std::move(cancel));
}

void StoryBuilder::OnRole(size_t index) {
  const Story::Event& event = story_.events[index];
  const RoleKey key = {event.lane, FieldOf(event, "role"),
                       NumberOf<uint64_t>(FieldOf(event, "role_id"))};
  if (event.lane == kNone) return;
  const auto open = open_roles_.find(key);
  if (open != open_roles_.end()) {
    Story::Role& role = story_.roles[open->second];
    role.end = event.time;
    role.why = FieldOf(event, "why");
    open_roles_.erase(open);
  }
  if (event.type != kRoleBegan) return;
  open_roles_[key] = story_.roles.size();
  story_.roles.push_back({.lane = event.lane,
                          .name = std::get<1>(key),
                          .id = std::get<2>(key),
                          .generation = NumberOf<uint64_t>(FieldOf(event, "generation")),
                          .begin = event.time,
                          .why = {}});
}

void StoryBuilder::OnLife(size_t index) {
  const Story::Event& event = story_.events[index];
  const size_t lane = event.lane;
  const auto open = open_lives_.find(lane);
  if (event.type == kProcessStarted) {
    open_lives_[lane] = story_.lives.size();
    story_.lives.push_back(
        {.lane = lane, .incarnation = event.incarnation, .begin = event.time, .why = {}});
    return;
  }
  if (open == open_lives_.end()) return;
  Story::Life& life = story_.lives[open->second];
  life.end = event.time;
  life.why = FieldOf(event, "why");
  open_lives_.erase(open);
  std::erase_if(open_roles_, [&](const auto& each) {
    if (std::get<0>(each.first) != lane) return false;
    story_.roles[each.second].end = event.time;
    story_.roles[each.second].why = "its process ended: " + life.why;
    return true;
  });
}

void StoryBuilder::OnFault(size_t index) {
  const Story::Event& event = story_.events[index];
  if (event.type == kFaultsHealed) {
    for (Story::Fault& fault : story_.faults) fault.end = std::min(fault.end, event.time);
    return;
  }
  if (event.type == kFaultSkipped) {
    const auto same = [&](const Story::Fault& each) {
      return FieldOf(story_.events[each.event], "fault") == FieldOf(event, "fault");
    };
    std::erase_if(story_.faults, same);
    return;
  }
  Story::Fault fault = {
      .event = index,
      .kind = FieldOf(event, "kind"),
      .what = FieldOf(event, "what"),
      .lanes = {},
      .begin = event.time,
      .end = event.time + Nanoseconds(NumberOf<int64_t>(FieldOf(event, "for_ns")))};
  const std::string targets = " " + FieldOf(event, "targets") + " ";
  for (size_t lane = 0; lane < story_.lanes.size(); ++lane) {
    const auto named = [&](const std::string& name) {
      return targets.find(" " + name + " ") != std::string::npos;
    };
    if (named(story_.lanes[lane].process) || named(story_.lanes[lane].machine)) {
      fault.lanes.push_back(lane);
    }
  }
  story_.faults.push_back(std::move(fault));
}

void StoryBuilder::OnOperation(size_t index) {
  const Story::Event& event = story_.events[index];
  const OperationKey key = {FieldOf(event, "workload"), NumberOf<int64_t>(FieldOf(event, "client")),
                            NumberOf<int64_t>(FieldOf(event, "ordinal"))};
  if (event.type == kOperationBegan) {
    operations_[key] = story_.operations.size();
    story_.operations.push_back({.lane = event.lane,
                                 .workload = std::get<0>(key),
                                 .client = std::get<1>(key),
                                 .ordinal = std::get<2>(key),
                                 .began = index,
                                 .begin = event.time,
                                 .end = story_.end,
                                 .outcome = {}});
    return;
  }
  const auto found = operations_.find(key);
  if (found == operations_.end()) return;
  Story::Operation& operation = story_.operations[found->second];
  operation.ended = index;
  operation.end = event.time;
  operation.outcome = FieldOf(event, "outcome");
}

void StoryBuilder::CloseWhatIsOpen() {
  for (const auto& [lane, life] : open_lives_) story_.lives[life].end = story_.end;
  for (const auto& [key, role] : open_roles_) story_.roles[role].end = story_.end;
  for (Story::Fault& fault : story_.faults) fault.end = std::min(fault.end, story_.end);
  for (Span& span : story_.details) span.to = std::min(span.to, story_.end);
}

}  // namespace

Story BuildStory(const ToldStory& told, const RunResult& result) {
  return StoryBuilder(result).Build(told);
}

}  // namespace orrery::sim
