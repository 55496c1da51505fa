// The one table of error codes: number, name, text, whether a retry of the same call may succeed,
// and whether the call may have taken effect all the same.
//
// An error travels as absl::Status whose raw code is the ErrorCode and whose message is empty on
// hot paths, so that it is one word and allocates nothing. Only this header looks at raw codes.
//
// Numbers below 20,000 have the meaning of FoundationDB's public error numbers, since bindings
// switch on them. Orrery's own begin at 20,000.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace orrery {

// X(name, number, retryable, maybe_done, text)
#define ORRERY_ERROR_CODES(X)                                                                      \
  X(wrong_shard_server, 1001, true, false, "the server does not hold these keys")                  \
  X(timed_out, 1004, true, true, "the call did not finish within its time")                        \
  X(transaction_too_old, 1007, true, false, "the version is older than what can still be read")    \
  X(future_version, 1009, true, false, "the version is not known here yet")                        \
  X(not_committed, 1020, true, false, "another transaction wrote what this one had read")          \
  X(commit_unknown_result, 1021, true, true, "the transaction may have been committed or not")     \
  X(transaction_cancelled, 1025, false, false, "the transaction was cancelled")                    \
  X(connection_failed, 1026, true, true, "the connection broke before an answer came")             \
  X(transaction_timed_out, 1031, false, true, "the transaction did not finish within its timeout") \
  X(accessed_unreadable, 1036, false, false, "the key has a value only once it is committed")      \
  X(process_behind, 1037, true, false, "the server lacks recent changes")                          \
  X(database_locked, 1038, false, false, "the database is locked")                                 \
  X(broken_promise, 1100, true, true, "the party that owed the answer is gone")                    \
  X(operation_cancelled, 1101, false, true, "the operation was cancelled")                         \
  X(platform_error, 1500, false, true, "the operating system refused the operation")               \
  X(io_error, 1510, false, true, "a disk operation failed")                                        \
  X(file_not_found, 1511, false, false, "the file does not exist")                                 \
  X(bind_failed, 1512, false, false, "the address cannot be listened on")                          \
  X(checksum_failed, 1520, false, false, "stored bytes do not match their checksum")               \
  X(file_corrupt, 1522, false, false, "the file's content is not valid")                           \
  X(client_invalid_operation, 2000, false, false, "the operation is not valid here")               \
  X(key_outside_legal_range, 2004, false, false, "the key lies outside of what may be accessed")   \
  X(inverted_range, 2005, false, false, "the range ends before it begins")                         \
  X(invalid_option_value, 2006, false, false, "the value of the option is not valid")              \
  X(read_version_already_set, 2010, false, false, "the transaction has a read version already")    \
  X(version_invalid, 2011, false, false, "the version is not valid")                               \
  X(range_limits_invalid, 2012, false, false, "the limits of the range read are not valid")        \
  X(used_during_commit, 2017, false, false, "the transaction is being committed")                  \
  X(invalid_mutation_type, 2018, false, false, "there is no such atomic operation")                \
  X(transaction_too_large, 2101, false, false, "the transaction is larger than it may be")         \
  X(key_too_large, 2102, false, false, "the key is longer than it may be")                         \
  X(value_too_large, 2103, false, false, "the value is longer than it may be")                     \
  X(cluster_file_invalid, 2104, false, false, "the cluster file does not parse")                   \
  X(invalid_argument, 20000, false, false, "an argument is not valid")                             \
  X(disk_full, 20001, true, true, "there is no space left on the disk")                            \
  X(file_exists, 20002, false, false, "the file exists already")                                   \
  X(file_locked, 20003, false, false, "another process holds the lock of the file")                \
  X(name_not_found, 20004, true, false, "the host name has no address")                            \
  X(end_of_stream, 20005, false, false, "the stream was closed by its other end")                  \
  X(protocol_mismatch, 20006, false, false, "the peer speaks no protocol version in common")       \
  X(wrong_cluster, 20007, false, false, "the peer belongs to another cluster")                     \
  X(authentication_failed, 20008, false, false, "the peer's certificate was not accepted")         \
  X(corrupt_frame, 20009, true, true, "the peer sent a frame that does not decode")                \
  X(message_too_large, 20010, false, false, "the message is larger than a frame may be")           \
  X(unknown_method, 20011, false, false, "the peer does not serve this method")                    \
  X(stale_endpoint, 20012, false, false, "the endpoint belongs to an earlier life of the peer")    \
  X(overloaded, 20013, true, false, "a queue is full; try again later")                            \
  X(memory_limit, 20014, true, false, "the memory budget of the process is used up")               \
  X(not_leader, 20015, true, false, "the process does not lead")                                   \
  X(process_fenced, 20016, false, true, "the process has been fenced off from the outside")        \
  X(internal_error, 20017, false, true, "a defect of the program")                                 \
  X(check_failed, 20018, false, false, "what must hold does not")                                  \
  X(outcome_unknown, 20019, false, true, "it cannot be told any more whether it was committed")    \
  X(log_space_low, 20020, true, false, "the logs are short of space; clears and retries may help") \
  X(generation_ended, 20021, true, true, "the generation of the role has ended")                   \
  X(not_created, 20022, false, false, "no database was created here; see orrery init")

enum class ErrorCode : int {
  ok = 0,
#define ORRERY_X(name, number, retryable, maybe_done, text) name = number,
  ORRERY_ERROR_CODES(ORRERY_X)
#undef ORRERY_X
};

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;
  std::string_view text;
  bool retryable;   // The same call may succeed later.
  bool maybe_done;  // The call may have taken effect although it failed.
};

// The row of `code`; for a number that is not in the table, the row of internal_error.
const ErrorInfo& InfoOf(ErrorCode code);

// A Status of `code` without a message: one word, no allocation. ErrorCode::ok gives OkStatus.
inline absl::Status Error(ErrorCode code) {
  return absl::Status(static_cast<absl::StatusCode>(code), {});
}

// The same with a message for people: what happened, where, what to do. Not for hot paths.
absl::Status Error(ErrorCode code, std::string_view message);

// The code of a status made here. A status of a library's own (absl codes 1 to 16) is
// internal_error.
ErrorCode CodeOf(const absl::Status& status);

inline bool IsRetryable(const absl::Status& status) { return InfoOf(CodeOf(status)).retryable; }

// "io_error (1510): a disk operation failed: /data/log: sync" for output to people; "ok" for ok.
std::string Describe(const absl::Status& status);

}  // namespace orrery
