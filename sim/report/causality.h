// What led to an event. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/report/story.h"

namespace orrery::sim {

enum class Past {
  // Step by step: what its task did before, who woke it, the message that it came with, and so on
  // (task_flow.h); and how the life of its process came about, after one that ended. Short, but
  // blind to what went through memory.
  kSteps,
  // Whatever may have mattered (happened before, Lamport 1978): all that its process did before in
  // the same life, and so on along every message; a life follows the one before it, whose disk it
  // has. Complete, and long.
  kAll,
};

// For each event of the story whether it is in the past of one of `events`, these included. The
// faults that lasted while something in that past happened at a process they are about belong to
// it too.
std::vector<bool> CausalPast(const Story& story, const std::vector<size_t>& events, Past past);

// Where to look back from: the failure that counts, and the ends of the operations that its
// evidence names. When nothing led to the failure, it is that something did not happen: then also
// the last that is known of every operation that did not end, and the last that every server that
// lives told. Empty when the run passed.
std::vector<size_t> WhatFailed(const Story& story);

// The operation that a node of evidence is about; Story::kNone when it is about none.
size_t OperationOf(const Story& story, const Evidence::Node& node);

}  // namespace orrery::sim
