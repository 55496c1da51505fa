// LogCursor: all messages of one tag, in the order of versions, across generations and failures of
// logs. What a consumer of the log reads with.
//
//   LogCursor cursor(env, rpc, view, tag, durable_version);
//   while (true) {
//     CO_ASSIGN_OR_RETURN(LogCursor::Messages messages, co_await cursor.Next(bytes_max));
//     ... apply messages.versions; now everything up to messages.through is known ...
//   }
//
// It reads each version from the set of logs that holds it, from the team of its tag there, and
// goes on with another log of the team when one fails or cannot read a span. It never gives a
// version that is not known to be committed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/buffer.h"
#include "core/base/version.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "storage/log/log_system_view.h"
#include "storage/log/tags.h"

namespace orrery {

struct LogKnobs;

class LogCursor {
 public:
  struct VersionMessages {
    Version version;
    std::string_view batch;  // mutation_codec.h; valid as long as `attachment` below.
  };
  struct Messages {
    std::vector<VersionMessages> versions;      // Ascending, above position() before the call.
    Version through = kInvalidVersion;          // Everything up to here is in `versions`.
    Version known_committed = kInvalidVersion;  // At least `through`.
    Buffer attachment;
  };

  // Begins after version `after`. All outlive the cursor.
  LogCursor(Env& env, RpcClient& rpc, LogSystemView& view, Tag tag, Version after);

  // What follows position(), about `bytes_max` bytes of it, waiting until there is something (a
  // greater `through`, if without messages). Everything that fails is tried again for ever,
  // elsewhere and later, except that the consumer has lost its place: transaction_too_old, when
  // position() is before everything that the view still has, or when one log of the team says that
  // messages behind position() were popped and no other, each asked once since the last answer, has
  // them. (Only the consumer pops, so then it has forgotten what it had made durable.)
  // Cancel-safe: nothing is lost. One call at a time.
  Task<absl::StatusOr<Messages>> Next(uint32_t bytes_max);

  // Up to where Next has given everything.
  Version position() const { return position_; }

  // Tells every log of every set that may hold messages of the tag that those up to `version` are
  // not needed any more; logs outside of the tag's team, too, since they may have been sent them.
  // Tries once each; a later, higher pop makes up for a lost one. May run beside Next.
  Task<> Pop(Version version, uint64_t incarnation);

 private:
  struct Place {
    LogSet set;
    std::vector<size_t> team;
  };
  // What became of asking one log.
  enum class Answer : uint8_t { kMessages, kNothing, kPopped, kFailed, kSetChanged };

  absl::StatusOr<std::optional<Place>> FindPlace() const;
  Task<absl::Status> AwaitOtherPlace(uint64_t generation, Version end) const;
  Task<Answer> Ask(Place place, uint32_t bytes_max, Messages* out);
  Task<absl::Status> AskNextLog(const Place& place, Answer answer);
  Task<absl::Status> PopAt(LogMember log, Version version, uint64_t incarnation);

  Env& env_;
  RpcClient& rpc_;
  LogSystemView& view_;
  const LogKnobs& knobs_;
  const Tag tag_;
  Version position_;

  size_t rotation_ = 0;         // Which log of the team is asked.
  size_t failed_in_a_row_ = 0;  // Logs asked since the last one that had something, or had nothing.
  bool popped_somewhere_ = false;  // One of those said that messages behind position_ are gone.
  absl::btree_map<uint64_t, Version> popped_;  // By log: a pop up to here was answered.
};

// What to do when messages that are wanted were popped. Logs of a set may be popped to different
// places.
enum class WhatWasPopped : uint8_t {
  kLeaveOut,      // Their consumer has them: what is left is wanted.
  kBeginsBehind,  // The story begins behind them: nothing before what was popped is given, either.
};

// Reads all messages of `tag` in (after, through] from one ended, locked set: for recovery. Tries
// each log of the team; connection_failed or the last error when none can give everything.
Task<absl::StatusOr<std::vector<LogCursor::Messages>>> ReadLockedSet(Env& env, RpcClient& rpc,
                                                                     LogSet set, Tag tag,
                                                                     Version after, Version through,
                                                                     WhatWasPopped popped);

}  // namespace orrery
