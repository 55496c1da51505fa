// Which set, which log of it, and what to do when that one fails.
#include "storage/log/log_cursor.h"

#include <algorithm>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/when_all.h"
#include "core/async/when_any.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/locked_reader.h"
#include "storage/log/log_knobs.h"
#include "storage/log/log_methods.h"
#include "storage/log/log_team.h"

namespace orrery {

LogCursor::LogCursor(Env& env, RpcClient& rpc, LogSystemView& view, Tag tag, Version after)
    : env_(env),
      rpc_(rpc),
      view_(view),
      knobs_(env.knobs().Get<LogKnobs>()),
      tag_(tag),
      position_(after),
      rotation_(tag.id) {}

// The newest set that has what follows position_; nothing when it is not published yet. (Where sets
// overlap the newer one has copies, and the older one may have lost logs.)
absl::StatusOr<std::optional<LogCursor::Place>> LogCursor::FindPlace() const {
  const LogSystem& system = view_.current();
  if (system.sets_size() == 0) return std::nullopt;
  if (position_ < system.sets(0).begin()) return Error(ErrorCode::transaction_too_old);
  int i = system.sets_size() - 1;
  while (system.sets(i).begin() > position_) --i;
  const LogSet& set = system.sets(i);
  if (set.logs_size() == 0 || (set.end() >= 0 && position_ >= set.end())) return std::nullopt;
  return Place{set, LogTeamOf(tag_, set)};
}

// Until what follows position_ is no more in the set of `generation` that ends at `end`.
Task<absl::Status> LogCursor::AwaitOtherPlace(uint64_t generation, Version end) const {
  for (;;) {
    const absl::StatusOr<std::optional<Place>> now = FindPlace();
    if (!now.ok() || !now->has_value() || (*now)->set.generation() != generation ||
        (*now)->set.end() != end) {
      co_return absl::OkStatus();
    }
    co_await view_.changed().Wait();
  }
}

Task<absl::StatusOr<LogCursor::Messages>> LogCursor::Next(uint32_t bytes_max) {
  for (;;) {
    CO_ASSIGN_OR_RETURN(const std::optional<Place> place, FindPlace());
    if (!place.has_value()) {
      co_await view_.changed().Wait();
      continue;
    }
    Messages messages;
    const Answer answer = co_await Ask(*place, bytes_max, &messages);
    if (answer == Answer::kMessages) {
      failed_in_a_row_ = 0;
      popped_somewhere_ = false;
      if (messages.through == place->set.end()) PROBE(env_, "log.cursor_at_end_of_set");
      position_ = messages.through;
      messages.known_committed = std::max(messages.known_committed, messages.through);
      co_return messages;
    }
    CO_RETURN_IF_ERROR(co_await AskNextLog(*place, answer));
  }
}

Task<LogCursor::Answer> LogCursor::Ask(Place place, uint32_t bytes_max, Messages* out) {
  const size_t index = place.team[rotation_ % place.team.size()];
  const Version end = place.set.end();
  Task<absl::StatusOr<Peeked>> peek =
      PeekLog(env_, rpc_, place.set.logs(static_cast<int>(index)), tag_, position_, end, bytes_max);
  auto first = co_await WhenAny(std::move(peek), AwaitOtherPlace(place.set.generation(), end));
  if (first.index() == 1) {
    PROBE(env_, "log.cursor_set_changed");
    co_return Answer::kSetChanged;
  }
  absl::StatusOr<Peeked>& peeked = std::get<0>(first);
  if (!peeked.ok()) co_return Answer::kFailed;
  if (peeked->popped > position_) co_return Answer::kPopped;
  if (peeked->messages.through > position_) {
    *out = std::move(peeked->messages);
    co_return Answer::kMessages;
  }
  // Of an ended set this log does not have all.
  co_return end >= 0 ? Answer::kFailed : Answer::kNothing;
}

// After an answer without messages.
Task<absl::Status> LogCursor::AskNextLog(const Place& place, Answer answer) {
  if (answer == Answer::kSetChanged || answer == Answer::kNothing) {
    failed_in_a_row_ = 0;
    popped_somewhere_ = false;
    co_return absl::OkStatus();
  }
  PROBE(env_, "log.cursor_asks_another");
  popped_somewhere_ = popped_somewhere_ || answer == Answer::kPopped;
  ++failed_in_a_row_;
  ++rotation_;
  if (popped_somewhere_ && failed_in_a_row_ >= place.team.size()) {
    PROBE(env_, "log.cursor_lost_its_place");
    co_return Error(ErrorCode::transaction_too_old);
  }
  Duration ceiling = knobs_.log_retry_delay_min;
  for (size_t i = 1; i < failed_in_a_row_ && ceiling < knobs_.log_retry_delay_max; ++i) {
    ceiling *= 2;
  }
  ceiling = std::min(ceiling, Duration(knobs_.log_retry_delay_max));
  co_await Sleep(env_.clock(), env_.random("log.cursor").Between(Duration(0), ceiling));
  co_return absl::OkStatus();
}

Task<> LogCursor::Pop(Version version, uint64_t incarnation) {
  absl::btree_map<uint64_t, Version> known;
  std::vector<Task<absl::Status>> pops;
  for (const LogSet& set : view_.current().sets()) {
    const Version wanted = set.end() < 0 ? version : std::min(version, set.end());
    if (wanted <= set.begin()) continue;
    for (const LogMember& log : set.logs()) {
      const auto at = popped_.find(log.log_id());
      if (at != popped_.end()) known.insert(*at);
      if (at != popped_.end() && at->second >= wanted) continue;
      pops.push_back(PopAt(log, wanted, incarnation));
    }
  }
  popped_ = std::move(known);  // Forgets logs that are gone.
  co_await WhenAll(std::move(pops));
}

Task<absl::Status> LogCursor::PopAt(LogMember log, Version version, uint64_t incarnation) {
  Message<PopRequest> request;
  request.header.mutable_tag()->set_kind(static_cast<uint32_t>(tag_.kind));
  request.header.mutable_tag()->set_id(tag_.id);
  request.header.set_incarnation(incarnation);
  request.header.set_version(version);
  const absl::StatusOr<Message<PopReply>> reply = co_await rpc_.Call(
      FromMessage(log.endpoint()), kPop, std::move(request), knobs_.log_pop_timeout);
  if (!reply.ok()) co_return absl::OkStatus();  // A later pop makes up for it.
  Version& popped = popped_[log.log_id()];
  popped = std::max(popped, version);
  co_return absl::OkStatus();
}

}  // namespace orrery
