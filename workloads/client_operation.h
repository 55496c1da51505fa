// Which operation of a workload did what a checker tells of: for evidence.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "sim/run/evidence.h"

namespace orrery::workloads {

struct ClientOperation {
  int client = -1;       // -1: of no client.
  int64_t ordinal = -1;  // Of the client's operations (sim/run/operations.h); -1: not known.

  // What it did. The workload is for the workload to name: Load::NameOperations.
  sim::Evidence::Node Node(std::string label) const {
    return {.label = std::move(label), .client = client, .ordinal = ordinal};
  }
};

}  // namespace orrery::workloads
