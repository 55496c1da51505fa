// Links of the chain: first answers, repeated answers, and waits.
#include "txn/sequencer/version_assigner.h"

#include <algorithm>

#include "core/base/invariant.h"

namespace orrery {

VersionAssigner::VersionAssigner(Options options, Time now)
    : window_(options.window),
      uncommitted_max_(options.uncommitted_max),
      unanswered_max_(options.unanswered_max),
      last_(options.first_version),
      committed_(options.first_version),
      last_time_(now) {
  INVARIANT(window_ > 0 && uncommitted_max_ > 0 && unanswered_max_ > 0, window_, uncommitted_max_);
  for (const uint64_t id : options.proxy_ids) proxies_[id];
}

absl::StatusOr<std::optional<VersionLink>> VersionAssigner::Request(uint64_t proxy_id,
                                                                    uint64_t number,
                                                                    uint64_t answered_through,
                                                                    Time now, bool leap) {
  const auto at = proxies_.find(proxy_id);
  if (at == proxies_.end()) return Error(ErrorCode::generation_ended);
  Proxy& proxy = at->second;
  const uint64_t given = proxy.answered_through + proxy.answers.size();
  if (number == 0 || answered_through >= number || answered_through > given) {
    return Error(ErrorCode::invalid_argument);
  }
  while (proxy.answered_through < answered_through) {
    proxy.answers.pop_front();
    ++proxy.answered_through;
  }
  if (number <= proxy.answered_through) return Error(ErrorCode::generation_ended);
  if (number <= given) return proxy.answers[number - proxy.answered_through - 1];
  if (number - proxy.answered_through > unanswered_max_) return Error(ErrorCode::overloaded);
  if (number > given + 1) return std::nullopt;
  if (last_ >= committed_ + uncommitted_max_) return std::nullopt;

  const Version version = std::min(last_ + Step(now, leap), committed_ + uncommitted_max_);
  const VersionLink link{last_, version};
  INVARIANT(link.version > link.previous && link.version - link.previous <= window_, link.previous,
            link.version);
  last_ = version;
  proxy.answers.push_back(link);
  return link;
}

// What has passed since the last link. Parts of a version are kept for the next one, unless the
// step is cut: then the clock's lead is forgotten, not caught up with.
Version VersionAssigner::Step(Time now, bool leap) {
  constexpr int64_t kNanosecondsPerVersion = 1'000'000'000 / kVersionsPerSecond;
  const int64_t passed = std::max<int64_t>(0, ToNanoseconds(now - last_time_));
  const Version elapsed = passed / kNanosecondsPerVersion;
  const Version step = leap ? window_ : std::clamp<Version>(elapsed, 1, window_);
  last_time_ = std::max(last_time_, now);
  if (step == elapsed) last_time_ -= Nanoseconds(passed % kNanosecondsPerVersion);
  return step;
}

absl::StatusOr<bool> VersionAssigner::Report(Version version) {
  if (version > last_) return Error(ErrorCode::invalid_argument);
  if (version <= committed_) return false;
  committed_ = version;
  return true;
}

size_t VersionAssigner::kept() const {
  size_t answers = 0;
  for (const auto& [id, proxy] : proxies_) answers += proxy.answers.size();
  return answers;
}

}  // namespace orrery
