// RunStorage: the role with the log as its source of messages.
#include <utility>

#include "storage/server/storage_role.h"

namespace orrery {
namespace {

class LogSource final : public MessageSource {
 public:
  LogSource(Env& env, RpcClient& rpc, LogSystemView& view, Tag tag, Version after)
      : cursor_(env, rpc, view, tag, after) {}

  Task<absl::StatusOr<LogCursor::Messages>> Next(uint32_t bytes_max) override {
    return cursor_.Next(bytes_max);
  }
  Task<> Pop(Version version, uint64_t incarnation) override {
    return cursor_.Pop(version, incarnation);
  }

 private:
  LogCursor cursor_;
};

}  // namespace

Task<absl::Status> RunStorage(RoleContext context, StorageOptions options, LogSystemView& view) {
  Env& env = context.env;
  RpcClient& rpc = context.rpc;
  const Tag tag = options.tag;
  MakeMessageSource make = [&env, &rpc, &view, tag](Version after) {
    return std::make_unique<LogSource>(env, rpc, view, tag, after);
  };
  co_return co_await RunStorageFrom(std::move(context), std::move(options), std::move(make));
}

}  // namespace orrery
