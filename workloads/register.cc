// Asking one coordinator at a time, and handing its answer to the book.
#include "workloads/register.h"

#include "txn/coordinator/coordinator_methods.h"
#include "txn/coordinator/register_messages.h"
#include "txn/coordinator/register_proposer.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr Duration kPatience = Seconds(5);
constexpr int64_t kQuestionsPerSecond = 10;

}  // namespace

absl::Status RegisterWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "register", kQuestionsPerSecond));
  ASSIGN_OR_RETURN(const int64_t promises, options.Integer("promises_percent", 25, 0, 100));
  promises_percent_ = static_cast<uint64_t>(promises);
  return absl::OkStatus();
}

Task<absl::Status> RegisterWorkload::Setup(sim::ClientContext context) {
  const ClientDatabase client(context);
  book_ = std::make_unique<RegisterBook>(client.topology().cluster.coordinators.size());
  co_return absl::OkStatus();
}

Task<absl::Status> RegisterWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  const size_t coordinators = client.topology().cluster.coordinators.size();
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation by) {
    const size_t coordinator = random.Below(coordinators);
    const bool promise = random.Below(100) < promises_percent_;
    const uint64_t id = random.Next();
    return Ask(client, by, coordinator,
               promise ? NextGeneration(book_->highest(), id) : RegisterGeneration{});
  });
}

// Asked at the generation before all others it promises nothing.
Task<absl::Status> RegisterWorkload::Ask(ClientDatabase& client, ClientOperation by,
                                         size_t coordinator, RegisterGeneration promise) {
  const ClusterFile& cluster = client.topology().cluster;
  Message<ReadRegisterRequest> request;
  *request.header.mutable_id() = ToMessage(cluster.register_id());
  *request.header.mutable_generation() = ToMessage(promise);
  const RegisterBook::Told before = book_->ToldBy(coordinator);
  const absl::StatusOr<Message<ReadRegisterReply>> reply = co_await client.rpc().Call(
      cluster.coordinators[coordinator], kReadRegister, std::move(request), kPatience);
  if (!reply.ok()) {  // Down, cut off, or slow.
    load_.Count("silent");
    co_return absl::OkStatus();
  }
  ++answers_;
  load_.Count(reply->header.ready() ? "answers" : "lost");
  co_return load_.NameOperations(
      book_->Answer(coordinator, before, FromMessage(reply->header), by));
}

Task<absl::Status> RegisterWorkload::Check(sim::ClientContext context) {
  if (answers_ > 0 || context.operations.narrowed()) co_return absl::OkStatus();
  co_return Violated("no coordinator answered a question");
}

}  // namespace orrery::workloads
