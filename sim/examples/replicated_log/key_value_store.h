// KeyValueStore: what the commands of the log make, one after the other. Pure and deterministic:
// replicas that applied the same commands hold the same.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace orrery::sim::replicated_log {

class KeyValueStore {
 public:
  // Applies the next command: a serialised PutRequest, or nothing. A request that was applied
  // before, or that its client has given up, changes nothing. file_corrupt when it does not parse.
  absl::Status Apply(const std::string& command);

  // nullptr when it is not there. Valid until the next Apply.
  const std::string* Get(const std::string& key) const;
  uint64_t keys() const { return values_.size(); }

  // Hash of all commands applied, in order.
  uint64_t digest() const { return digest_; }

 private:
  // The requests of a client that were applied: all below `oldest` are over, of the others these.
  struct Client {
    uint64_t oldest = 1;
    std::set<uint64_t> applied;
  };

  std::map<std::string, std::string> values_;
  std::map<uint64_t, Client> clients_;
  uint64_t digest_ = 0;
};

}  // namespace orrery::sim::replicated_log
