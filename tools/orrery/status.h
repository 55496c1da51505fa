// What `orrery status` and the shell's `status` look at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/server/storage.pb.h"
#include "tools/orrery/command.h"
#include "txn/controller/controller.pb.h"

namespace orrery::tools {

struct ClusterView {
  struct Coordinator {
    Endpoint at;
    absl::Status answer;
    bool ready;  // It has its part of a database.
    bool answers() const { return answer.ok(); }
  };
  struct Storage {
    StorageTagInfo info;
    std::optional<StorageStatusReply> reply;  // Nothing: it does not answer.
  };
  std::vector<Coordinator> coordinators;
  std::optional<ClusterStatusReply> status;  // Nothing: no controller answered, because of:
  absl::Status controller_error;
  std::vector<Storage> storage;
};

// Asks everybody; waits at most `patience` for a controller, and 2 s for each other process.
Task<ClusterView> LookAtCluster(Client client, Duration patience);

std::string StatusSentences(const ClusterView& view);

}  // namespace orrery::tools
