// StorageReads: the reads of a storage server: they wait for their version, then merge window and
// engine. Where the engine has its rows in memory nothing is waited for and no row is copied but
// into the reply.
#pragma once

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "core/async/notify.h"
#include "core/env/env.h"
#include "core/rpc/method.h"
#include "storage/engine/engine.h"
#include "storage/server/storage.pb.h"
#include "storage/server/storage_knobs.h"
#include "storage/server/storage_state.h"

namespace orrery {

class StorageReads {
 public:
  template <class M>
  using Reply = Task<absl::StatusOr<Message<M>>>;

  // `on_engine_error` is told when the engine is at its end. All outlive this.
  StorageReads(Env& env, const StorageState& state, Engine& engine,
               absl::AnyInvocable<void(absl::Status)> on_engine_error);

  Reply<GetValueReply> GetValue(Message<GetValueRequest> request, CallInfo info);
  Reply<GetValuesReply> GetValues(Message<GetValuesRequest> request, CallInfo info);
  Reply<GetRangeReply> GetRange(Message<GetRangeRequest> request, CallInfo info);
  Reply<GetKeyReply> GetKey(Message<GetKeyRequest> request, CallInfo info);
  Reply<EstimateRangeReply> EstimateRange(Message<EstimateRangeRequest> request, CallInfo info);

  // state.applied() grew: wakes reads that wait for their version.
  void VersionAdvanced() { advanced_.NotifyAll(); }

  uint64_t reads() const { return reads_; }
  uint64_t rows_read() const { return rows_read_; }

 private:
  Task<absl::Status> AwaitVersion(Version version, uint64_t request_bytes);
  Task<absl::Status> UntilApplied(Version version);

  bool PointNow(KeyRef key, Version version, std::optional<std::string_view>& value) const;
  Task<absl::StatusOr<std::optional<std::string>>> Point(Key key, Version version);
  template <class Sink>
  bool RangeNow(KeyRange& rest, Version version, bool reverse, Sink& sink, bool& done) const;
  template <class Sink>
  Task<absl::Status> Range(KeyRange range, Version version, bool reverse, Sink& sink);
  Task<absl::StatusOr<uint64_t>> CountKeys(KeyRange range, Version version, bool reverse,
                                           uint64_t rows, Key& last);
  absl::Status EngineFailed(absl::Status status);

  Env& env_;
  const StorageKnobs& knobs_;
  const StorageState& state_;
  Engine& engine_;
  absl::AnyInvocable<void(absl::Status)> on_engine_error_;
  Notify advanced_;
  uint64_t waiting_bytes_ = 0;
  uint64_t reads_ = 0;
  uint64_t rows_read_ = 0;
};

}  // namespace orrery
