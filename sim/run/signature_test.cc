// Goal: a signature is the same for all seeds of one bug, and differs between bugs.
// Method: results made by hand in the forms that runs, back traces and sanitizers give; then runs
// of the ping system with each planted defect, under several seeds.
#include "sim/run/signature.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sim/run/runner.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

std::string Of(const std::string& kind, const std::string& text,
               const std::string& diagnosis = "") {
  RunResult result;
  result.deployment = {{"m0", "zone z0: ping-0 ping-1"}, {"north", "zone z1: registry"}};
  result.failures.push_back({kind, text, Time{}});
  result.failures.push_back({"leak", "another one that came later", Time{}});
  result.diagnosis = diagnosis;
  return SignatureOf(result);
}

TEST(Signature, OfAnInvariantIsFileAndExpression) {
  EXPECT_EQ(Of("invariant",
               "INVARIANT failed: version > last_ at txn/proxy/pipeline.cc:71 with "
               "(version, last_) = (10, 20)"),
            "invariant txn/proxy/pipeline.cc: version > last_");
  EXPECT_EQ(Of("invariant", "INVARIANT failed: rows.at (3) at 7 at storage/rows.h:7"),
            "invariant storage/rows.h: rows.at (3) at 7");
}

// The names of functions are as absl::Symbolize gives them.
constexpr const char* kOwnTrace =
    "noise [0x12] before\n"
    "/x/run(+0x1c54)[0x55bfe84da462] orrery::PrintBacktrace()\n"
    "/x/run(+0x1c54)[0x55bfe84da463] orrery::invariant_internal::Fail()\n"
    "/lib/libc.so.6(+0x3c050)[0x7f8a5165a050]\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] std::vector<>::emplace_back<>()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::Buffer::Slice()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::storage::(anonymous namespace)::Log::Accept()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::TaskPromise<>::FinalAwaiter::await_suspend()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::storage::Log::Push()::{lambda()#1}::operator()()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::storage::Serve()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::sim::Loop::RunTurn()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] orrery::sim::Phases::Run()\n"
    "/x/run(+0xc70ad)[0x55bfe83dc0ad] main\n";

TEST(Signature, OfAnInvariantThatAllShareHasItsCallers) {
  const std::string text =
      "INVARIANT failed: end <= size_ at core/base/buffer.h:88 with (end) = (3)";
  EXPECT_EQ(Of("invariant", text), "invariant core/base/buffer.h: end <= size_");
  EXPECT_EQ(
      Of("invariant", text, text + "\n" + kOwnTrace),
      "invariant core/base/buffer.h: end <= size_, in Buffer::Slice < Log::Accept < Log::Push");
}

TEST(Signature, OfACrashIsItsInnermostFunctions) {
  EXPECT_EQ(Of("crash", "signal Segmentation fault", kOwnTrace),
            "crash signal Segmentation fault: Buffer::Slice < Log::Accept < Log::Push");
  EXPECT_EQ(Of("crash", "signal Segmentation fault"), "crash signal Segmentation fault");
  EXPECT_EQ(Of("crash", "exit code 3: cannot open file 7"),
            "crash exit code #: cannot open file #");
  EXPECT_EQ(Of("crash",
               "signal Aborted: terminate called after throwing an instance of "
               "'std::bad_alloc'",
               kOwnTrace),
            "crash out of memory");
}

TEST(Signature, OfACrashOfTheRunnerItselfHasItsFunctions) {
  EXPECT_EQ(Of("crash", "signal Segmentation fault",
               "/x/run(+0xc7)[0x55b] orrery::sim::World::Fail()\n"
               "/x/run(+0xc7)[0x55b] orrery::sim::Phases::Run()\n"),
            "crash signal Segmentation fault: World::Fail < Phases::Run");
}

TEST(Signature, OfASanitizersReportIsItsFindingAndItsFirstTrace) {
  const std::string report =
      "=================================================================\n"
      "==31==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x55\n"
      "READ of size 4 at 0x602000000010 thread T0\n"
      "    #0 0x4c3b in __asan_memcpy (/x/run+0x4c3b) (BuildId: 07)\n"
      "    #1 0x4f3b in orrery::sim::(anonymous namespace)::Misbehave(orrery::sim::Server*) "
      "(.resume) /src/ping_server.cc:81:7\n"
      "    #2 0x50aa in void orrery::Log::Visit<int, char>(std::map<int, char> const&) const "
      "/src/log.h:12\n"
      "    #3 0x50aa in orrery::sim::Loop::RunTurn() /src/loop.cc:12\n"
      "\n"
      "0x602000000010 is located 0 bytes inside of 4-byte region [0x602000000010,0x602000000014)\n"
      "freed by thread T0 here:\n"
      "    #0 0x4c3b in operator delete(void*) (/x/run+0x4c3b)\n"
      "    #1 0x4c3b in orrery::Log::Drop() /src/log.cc:1\n";
  EXPECT_EQ(Of("crash",
               "signal Aborted: ERROR: AddressSanitizer: heap-use-after-free on address "
               "0x602000000010 at pc 0x55",
               report),
            "crash AddressSanitizer: heap-use-after-free: Misbehave < Log::Visit");
}

TEST(Signature, OfAHangIsWhereItsLoopIs) {
  EXPECT_EQ(Of("hang",
               "simulated time stood still for 20000 ms of processor time within one event; "
               "a back trace is below",
               kOwnTrace),
            "hang in Serve");
  EXPECT_EQ(Of("hang",
               "simulated time stood still for 20000 ms of processor time while events went "
               "on; a back trace is below",
               kOwnTrace),
            "hang events without end");
}

TEST(Signature, OfACheckIsMasked) {
  EXPECT_EQ(Of("check", "ledger: Check on client 0: key 5 has value 17, expected -18"),
            "check ledger: Check: key # has value #, expected #");
  EXPECT_EQ(Of("check", "bank: Start on client 12: \"a b\" isn't 'x' at 0x7f3a, 00ff3c1e, 1.5 s"),
            "check bank: Start: # isn't # at # s");
  EXPECT_EQ(Of("check", "list_append: Check on client 0: list 3 = [... 1 2 30] and more:\n  T1\n"),
            "check list_append: Check: list # = [#] and more");
  EXPECT_EQ(Of("check", "x: replicas on m0, north and registry, m7 differ"),
            "check x: replicas on #, m# differ");
  EXPECT_EQ(Of("check", "x: sync of storage-1, storage-2 and storage-30 at 10.0.0.3:4500."),
            "check x: sync of storage-# at #.");
  EXPECT_EQ(Of("check", std::string("x: row \x01\xff\x07 is lost")), "check x: row # is lost");
  EXPECT_EQ(Of("check", std::string("x: row \x01k\xffj\x07 is lost")), "check x: row # is lost");
  EXPECT_EQ(Of("check", "x: row \\xff\\x02/committed/\\x008jM\\x00 is lost"),
            "check x: row # is lost");
}

TEST(Signature, OfAnErrorEventIsItsTypeAndFields) {
  EXPECT_EQ(Of("error_event", "ping-1: LogSyncFailed ms=12 path=log-7 error=io_error"),
            "error_event LogSyncFailed ms=# path=log-# error=io_error");
}

TEST(Signature, OfLivenessIsWhatDidNotEnd) {
  const std::string two =
      "ring: Start on client 1, bank: Start on client 0, ring: Start on client 0 did not end "
      "within "
      "120 s of the end of all faults";
  EXPECT_EQ(Of("liveness", two), "liveness bank: Start, ring: Start did not end");
}

TEST(Signature, OfSomeKindsIsTheKind) {
  EXPECT_EQ(Of("leak", "3 coroutine frames outlive the world"), "leak");
  EXPECT_EQ(Of("nondeterminism", "first divergent event: #17"), "nondeterminism");
}

TEST(Signature, IsCut) {
  EXPECT_EQ(Of("check", std::string(1000, 'x')).size(), kSignatureBytesMax);
}

// Under each seed the defect strikes elsewhere in the run.
TEST(Signature, OfPlantedDefectsIsTheSameUnderEachSeed) {
  const std::map<std::string, std::string> expected = {
    {"error_event", "error_event PingPlanted pings=#"},
    {"invariant", "invariant sim/run/testing/ping_server.cc: server->pings < kFatalPing"},
    {"budget",
     "invariant core/observe/memory_budget.cc: used_bytes_ == 0, in "
     "MemoryBudget::~MemoryBudget < SimEnv::~SimEnv"},
#if !__has_feature(address_sanitizer)  // It counts leaks itself, and hides the innermost frame.
    {"leak", "leak"},
    {"spin", "hang in Misbehave"},
#endif
    {"deaf", "liveness AwaitRecovered did not end"},
    {"hang", "hang events without end"},
  };
  const PingSystem system;
  for (const auto& [plant, signature] : expected) {
    const Scenario scenario =
        PingScenario(PingToml(plant, "", "[knobs]\nrun_hang_cpu_max = \"300ms\"\n"));
    std::set<std::string> seen;
    std::set<uint64_t> events;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const RunResult result = RunScenario(system, scenario, seed);
      ASSERT_FALSE(result.passed()) << plant;
      seen.insert(SignatureOf(result));
      events.insert(result.events);
    }
    EXPECT_EQ(seen.size(), 1u) << testing::PrintToString(seen);
    EXPECT_TRUE(seen.begin()->starts_with(signature)) << testing::PrintToString(seen);
    EXPECT_GT(events.size(), 1u) << plant;
  }
}

}  // namespace
}  // namespace orrery::sim
