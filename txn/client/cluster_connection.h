// ClusterConnection: which proxies a client can talk to now.
#pragma once

#include <cstdint>
#include <vector>

#include "core/async/notify.h"
#include "core/async/task.h"
#include "core/base/status.h"
#include "core/rpc/endpoint.h"

namespace orrery {

struct ProxyList {
  uint64_t generation = 0;  // 0: no generation accepts commits, as far as is known.
  std::vector<Endpoint> grv_proxies;
  std::vector<Endpoint> commit_proxies;
};

class ClusterConnection {
 public:
  virtual ~ClusterConnection() = default;

  // Keeps proxies() right, for ever.
  virtual Task<absl::Status> Run() = 0;

  const ProxyList& proxies() const { return proxies_; }
  // Told when proxies() changed.
  Notify& changed() { return changed_; }

 protected:
  void SetProxies(ProxyList proxies) {
    proxies_ = std::move(proxies);
    changed_.NotifyAll();
  }

 private:
  ProxyList proxies_;
  Notify changed_;
};

}  // namespace orrery
