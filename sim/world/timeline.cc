// One step of virtual time.
#include "sim/world/timeline.h"

#include "core/base/invariant.h"
#include "sim/world/loop.h"

namespace orrery::sim {

const char* NameOf(Happening happening) {
  switch (happening) {
    case Happening::kEvent:
      return "event";
    case Happening::kChoice:
      return "choice";
    case Happening::kProcess:
      return "process";
    case Happening::kConnect:
      return "connect";
    case Happening::kDelivery:
      return "delivery";
    case Happening::kFile:
      return "file";
    case Happening::kWork:
      return "work";
    case Happening::kFault:
      return "fault";
    case Happening::kDraw:
      return "draw";
    case Happening::kWorkload:
      return "workload";
  }
  return "unknown";
}

bool Timeline::Step() {
  if (heap_.empty()) return false;
  TimerNode& node = heap_.Pop();
  Loop& loop = *static_cast<Loop*>(node.clock);
  now_ = node.due;
  ++events_;
  loop.Fire(node);
  return true;
}

uint64_t Timeline::NextKey() const { return static_cast<Loop*>(heap_.Top().clock)->key(); }

void Timeline::AdvanceTo(Time time) {
  INVARIANT(NextDue() >= time, ToNanoseconds(time));
  if (time > now_) now_ = time;
}

}  // namespace orrery::sim
