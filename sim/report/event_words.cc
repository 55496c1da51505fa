// Lines for events.
#include "sim/report/event_words.h"

#include <cstdio>

#include "core/observe/story_events.h"

namespace orrery::sim {
namespace {

using namespace story_events;

constexpr size_t kNone = Story::kNone;

std::string LaneName(const Story& story, size_t lane) {
  return lane == kNone ? "?" : story.lanes[lane].process;
}

std::string OperationName(const Story::Event& event) {
  return FieldOf(event, "workload") + "/" + FieldOf(event, "client") + " #" +
         FieldOf(event, "ordinal");
}

// What a message says: its header, and its attachment.
std::string Content(const Story::Event& event) {
  std::string content;
  for (const char* const name : {"header", "attachment"}) {
    const std::string& text = FieldOf(event, name);
    if (!text.empty()) content += "  " + text;
  }
  return content;
}

std::string MessageWords(const Story& story, const Story::Event& event) {
  const Story::Message* const message =
      event.message == kNone ? nullptr : &story.messages[event.message];
  const std::string method = message != nullptr ? message->method : FieldOf(event, "method");
  const std::string& peer = FieldOf(event, "peer");
  const std::string code =
      FieldOf(event, "code").empty() ? "" : " (" + FieldOf(event, "code") + ")";
  std::string from = peer;
  std::string to = peer;
  std::string under_way;
  if (message != nullptr) {
    const Story::Event& sent = story.events[message->sent];
    from = LaneName(story, sent.lane);
    if (message->to != kNone) to = LaneName(story, message->to);
    under_way = ", " + SpanText(event.time - sent.time) + " under way";
  }
  if (event.type == kRequestSent) return "-> " + to + "  " + method + Content(event);
  if (event.type == kRequestReceived) return "<- " + from + "  " + method + under_way;
  if (event.type == kReplySent)
    return "-> " + to + "  " + method + " reply" + code + Content(event);
  if (event.type == kReplyReceived) {
    return "<- " + from + "  " + method + " reply" + code + under_way +
           (FieldOf(event, "late").empty() ? "" : ", late");
  }
  if (event.type == kCallFailed) {
    return "-x " + to + "  " + method + " failed: " + FieldOf(event, "reason");
  }
  return method + " given up by its caller";
}

}  // namespace

std::string EventWords(const Story& story, size_t index) {
  const Story::Event& event = story.events[index];
  const std::string& type = event.type;
  const auto of = [&](const char* name) { return FieldOf(event, name); };
  for (const char* const message : {kRequestSent, kRequestReceived, kReplySent, kReplyReceived,
                                    kCallFailed, kRequestCancelled}) {
    if (type == message) return MessageWords(story, event);
  }
  if (type == kRoleBegan) {
    return "role " + of("role") + " began, generation " + of("generation");
  }
  if (type == kRoleEnded) return "role " + of("role") + " ended: " + of("why");
  if (type == kProcessStarted) return "process started, life " + of("incarnation");
  if (type == kProcessEnded) return "process ended: " + of("why");
  if (type == kFaultBegan) return "fault: " + of("what");
  if (type == kFaultSkipped) return "fault skipped: " + of("kind");
  if (type == kFaultsHealed) return "all faults end";
  if (type == kPhaseBegan) return "phase " + of("phase");
  if (type == kOperationBegan) return "operation " + OperationName(event) + " began " + of("what");
  if (type == kOperationEnded) {
    return "operation " + OperationName(event) + " ended: " + of("outcome");
  }
  if (type == kRunFailed) return "FAILED " + of("kind") + ": " + of("text");
  std::string words = type;
  for (const auto& [name, value] : event.fields) words += " " + name + "=" + value;
  return words;
}

std::string SecondsText(Time time) {
  char text[40];
  const int64_t micros = ToNanoseconds(time) / 1000;
  std::snprintf(text, sizeof text, "%lld.%06lld", static_cast<long long>(micros / 1'000'000),
                static_cast<long long>(micros % 1'000'000));
  return text;
}

std::string SpanText(Duration span) {
  char text[40];
  const auto show = [&](int64_t unit, const char* name) {
    const int64_t thousandths = span.count() * 1000 / unit;
    std::snprintf(text, sizeof text, "%lld.%03lld %s", static_cast<long long>(thousandths / 1000),
                  static_cast<long long>(thousandths % 1000), name);
  };
  if (span >= Seconds(1)) {
    show(1'000'000'000, "s");
  } else if (span >= Milliseconds(1)) {
    show(1'000'000, "ms");
  } else {
    show(1'000, "us");
  }
  return text;
}

}  // namespace orrery::sim
