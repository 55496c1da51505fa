// Stories told by hand, for tests: what a run would have told, event by event.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/report/build_story.h"
#include "sim/report/story.h"

namespace orrery::sim {

// One event of a process ("": of the world) at a time in milliseconds.
struct ToldEvent {
  double ms = 0;
  std::string process;
  std::string type;
  Story::Named fields;
  std::vector<uint64_t> causes;  // Ordinals, from 1.
  TraceLevel level = TraceLevel::kInfo;
  uint32_t incarnation = 1;
};

class Telling {
 public:
  // Gives the event's ordinal. Those of Debug level are details.
  uint64_t Tell(const ToldEvent& event);

  // Processes "NAME" of machine "m.NAME" and zone "z.NAME".
  void Start(const std::string& process, double ms, bool client = false, uint32_t life = 1);

  // A call from one process to another: a request, and its reply, each of which may get lost.
  // Gives the ordinals of sending, receiving, replying and hearing the reply; 0 for what was not.
  struct Call {
    uint64_t sent = 0;
    uint64_t received = 0;
    uint64_t replied = 0;
    uint64_t heard = 0;
  };
  Call TellCall(const std::string& from, const std::string& to, const std::string& method,
                double ms, std::vector<uint64_t> causes = {});

  ToldStory told;

 private:
  uint64_t ordinal_ = 0;
  int calls_ = 0;
};

// A run that failed by `kind` at that time.
RunResult FailedRun(const std::string& kind, const std::string& text, double ms);

// A story of about `events` events: clients whose operations call servers, faults, roles of several
// generations, texts that would break a page if they were not escaped, and a failure with evidence.
Story SampleStory(size_t events);

}  // namespace orrery::sim
