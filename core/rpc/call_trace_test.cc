// Goal: calls are told so that a picture can be drawn from it: both ends name a message alike, each
// message once, and how a call ended is told at its caller. Method: the echo server and its client,
// whose Debug events are read; streams that are cut or held.
#include "core/rpc/call_trace.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/observe/story_events.h"
#include "core/rpc/rpc.pb.h"
#include "core/rpc/testing/echo_fixture.h"

namespace orrery::testing_rpc {
namespace {

using namespace story_events;

// The text of a field; "" when it is not there.
std::string Text(const TraceRecord& record, const std::string& name) {
  for (const TraceRecord::Field& field : record.fields) {
    if (field.name != name) continue;
    if (const auto* text = std::get_if<std::string>(&field.value)) return *text;
    if (const auto* number = std::get_if<int64_t>(&field.value)) return std::to_string(*number);
    if (const auto* flag = std::get_if<bool>(&field.value)) return *flag ? "true" : "false";
  }
  return "";
}

std::vector<TraceRecord> Of(const MemoryEnv& env, const std::string& type) {
  std::vector<TraceRecord> found;
  for (const TraceRecord& each : env.log.records) {
    if (each.type == type) found.push_back(each);
  }
  return found;
}

std::multiset<std::string> Calls(const MemoryEnv& env, const std::string& type) {
  std::multiset<std::string> calls;
  for (const TraceRecord& each : Of(env, type)) calls.insert(Text(each, "call"));
  return calls;
}

using CallTraceTest = EchoTest;

TEST_F(CallTraceTest, BothEndsNameEachMessageAlikeAndOnce) {
  Start();
  std::vector<Result> results(20);
  for (Result& each : results) Call(each, Ask("hello", 5));
  loop.RunFor(Milliseconds(1));
  network.streams[0]->Break();
  loop.RunFor(Seconds(2));
  for (Result& each : results) Call(each, Ask("hello"));
  loop.RunFor(Seconds(2));
  const auto sent = Calls(client_env, kRequestSent);
  EXPECT_EQ(sent.size(), 40u);
  EXPECT_EQ(std::set<std::string>(sent.begin(), sent.end()).size(), 40u);
  EXPECT_EQ(Calls(server_env, kRequestReceived), sent);
  const auto replies = Calls(server_env, kReplySent);
  EXPECT_EQ(replies.size(), 20u);
  EXPECT_EQ(Calls(client_env, kReplyReceived), replies);
  const auto failed = Calls(client_env, kCallFailed);
  EXPECT_EQ(failed.size(), 20u);
  for (const std::string& call : failed) EXPECT_TRUE(sent.contains(call)) << call;
}

TEST_F(CallTraceTest, ARequestIsToldWithItsContent) {
  Start();
  Result result;
  Call(result, Ask("hello </script>", 0, Buffer::Copy(std::string("\0k\xff", 3))));
  loop.RunFor(Milliseconds(10));
  const TraceRecord sent = Of(client_env, kRequestSent).at(0);
  EXPECT_EQ(Text(sent, "method"), "echo");
  EXPECT_EQ(Text(sent, "peer"), "server");
  EXPECT_EQ(Text(sent, "header"), "text: \"hello </script>\"");
  EXPECT_EQ(Text(sent, "attachment_bytes"), "3");
  EXPECT_EQ(Text(sent, "attachment"), "\\000k\\377");
  const TraceRecord received = Of(server_env, kRequestReceived).at(0);
  EXPECT_EQ(Text(received, "method"), "echo");
  EXPECT_EQ(Text(received, "peer"), "client");
  EXPECT_EQ(Text(Of(server_env, kReplySent).at(0), "header"), "text: \"hello </script>\"");
}

TEST_F(CallTraceTest, HowACallEndedIsToldOnce) {
  Start();
  Result refused, late, unsent;
  Call(refused, Ask("fail"));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(Text(Of(server_env, kReplySent).at(0), "code"), "not_leader");
  EXPECT_EQ(Text(Of(client_env, kReplyReceived).at(0), "code"), "not_leader");
  EXPECT_TRUE(Of(client_env, kCallFailed).empty());

  Call(late, Ask("x", 1000), Milliseconds(20));
  loop.RunFor(Seconds(2));
  const auto failed = Of(client_env, kCallFailed);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(Text(failed[0], "method"), "echo");
  EXPECT_NE(Text(failed[0], "call"), "");
  EXPECT_EQ(Text(failed[0], "reason").substr(0, 9), "timed_out");
  EXPECT_EQ(Calls(server_env, kRequestCancelled), Calls(client_env, kCallFailed));

  client_env.log.records.clear();
  tasks.Spawn("call",
              CallInto(client.get(), Endpoint(address.WithPort(1)), Ask("x"), Seconds(5), &unsent));
  loop.RunFor(Seconds(2));
  ASSERT_EQ(Of(client_env, kCallFailed).size(), 1u);
  EXPECT_EQ(Text(Of(client_env, kCallFailed)[0], "call"), "");
  EXPECT_TRUE(Of(client_env, kRequestSent).empty());
}

TEST_F(CallTraceTest, ACallThatIsAbandonedIsToldAndALateReplyIsMarked) {
  Start();
  Result result;
  TaskGroup::Member* const call = Call(result, Ask("x", 10));
  loop.RunFor(Milliseconds(9));
  network.streams[0]->directions[0].held = true;  // The server does not hear of it.
  tasks.CancelMember(*call);
  EXPECT_EQ(Text(Of(client_env, kCallFailed).at(0), "reason").substr(0, 19), "operation_cancelled");
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(Text(Of(client_env, kReplyReceived).at(0), "late"), "true");
}

TEST(MessageTextTest, LongOnesAreCutAndThoseWithoutDescriptorsNamed) {
  testing::EchoRequest request;
  request.set_text(std::string(5000, 'x'));
  const std::string text = rpc_internal::MessageText(request, 100);
  EXPECT_EQ(text, "text: \"" + std::string(93, 'x') + "...");
  request.set_text("y");
  EXPECT_EQ(rpc_internal::MessageText(request, 9), "text: \"y\"");
  EXPECT_EQ(rpc_internal::MessageText(request, 8), "text: \"y...");
  EXPECT_EQ(rpc_internal::MessageText(rpc::ReplyHeader(), 100), "orrery.rpc.ReplyHeader");
}

}  // namespace
}  // namespace orrery::testing_rpc
