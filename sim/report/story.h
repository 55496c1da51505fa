// Story: one run as data to draw from: who lived where and in which role, what was said to whom,
// what was broken, and why the run failed. Plain data; everything refers to everything else by
// index.
//
// A run that did more than a picture can hold keeps what stands out (all of Info level and above,
// and operations) over its whole length, and messages and other details of some spans of time:
// those before the failure, unless others were asked for, and those of the operations that the
// verdict's evidence names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/observe/trace.h"
#include "sim/run/evidence.h"

namespace orrery::sim {

// The most events of a story: of those that stand out, the newest; of details, the newest too.
inline constexpr size_t kStoryMilestonesMax = 20'000;
inline constexpr size_t kStoryDetailsMax = 40'000;

// From the first to the last moment.
struct Span {
  Time from{};
  Time to{};
  bool Contains(Time time) const { return from <= time && time <= to; }
};

struct Story {
  static constexpr size_t kNone = static_cast<size_t>(-1);
  using Named = std::vector<std::pair<std::string, std::string>>;

  // A process, through all of its lives.
  struct Lane {
    std::string process;
    std::string machine;
    std::string zone;
    std::string data_center;
    bool client = false;
  };

  // One life of a process.
  struct Life {
    size_t lane = 0;
    uint32_t incarnation = 0;
    Time begin{};
    Time end{};
    std::string why;  // Of its end: "killed", "ended", its error; "" when it had none.
  };

  // What happened at one moment.
  struct Event {
    Time time{};          // Of the world.
    size_t lane = kNone;  // kNone: of the world itself.
    uint32_t incarnation = 0;
    TraceLevel level = TraceLevel::kInfo;
    std::string type;
    std::string task;  // In which it happened; "": in none.
    Named fields;
    // Earlier events that led to it: of the same process, except where the world acts on one. Those
    // that were not kept are left out.
    std::vector<size_t> causes;
    size_t message = kNone;  // That it sends or receives, or gives up.
  };

  struct Message {
    enum class Kind { kRequest, kReply, kCancel };
    Kind kind = Kind::kRequest;
    std::string call;
    std::string method;
    size_t sent = kNone;      // Event; always there.
    size_t received = kNone;  // Event; kNone: it never was, or not before the end.
    size_t to = kNone;        // Lane.
    std::string error;        // A reply's, or why the caller of a request gave up.
    bool late = false;        // Nobody waited for it any more.
  };

  struct Role {
    size_t lane = 0;
    std::string name;
    uint64_t id = 0;
    uint64_t generation = 0;
    Time begin{};
    Time end{};
    std::string why;  // Of its end; "" when it had none.
  };

  struct Fault {
    size_t event = kNone;
    std::string kind;
    std::string what;
    std::vector<size_t> lanes;  // Empty: all.
    Time begin{};
    Time end{};  // As begin for one that lasts for no time.
  };

  // One operation of a client.
  struct Operation {
    size_t lane = 0;
    std::string workload;
    int64_t client = 0;
    int64_t ordinal = 0;
    size_t began = kNone;  // Event.
    size_t ended = kNone;  // Event; kNone: it did not.
    Time begin{};
    Time end{};
    std::string outcome;
  };

  struct Phase {
    std::string name;
    Time begin{};
  };

  struct Failure {
    std::string kind;
    std::string text;
    Time time{};
    size_t event = kNone;
  };

  // The run.
  std::string scenario;
  uint64_t seed = 0;
  std::string replay_command;
  std::string diagnosis;          // What its process wrote.
  Named facts;                    // Hash, counts, what was drawn: for people.
  std::vector<Failure> failures;  // None: it passed. The first counts.
  std::optional<Evidence> evidence;
  Time end{};

  std::vector<Lane> lanes;  // Clients first, then by place.
  std::vector<Life> lives;
  std::vector<Event> events;  // In the order in which they happened.
  std::vector<Message> messages;
  std::vector<Role> roles;
  std::vector<Fault> faults;
  std::vector<Operation> operations;
  std::vector<Phase> phases;

  std::vector<Span> details;        // Where messages and details were kept; ascending and apart.
  uint64_t details_dropped = 0;     // How many were not kept.
  uint64_t milestones_dropped = 0;  // Of what stands out.

  bool passed() const { return failures.empty(); }
};

// The value of a field; "" when it is not there.
const std::string& FieldOf(const Story::Event& event, std::string_view name);

// `spans` in order, those that meet made one.
std::vector<Span> Joined(std::vector<Span> spans);

}  // namespace orrery::sim
