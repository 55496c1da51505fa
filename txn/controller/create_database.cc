// The first record, and the register that keeps it.
#include "txn/controller/create_database.h"

#include "core/base/version.h"
#include "txn/controller/generation_record.pb.h"
#include "txn/coordinator/coordinator_client.h"

namespace orrery {

namespace {

constexpr uint32_t kFirstFeatureLevel = 1;
constexpr int64_t kFirstWindow = 5 * kVersionsPerSecond;

}  // namespace

Task<absl::Status> CreateDatabase(Env& env, RpcClient& rpc, const ClusterFile& cluster,
                                  const Configuration& configuration, Duration timeout) {
  GenerationRecord record;
  record.set_feature_level(kFirstFeatureLevel);
  record.set_window(kFirstWindow);
  for (const Mutation& row : configuration.Rows()) {
    record.add_initial_configuration(row.key.substr(kConfigurationPrefix.size()) + "=" + row.value);
  }
  std::string value = record.SerializeAsString();
  co_return co_await CreateRegister(env, rpc, cluster, std::move(value), timeout);
}

}  // namespace orrery
