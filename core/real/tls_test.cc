// Goal: TLS keeps the promises of core/env/network.h: both ends prove a certificate of the same
// authority, or there is no connection. Method: throw-away authorities, loopback.
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "core/real/testing/certificates.h"
#include "core/real/testing/real_test.h"

namespace orrery::real {
namespace {

class TlsTest : public RealTest {
 protected:
  TlsTest() {
    auto made = TestAuthority::Create(directory, "one");
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    authority = *std::move(made);
  }

  RealOptions With(TlsFiles files) {
    RealOptions options = Options();
    options.tls = std::move(files);
    return options;
  }
  TlsFiles Issue(std::string name, int64_t valid_seconds = 86'400) {
    auto files = authority->Issue(std::move(name), valid_seconds);
    EXPECT_TRUE(files.ok()) << Describe(files.status());
    return *std::move(files);
  }

  using Client = std::function<Task<absl::Status>(Env&, NetworkAddress)>;

  // Runs `client` in a process of its own against one that accepts whoever it may, and gives what
  // it said. What the listener counted as dropped goes to `dropped`.
  absl::Status Meet(RealOptions server, RealOptions client_options, uint64_t* dropped,
                    Client client = Connect);

  static Task<absl::Status> Connect(Env& env, NetworkAddress address) {
    co_return (co_await env.network().Connect(address)).status();
  }

  std::unique_ptr<TestAuthority> authority;
};

Task<absl::Status> AcceptForEver(Listener& listener,
                                 std::vector<std::unique_ptr<Connection>>& accepted) {
  while (true) {
    CO_ASSIGN_OR_RETURN(auto connection, co_await listener.Accept());
    accepted.push_back(std::move(connection));
  }
}

absl::Status TlsTest::Meet(RealOptions server, RealOptions client_options, uint64_t* dropped,
                           Client client) {
  auto serving = RealEnv::Create(std::move(server));
  auto connecting = RealEnv::Create(std::move(client_options));
  RETURN_IF_ERROR(serving.status());
  RETURN_IF_ERROR(connecting.status());
  ASSIGN_OR_RETURN(auto listener, (*serving)->env().network().Listen(kAnyPort));
  const NetworkAddress address = listener->local_address();
  absl::Status result;
  std::thread other([&] {
    result = (*connecting)->Run([&](Env& env) { return client(env, address); });
    (*serving)->Stop();
  });
  std::vector<std::unique_ptr<Connection>> accepted;
  const absl::Status served =
      (*serving)->Run([&](Env&) { return AcceptForEver(*listener, accepted); });
  EXPECT_TRUE(served.ok()) << Describe(served);
  other.join();
  const Metric* failed = (*serving)->env().metrics().Find("real_tls_handshakes_failed");
  *dropped = failed == nullptr ? 0 : std::get<Counter>(failed->value).value();
  return result;
}

TEST_F(TlsTest, CarriesBytesAndNames) {
  const absl::Status status = Run(With(Issue("node-1")), [](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    EXPECT_EQ(pair.client->peer_name(), "node-1");
    EXPECT_EQ(pair.server->peer_name(), "node-1");
    for (const size_t size : {1u, 13u, 16'384u, 16'385u, 3'000'000u}) {
      const std::string sent(size, 'x');
      for (int piece = 0; piece < 3; ++piece) pair.client->Write(Buffer::Copy(sent));
      CO_ASSIGN_OR_RETURN(const std::string got, co_await ReadBytes(*pair.server, 3 * size));
      EXPECT_EQ(got, sent + sent + sent);
      EXPECT_EQ(pair.client->QueuedBytes(), 0u);
    }
    pair.client->Write(Buffer::Copy("last"));
    pair.client->FinishWriting();
    CO_ASSIGN_OR_RETURN(std::string got, co_await ReadBytes(*pair.server, SIZE_MAX));
    EXPECT_EQ(got, "last");
    pair.server->Write(Buffer::Copy("answer"));
    CO_ASSIGN_OR_RETURN(got, co_await ReadBytes(*pair.client, 6));
    EXPECT_EQ(got, "answer");
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TlsTest, ASlowReaderHoldsTheWriterBack) {
  const absl::Status status = Run(With(Issue("node-1")), [](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    size_t written = 0;
    absl::Status room;
    while (room.ok() && written < 256u << 20) {
      pair.client->Write(Buffer::Copy(std::string(64 << 10, 'x')));
      written += 64 << 10;
      room = co_await Timeout(env.clock(), Milliseconds(100), pair.client->WaitWritable());
    }
    EXPECT_EQ(CodeOf(room), ErrorCode::timed_out);
    CO_ASSIGN_OR_RETURN(const std::string all, co_await ReadBytes(*pair.server, written));
    EXPECT_EQ(all.size(), written);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TlsTest, ResetIsNoEnd) {
  const absl::Status status = Run(With(Issue("node-1")), [](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(Pair pair, co_await MakePair(env));
    pair.client.reset();
    EXPECT_EQ(CodeOf((co_await pair.server->Read()).status()), ErrorCode::connection_failed);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TlsTest, TheSameAuthorityMeets) {
  uint64_t dropped = 0;
  const absl::Status status = Meet(With(Issue("a")), With(Issue("b")), &dropped);
  EXPECT_TRUE(status.ok()) << Describe(status);
  EXPECT_EQ(dropped, 0u);
}

TEST_F(TlsTest, AnotherAuthorityIsRefusedByTheClient) {
  auto foreign = TestAuthority::Create(directory, "two");
  ASSERT_TRUE(foreign.ok());
  auto files = (*foreign)->Issue("stranger");
  ASSERT_TRUE(files.ok());
  uint64_t dropped = 0;
  const absl::Status status = Meet(With(*files), With(Issue("b")), &dropped);
  EXPECT_EQ(CodeOf(status), ErrorCode::authentication_failed) << Describe(status);
  EXPECT_NE(std::string(status.message()).find("certificate verify failed"), std::string::npos)
      << Describe(status);
}

// Trusts the server, and is not trusted by it: TLS 1.3 tells the client only after its handshake.
TEST_F(TlsTest, AnotherAuthorityIsRefusedByTheServer) {
  auto foreign = TestAuthority::Create(directory, "two");
  ASSERT_TRUE(foreign.ok());
  auto files = (*foreign)->Issue("stranger");
  ASSERT_TRUE(files.ok());
  // One file with both authorities: its own, so that the process starts, and the server's.
  const std::string both = directory + "/both.pem";
  std::ofstream(both) << std::ifstream(files->authority).rdbuf()
                      << std::ifstream(authority->authority_path()).rdbuf();
  files->authority = both;
  uint64_t dropped = 0;
  const absl::Status status = Meet(With(Issue("a")), With(*files), &dropped);
  EXPECT_EQ(CodeOf(status), ErrorCode::authentication_failed) << Describe(status);
  EXPECT_NE(std::string(status.message()).find("unknown ca"), std::string::npos)
      << Describe(status);
  EXPECT_EQ(dropped, 1u);
}

// Connects without TLS, writes `text` and waits for the end.
Task<absl::Status> SpeakPlain(Env& env, NetworkAddress address, std::string text) {
  CO_ASSIGN_OR_RETURN(auto connection, co_await env.network().Connect(address));
  connection->Write(Buffer::Copy(text));
  while (true) {
    CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await connection->Read());
    if (bytes.empty()) co_return Error(ErrorCode::end_of_stream);
  }
}

TEST_F(TlsTest, APlainOrSilentClientIsDropped) {
  ASSERT_TRUE(knobs.Set("real_handshake_timeout", "50ms").ok());
  for (const std::string text : {"GET / HTTP/1.1\r\n\r\n", ""}) {
    uint64_t dropped = 0;
    const absl::Status status =
        Meet(With(Issue("a")), Options(), &dropped,
             [text](Env& env, NetworkAddress address) { return SpeakPlain(env, address, text); });
    EXPECT_TRUE(CodeOf(status) == ErrorCode::connection_failed ||
                CodeOf(status) == ErrorCode::end_of_stream)
        << Describe(status);
    EXPECT_EQ(dropped, 1u);
  }
}

TEST_F(TlsTest, ConnectingGivenUpAtAnyMoment) {
  uint64_t dropped = 0;
  const absl::Status status = Meet(With(Issue("a")), With(Issue("b")), &dropped,
                                   [](Env& env, NetworkAddress address) -> Task<absl::Status> {
                                     for (int round = 0; round < 60; ++round) {
                                       (void)co_await Timeout(env.clock(), Microseconds(round * 50),
                                                              env.network().Connect(address));
                                     }
                                     co_return (co_await env.network().Connect(address)).status();
                                   });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TlsTest, BadFilesAreNamedAtTheStart) {
  const TlsFiles good = Issue("good");
  const TlsFiles other = Issue("other");
  const TlsFiles expired = Issue("expired", -60);
  auto foreign = TestAuthority::Create(directory, "two");
  ASSERT_TRUE(foreign.ok());
  const std::string garbage = directory + "/garbage.pem";
  std::ofstream(garbage) << "garbage";
  struct Case {
    TlsFiles files;
    std::string says;
  };
  for (const Case& c : std::vector<Case>{
           {{good.certificate, other.key, good.authority}, other.key + ": not the private key of"},
           {{good.certificate, good.key, (*foreign)->authority_path()},
            good.certificate + ": not accepted by"},
           {expired, expired.certificate + ": not accepted by " + expired.authority +
                         ": certificate has expired"},
           {{garbage, good.key, good.authority}, garbage + ": not a PEM certificate"},
           {{good.certificate, garbage, good.authority}, garbage + ": not the private key of"},
           {{good.certificate, good.key, garbage}, garbage + ": not a PEM file"},
           {{directory + "/none", good.key, good.authority},
            directory + "/none: No such file or directory"},
       }) {
    RealOptions options = With(c.files);
    options.data_directory = directory + "/unmade";
    const absl::Status status = RealEnv::Create(options).status();
    EXPECT_EQ(CodeOf(status), ErrorCode::invalid_argument);
    EXPECT_EQ(std::string(status.message()).find(c.says), 0u) << Describe(status);
    EXPECT_EQ(std::string(status.message()).find('\n'), std::string::npos);
    EXPECT_FALSE(std::ifstream(options.data_directory).good());  // Nothing was written.
  }
}

}  // namespace
}  // namespace orrery::real
