// The cluster file: how processes and clients find a cluster. One line, in FoundationDB's syntax,
//
//   description:id@host:port,host:port,...
//
// with the addresses of the coordinators; lines that begin with # are comments. The description has
// letters, digits and underscores, the id letters and digits. The same "description:id" is what the
// RPC handshake compares, and the register of the coordinators is under the id made of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/rpc/endpoint.h"
#include "txn/coordinator/generation_register.h"

namespace orrery {

struct ClusterFile {
  std::string description;
  std::string id;
  std::vector<Endpoint> coordinators;

  // cluster_file_invalid, with one line: where (line and character, from 1), what is wrong or
  // expected. Blank lines and blanks around the line are allowed.
  static absl::StatusOr<ClusterFile> Parse(std::string_view text);
  // The line, without its end.
  std::string ToString() const;

  // For the RPC handshake and for files.
  std::string cluster_name() const { return description + ":" + id; }
  // XXH3 of cluster_name().
  RegisterId register_id() const;
};

// "host:port" of a coordinator.
std::string ToText(const Endpoint& coordinator);

}  // namespace orrery
