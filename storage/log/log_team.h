// The team function: which logs of a set keep the messages of a tag. Everybody computes it alike
// from the generation record, so it never changes its meaning.
#pragma once

#include <cstddef>
#include <vector>

#include "storage/log/log.pb.h"
#include "storage/log/tags.h"

namespace orrery {

// Indexes into set.logs(), ascending. A storage tag: the log of index (id modulo number of logs),
// then, going round, each next log in a zone that is not there yet, until `replication` zones are.
// Every other tag: all logs. Fewer zones than the replication: all logs.
std::vector<size_t> LogTeamOf(Tag tag, const LogSet& set);

}  // namespace orrery
