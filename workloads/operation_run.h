// Doing what was drawn: operations on a Transaction, each answer compared with the model's.
#pragma once

#include "txn/client/transaction.h"
#include "workloads/operation_draw.h"
#include "workloads/transaction_model.h"

namespace orrery::workloads {

// Whether the error says nothing of the operation, but ends the attempt: it may pass, or the time
// of the transaction is over.
bool EndsAttempt(const absl::Status& status);

Task<Answer> Execute(Transaction& transaction, Operation operation);

// Draws and does `count` operations. check_failed: an answer is wrong; another error ends the
// attempt. REQUIRES: all outlive the Task.
Task<absl::Status> RunOperations(Transaction& transaction, TransactionModel& model, Random& random,
                                 DrawOptions options, int64_t count);

// Options under which transactions must answer all the same, and what the model needs of them.
TransactionOptions DrawTransactionOptions(Random& random, TransactionOptions base);
TransactionModel::Options ModelOptionsOf(const TransactionOptions& options);

}  // namespace orrery::workloads
