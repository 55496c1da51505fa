// Goal: RunProcess gives the exit codes and the one line that it promises, and signals end it.
// Method: processes run inside the test; what must end the OS process runs in a fork.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/real/testing/real_test.h"

namespace orrery::real {
namespace {

class ProcessTest : public RealTest {
 protected:
  int Run(RealOptions options, Main main) {
    testing::internal::CaptureStderr();
    const int code = RunProcess(std::move(options), std::move(main));
    said = testing::internal::GetCapturedStderr();
    return code;
  }
  std::string said;
};

Task<absl::Status> SignalSelf(Env& env) {
  ::kill(::getpid(), SIGTERM);
  co_await Sleep(env.clock(), Seconds(3600));
  co_return Error(ErrorCode::internal_error);
}

TEST_F(ProcessTest, ExitCodes) {
  EXPECT_EQ(Run(Options(), [](Env&) -> Task<absl::Status> { co_return absl::OkStatus(); }), 0);
  EXPECT_EQ(said, "");
  EXPECT_EQ(Run(Options(),
                [](Env&) -> Task<absl::Status> {
                  co_return Error(ErrorCode::io_error, "/data/log: sync");
                }),
            1);
  EXPECT_EQ(said, "error: test: io_error (1510): a disk operation failed: /data/log: sync\n");
  EXPECT_EQ(Run(Options(), SignalSelf), 0);
  EXPECT_EQ(said, "");
}

TEST_F(ProcessTest, APortInUseIsOneLineAndTwo) {
  auto holder = RealEnv::Create(Options());
  ASSERT_TRUE(holder.ok());
  auto listener = (*holder)->env().network().Listen(kAnyPort);
  ASSERT_TRUE(listener.ok());
  const NetworkAddress address = (*listener)->local_address();
  RealOptions options = Options();
  options.data_directory = directory + "/unmade";
  options.trace_path = directory + "/unmade_trace";
  EXPECT_EQ(Run(options,
                [address](Env& env) -> Task<absl::Status> {
                  co_return env.network().Listen(address).status();
                }),
            2);
  EXPECT_EQ(said, "error: test: listen on " + address.ToString() + ": Address already in use\n");
  EXPECT_FALSE(std::ifstream(options.data_directory).good());
  EXPECT_FALSE(std::ifstream(options.trace_path).good());
}

TEST_F(ProcessTest, BadOptionsAreOneLineAndTwo) {
  RealOptions options = Options();
  options.data_directory = directory + "/no/such";
  EXPECT_EQ(Run(options, [](Env&) -> Task<absl::Status> { co_return absl::OkStatus(); }), 2);
  EXPECT_EQ(said,
            "error: test: data directory " + directory + "/no/such: No such file or directory\n");
  EXPECT_FALSE(std::ifstream(options.trace_path).good());

  std::ofstream(directory + "/file") << "x";
  options.data_directory = directory + "/file";
  EXPECT_EQ(Run(options, [](Env&) -> Task<absl::Status> { co_return absl::OkStatus(); }), 2);
  EXPECT_EQ(said, "error: test: data directory " + directory + "/file: Not a directory\n");

  options = Options();
  options.trace_path = directory;
  options.data_directory = directory + "/unmade";
  EXPECT_EQ(Run(options, [](Env&) -> Task<absl::Status> { co_return absl::OkStatus(); }), 2);
  EXPECT_EQ(said, "error: test: trace file " + directory + ": Is a directory\n");
  EXPECT_FALSE(std::ifstream(options.data_directory).good());
}

TEST_F(ProcessTest, TraceIsLinesOfJson) {
  EXPECT_EQ(Run(Options(),
                [](Env& env) -> Task<absl::Status> {
                  if (auto e = env.trace().Info("Hello")) e.Add("n", 1);
                  if (auto e = env.trace().Debug("NotThis")) e.Add("n", 2);
                  if (auto e = env.trace().Warn("Bye")) e.Add("why", "end");
                  co_return absl::OkStatus();
                }),
            0);
  std::stringstream text;
  text << std::ifstream(directory + "/trace").rdbuf();
  const std::string lines = text.str();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
  EXPECT_NE(lines.find("\"type\":\"Hello\""), std::string::npos) << lines;
  EXPECT_NE(lines.find("\"type\":\"Bye\""), std::string::npos) << lines;
}

TEST_F(ProcessTest, OneOfSeveralFailsAndAllEnd) {
  std::vector<RealProcess> processes;
  for (int i = 0; i < 3; ++i) {
    processes.push_back({Options(), [i](Env& env) -> Task<absl::Status> {
                           if (i == 1) co_return Error(ErrorCode::not_leader);
                           co_await Sleep(env.clock(), Seconds(3600));
                           co_return absl::OkStatus();
                         }});
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunProcesses(std::move(processes)), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: test: not_leader (20015): the process does not lead\n");
}

// Runs `child` in a fork and gives its wait status.
template <class Child>
int Fork(Child child) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(child());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST_F(ProcessTest, TheSecondSignalEndsAStuckProcess) {
  const int status = Fork([this] {
    return RunProcess(Options(), [](Env&) -> Task<absl::Status> {
      while (true) ::kill(::getpid(), SIGINT);  // Never gives the loop back.
      co_return absl::OkStatus();
    });
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGINT);
}

TEST_F(ProcessTest, TooFewDescriptorsAreOneLineAndTwo) {
  const int status = Fork([this] {
    const rlimit few{100, 100};
    ::setrlimit(RLIMIT_NOFILE, &few);
    return RunProcess(Options(), SignalSelf);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2);
}

}  // namespace
}  // namespace orrery::real
