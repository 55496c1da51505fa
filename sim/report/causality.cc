// A walk back from an event.
#include "sim/report/causality.h"

#include <algorithm>
#include <map>

#include "core/observe/story_events.h"

namespace orrery::sim {
namespace {

constexpr size_t kNone = Story::kNone;

class Walk {
 public:
  Walk(const Story& story, Past past) : story_(story), past_(past), seen_(story.events.size()) {
    std::map<size_t, size_t> last;    // By lane.
    std::map<size_t, size_t> starts;  // Likewise, of the life that it is in.
    before_.assign(story.events.size(), kNone);
    start_.assign(story.events.size(), kNone);
    for (size_t i = 0; i < story.events.size(); ++i) {
      const size_t lane = story.events[i].lane;
      if (lane == kNone) continue;
      if (story.events[i].type == story_events::kProcessStarted) starts[lane] = i;
      if (const auto at = starts.find(lane); at != starts.end()) start_[i] = at->second;
      if (const auto at = last.find(lane); at != last.end()) before_[i] = at->second;
      last[lane] = i;
    }
  }

  std::vector<bool> Back(const std::vector<size_t>& from) {
    for (const size_t event : from) Visit(event);
    while (!todo_.empty()) {
      const size_t event = todo_.back();
      todo_.pop_back();
      Parents(event);
    }
    AddFaults();
    return std::move(seen_);
  }

 private:
  // From the first to the last event in the past.
  struct Reach {
    Time first = Time::max();
    Time last = Time::min();
    void Add(Time time) {
      first = std::min(first, time);
      last = std::max(last, time);
    }
    bool Touches(const Story::Fault& fault) const {
      return fault.begin <= last && fault.end >= first;
    }
  };

  void Visit(size_t event) {
    if (event == kNone || seen_[event]) return;
    seen_[event] = true;
    todo_.push_back(event);
  }

  void Parents(size_t index) {
    const Story::Event& event = story_.events[index];
    for (const size_t cause : event.causes) Visit(cause);
    if (event.message != kNone && story_.messages[event.message].received == index) {
      Visit(story_.messages[event.message].sent);
    }
    if (past_ == Past::kAll) return Visit(before_[index]);  // Across lives, too.
    // A life has what the one before left on the disk.
    if (event.incarnation > 1) Visit(start_[index]);
    if (event.type == story_events::kProcessStarted || event.type == story_events::kProcessEnded) {
      Visit(before_[index]);
    }
  }

  // A fault is known by whom it is about, not by a message.
  void AddFaults() {
    std::vector<Reach> of_lanes(story_.lanes.size());
    Reach of_all;
    for (size_t i = 0; i < seen_.size(); ++i) {
      const Story::Event& event = story_.events[i];
      if (!seen_[i] || event.lane == kNone) continue;
      of_lanes[event.lane].Add(event.time);
      of_all.Add(event.time);
    }
    for (const Story::Fault& fault : story_.faults) {
      bool touches = fault.lanes.empty() && of_all.Touches(fault);
      for (const size_t lane : fault.lanes) touches = touches || of_lanes[lane].Touches(fault);
      if (touches) seen_[fault.event] = true;
    }
  }

  const Story& story_;
  const Past past_;
  std::vector<bool> seen_;
  std::vector<size_t> before_;  // The event before it on the same lane.
  std::vector<size_t> start_;   // The start of the life that it is in.
  std::vector<size_t> todo_;
};

// The last event on its lane that the beginning of an operation led to.
size_t LastOf(const Story& story, const Story::Operation& operation) {
  std::vector<bool> led_to(story.events.size());
  size_t last = operation.began;
  led_to[last] = true;
  for (size_t i = last + 1; i < story.events.size(); ++i) {
    const Story::Event& event = story.events[i];
    bool follows = std::ranges::any_of(event.causes, [&](size_t cause) { return led_to[cause]; });
    if (event.message != kNone && story.messages[event.message].received == i) {
      follows = follows || led_to[story.messages[event.message].sent];
    }
    led_to[i] = follows;
    if (follows && event.lane == operation.lane) last = i;
  }
  return last;
}

// What stands out of the last that each server told, if it lives when `failure` happens.
std::vector<size_t> LastOfServers(const Story& story, size_t failure) {
  std::vector<size_t> last(story.lanes.size(), kNone);
  for (size_t i = 0; i < failure; ++i) {
    const Story::Event& event = story.events[i];
    if (event.lane == kNone || story.lanes[event.lane].client) continue;
    if (event.type == story_events::kProcessEnded) last[event.lane] = kNone;
    if (event.level >= TraceLevel::kInfo && event.type != story_events::kProcessEnded) {
      last[event.lane] = i;
    }
  }
  std::erase(last, kNone);
  return last;
}

}  // namespace

std::vector<bool> CausalPast(const Story& story, const std::vector<size_t>& events, Past past) {
  return Walk(story, past).Back(events);
}

std::vector<size_t> WhatFailed(const Story& story) {
  std::vector<size_t> events;
  if (story.passed()) return events;
  const size_t failure = story.failures.front().event;
  if (failure != kNone) events.push_back(failure);
  if (failure != kNone && story.events[failure].causes.empty() && !story.evidence.has_value()) {
    const std::vector<size_t> servers = LastOfServers(story, failure);
    events.insert(events.end(), servers.begin(), servers.end());
    for (const Story::Operation& operation : story.operations) {
      if (operation.ended == kNone) events.push_back(LastOf(story, operation));
    }
  }
  if (story.evidence.has_value()) {
    for (const Evidence::Node& node : story.evidence->nodes) {
      const size_t operation = OperationOf(story, node);
      if (operation == kNone) continue;
      const Story::Operation& about = story.operations[operation];
      events.push_back(about.ended != kNone ? about.ended : about.began);
    }
  }
  return events;
}

size_t OperationOf(const Story& story, const Evidence::Node& node) {
  const auto found = std::ranges::find_if(story.operations, [&](const Story::Operation& each) {
    return each.workload == node.workload && each.client == node.client &&
           each.ordinal == node.ordinal;
  });
  if (node.ordinal < 0 || found == story.operations.end()) return kNone;
  return static_cast<size_t>(found - story.operations.begin());
}

}  // namespace orrery::sim
