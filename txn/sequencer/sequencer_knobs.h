// Limits of the sequencer.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_SEQUENCER_KNOBS(KNOB)                                                               \
  KNOB(int64_t, sequencer_unanswered_requests_max, 10000, random.Between(1000, 10000), "requests", \
       "of one proxy, whose answers are kept until it says that they arrived; more "               \
       "are refused")

ORRERY_DEFINE_KNOBS(SequencerKnobs, ORRERY_SEQUENCER_KNOBS);

}  // namespace orrery
