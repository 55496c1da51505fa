// Streams of a process to itself: a listener's own process reaches it through memory, not through
// the kernel. A process that hosts all roles of a cluster talks to itself all the time.
//
// They keep the promises of core/env/network.h. With TLS, both ends prove the process's own
// certificate, which was checked when it was loaded.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/env/env.h"
#include "core/real/loop.h"

namespace orrery::real {

// The listeners of one process, by address.
class LocalListeners {
 public:
  // `own_name` is the common name of the process's certificate; empty without TLS.
  LocalListeners(Loop& loop, size_t unread_bytes_max, size_t backlog, std::string own_name);

  // A listener that hears `outside`, and those who connect from inside at its address.
  std::unique_ptr<Listener> Add(std::unique_ptr<Listener> outside);

  // A stream to the listener at `address`; nullptr when there is none of this process, or too many
  // streams wait to be accepted: the caller goes through the kernel.
  std::unique_ptr<Connection> Connect(NetworkAddress address);

 private:
  class LocalListener;
  struct ListenerCore;

  Loop& loop_;
  const size_t unread_bytes_max_;
  const size_t backlog_;
  const std::string own_name_;
  uint16_t next_port_ = 1;  // Of the connecting ends, which listen nowhere.
  std::map<NetworkAddress, ListenerCore*> listeners_;
};

}  // namespace orrery::real
