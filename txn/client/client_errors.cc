// The two tables: what another attempt may not meet, what proves that nothing was committed.
#include "txn/client/client_errors.h"

namespace orrery {

bool MayPassElsewhere(const absl::Status& error) {
  switch (CodeOf(error)) {
    case ErrorCode::transaction_too_old:
    case ErrorCode::transaction_cancelled:
    case ErrorCode::transaction_timed_out:
    case ErrorCode::database_locked:
    case ErrorCode::client_invalid_operation:
    case ErrorCode::key_outside_legal_range:
    case ErrorCode::inverted_range:
    case ErrorCode::range_limits_invalid:
    case ErrorCode::version_invalid:
    case ErrorCode::invalid_mutation_type:
    case ErrorCode::transaction_too_large:
    case ErrorCode::key_too_large:
    case ErrorCode::value_too_large:
    case ErrorCode::invalid_argument:
    case ErrorCode::message_too_large:
    case ErrorCode::protocol_mismatch:
    case ErrorCode::wrong_cluster:
    case ErrorCode::authentication_failed:
    case ErrorCode::process_fenced:
    case ErrorCode::not_created:
      return false;
    default:
      return true;
  }
}

bool SurelyNotCommitted(const absl::Status& error) {
  switch (CodeOf(error)) {
    // Refused before anything was done with it.
    case ErrorCode::overloaded:
    case ErrorCode::log_space_low:
    // Never sent.
    case ErrorCode::stale_endpoint:
    case ErrorCode::name_not_found:
      return true;
    default:
      // Not generation_ended: the proxy says it of batches that were on their way, too. And not
      // unknown_method: a role that ends takes its handlers away, those that run included.
      return !MayPassElsewhere(error);
  }
}

}  // namespace orrery
