// FakeDatabase: a whole serialisable database in memory, as proxies and storage servers show it to
// clients: every version is kept, every conflict is found. Without Env; what its servers answer is
// fake_cluster.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/keys.h"
#include "core/base/version.h"
#include "txn/proxy/proxy.pb.h"
#include "txn/proxy/transaction_codec.h"

namespace orrery::testing {

class FakeDatabase {
 public:
  Version committed() const { return version_; }
  // Reads below are too old, and commits of transactions that read below.
  Version oldest() const { return oldest_; }
  void ForgetBefore(Version version) { oldest_ = version; }

  // `fences_conflict` off plants a defect: what only writes conflicts, as a fence does, is
  // forgotten.
  CommitReply Commit(const CommitTransactionRef& transaction, const std::string& id,
                     bool fences_conflict);

  std::optional<std::string> Get(KeyRef key, Version version) const;
  // Rows of the range in order.
  std::vector<std::pair<Key, std::string>> Rows(KeyRangeRef range, Version version) const;

  // Under which version the attempt was committed.
  std::optional<Version> VersionOf(const std::string& id) const;

 private:
  using Versions = std::vector<std::pair<Version, std::optional<std::string>>>;

  void Apply(const MutationRef& mutation, Version version);
  void Put(KeyRef key, Version version, std::optional<std::string> value);

  Version version_ = 1000;
  Version oldest_ = 0;
  std::map<Key, Versions, std::less<>> rows_;
  std::vector<std::pair<Version, KeyRange>> writes_;
  std::map<std::string, Version> committed_ids_;
};

}  // namespace orrery::testing
