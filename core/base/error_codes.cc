// The table behind error_codes.h, sorted by number as the X-macro lists it.
#include "core/base/error_codes.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace orrery {
namespace {

constexpr ErrorInfo kOk = {ErrorCode::ok, "ok", "success", false, false};

constexpr auto kTable = std::to_array<ErrorInfo>({
#define ORRERY_X(name, number, retryable, maybe_done, text) \
  {ErrorCode::name, #name, text, retryable, maybe_done},
    ORRERY_ERROR_CODES(ORRERY_X)
#undef ORRERY_X
});

constexpr bool ByCode(const ErrorInfo& a, const ErrorInfo& b) { return a.code < b.code; }
static_assert(std::is_sorted(kTable.begin(), kTable.end(), ByCode), "keep the table sorted");

const ErrorInfo* Find(ErrorCode code) {
  if (code == ErrorCode::ok) return &kOk;
  const auto at =
      std::lower_bound(kTable.begin(), kTable.end(), ErrorInfo{code, {}, {}, false, false}, ByCode);
  return at != kTable.end() && at->code == code ? &*at : nullptr;
}

}  // namespace

const ErrorInfo& InfoOf(ErrorCode code) {
  const ErrorInfo* info = Find(code);
  return info != nullptr ? *info : *Find(ErrorCode::internal_error);
}

absl::Status Error(ErrorCode code, std::string_view message) {
  return absl::Status(static_cast<absl::StatusCode>(code),
                      absl::string_view(message.data(), message.size()));
}

ErrorCode CodeOf(const absl::Status& status) {
  const ErrorCode code = static_cast<ErrorCode>(status.raw_code());
  return Find(code) != nullptr ? code : ErrorCode::internal_error;
}

std::string Describe(const absl::Status& status) {
  if (status.ok()) return "ok";
  const ErrorInfo& info = InfoOf(CodeOf(status));
  std::string out(info.name);
  out += " (" + std::to_string(static_cast<int>(info.code)) + "): ";
  out += info.text;
  if (!status.message().empty()) {
    out += ": ";
    out.append(status.message().data(), status.message().size());
  }
  return out;
}

}  // namespace orrery
