// The one binary of the replicated log: `sim` runs it under a seed, `serve` for real; the other
// verbs are its clients. Exit codes: 0 well; 1 failed; 2 bad input, told in one line.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "core/real/testing/certificates.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/examples/replicated_log/log_client.h"
#include "sim/examples/replicated_log/replica.h"
#include "sim/examples/replicated_log/replica_knobs.h"
#include "sim/examples/replicated_log/system.h"
#include "sim/run/command_line.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitBadInput = 2;

constexpr size_t kEntriesPerPut = 256;
constexpr size_t kBytesPerPut = 512 << 10;  // Of paths; half of what a put may have by default.
constexpr size_t kPutsMax = 16;             // Under way at a time.
constexpr Duration kImportTimeout = Seconds(60);

// What the command line says.
struct Arguments {
  std::string name;
  std::string listen;
  std::vector<std::string> peers;
  std::string data_directory;
  real::TlsFiles tls;
  std::string trace_path;
  std::vector<std::string> knobs;
  std::string key;
  std::string value;
  std::string directory;
  std::vector<std::string> names;
  int64_t timeout_seconds = 10;
  int64_t sample = 10;
  bool json = false;
};

absl::Status BadInput(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

int Refuse(const absl::Status& status) {
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return kExitBadInput;
}

// "NAME=HOST:PORT"; HOST may be a name, an IPv4 address, or an IPv6 address in brackets.
absl::StatusOr<ReplicaOptions::Member> ParsePeer(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t colon = text.rfind(':');
  if (equals == 0 || equals == text.npos || colon == text.npos || colon <= equals + 1) {
    return BadInput("--peer " + text + ": expected NAME=HOST:PORT");
  }
  ReplicaOptions::Member member{.name = text.substr(0, equals), .endpoint = {}};
  if (const auto address = NetworkAddress::Parse(text.substr(equals + 1)); address.has_value()) {
    member.endpoint = *address;
    return member;
  }
  const std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos ||
      std::stoi(port) == 0 || std::stoi(port) > 65535) {
    return BadInput("--peer " + text + ": \"" + port + "\" is no port; expected 1 to 65535");
  }
  member.endpoint =
      Endpoint(text.substr(equals + 1, colon - equals - 1), static_cast<uint16_t>(std::stoi(port)));
  return member;
}

// In the order of their names, so that the order on the command line does not matter.
absl::StatusOr<std::vector<ReplicaOptions::Member>> ParsePeers(
    const std::vector<std::string>& peers) {
  std::vector<ReplicaOptions::Member> members;
  for (const std::string& each : peers) {
    ASSIGN_OR_RETURN(ReplicaOptions::Member member, ParsePeer(each));
    members.push_back(std::move(member));
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(members.begin(), members.end(), by_name);
  for (size_t i = 1; i < members.size(); ++i) {
    if (members[i - 1].name == members[i].name) {
      return BadInput("--peer " + members[i].name + ": the name is there twice");
    }
  }
  return members;
}

absl::StatusOr<real::RealOptions> MakeRealOptions(const Arguments& arguments, KnobSet& knobs) {
  knobs.Add<real::RealKnobs>();
  knobs.Add<RpcKnobs>();
  knobs.Add<ReplicaKnobs>();
  for (const std::string& each : arguments.knobs) RETURN_IF_ERROR(knobs.SetFromText(each));
  real::RealOptions options;
  options.knobs = &knobs;
  options.trace_path = arguments.trace_path;
  const real::TlsFiles& tls = arguments.tls;
  const bool any = !tls.certificate.empty() || !tls.key.empty() || !tls.authority.empty();
  const bool all = !tls.certificate.empty() && !tls.key.empty() && !tls.authority.empty();
  if (any && !all) {
    return BadInput("--tls-certificate, --tls-key and --tls-authority go together");
  }
  if (all) options.tls = tls;
  return options;
}

int Serve(const Arguments& arguments) {
  KnobSet knobs;
  absl::StatusOr<real::RealOptions> options = MakeRealOptions(arguments, knobs);
  if (!options.ok()) return Refuse(options.status());
  auto members = ParsePeers(arguments.peers);
  if (!members.ok()) return Refuse(members.status());
  const auto self = std::find_if(members->begin(), members->end(),
                                 [&](auto& member) { return member.name == arguments.name; });
  if (self == members->end()) {
    return Refuse(BadInput("--name " + arguments.name + ": is none of the --peer names"));
  }
  const auto listen = NetworkAddress::Parse(arguments.listen);
  if (!listen.has_value()) {
    return Refuse(BadInput("--listen " + arguments.listen + ": expected ADDRESS:PORT"));
  }
  options->data_directory = arguments.data_directory;
  options->locality.process = arguments.name;
  const ReplicaOptions replica{.members = *members,
                               .self = static_cast<uint32_t>(self - members->begin() + 1),
                               .listen = *listen};
  return real::RunProcess(*std::move(options),
                          [&replica](Env& env) { return RunReplica(env, replica); });
}

// What a verb does with a client of the cluster. False: it was done, but the answer is not what was
// hoped for, which has been told; the exit code is 1.
using ClientBody = Task<absl::StatusOr<bool>> (*)(Env&, LogClient&, const Arguments&);

Task<absl::Status> WithClient(Env& env, std::vector<Endpoint> replicas, const Arguments& arguments,
                              ClientBody body, bool* good) {
  LogClient client(env, std::move(replicas));
  const absl::StatusOr<bool> done = co_await body(env, client, arguments);
  *good = done.ok() && *done;
  if (CodeOf(done.status()) == ErrorCode::authentication_failed) {
    co_return BadInput("certificates do not match: " + std::string(done.status().message()));
  }
  co_return done.status();
}

int RunClient(const Arguments& arguments, ClientBody body) {
  KnobSet knobs;
  absl::StatusOr<real::RealOptions> options = MakeRealOptions(arguments, knobs);
  if (!options.ok()) return Refuse(options.status());
  const auto members = ParsePeers(arguments.peers);
  if (!members.ok()) return Refuse(members.status());
  options->trace_least = TraceLevel::kError;
  std::vector<Endpoint> replicas;
  for (const auto& member : *members) replicas.push_back(member.endpoint);
  bool good = false;
  const int code = real::RunProcess(*std::move(options), [&](Env& env) {
    return WithClient(env, replicas, arguments, body, &good);
  });
  return code == 0 && !good ? kExitFailed : code;
}

Task<absl::StatusOr<bool>> Put(Env&, LogClient& client, const Arguments& arguments) {
  LogClient::Entries entries;
  entries.emplace_back(arguments.key, arguments.value);
  CO_RETURN_IF_ERROR(co_await client.Put(std::move(entries), Seconds(arguments.timeout_seconds)));
  co_return true;
}

Task<absl::StatusOr<bool>> Get(Env&, LogClient& client, const Arguments& arguments) {
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> value,
                      co_await client.Get(arguments.key, Seconds(arguments.timeout_seconds)));
  if (!value.has_value()) {
    std::fprintf(stderr, "there is no key \"%s\"\n", arguments.key.c_str());
    co_return false;
  }
  std::printf("%s\n", value->c_str());
  co_return true;
}

Task<absl::StatusOr<bool>> Count(Env&, LogClient& client, const Arguments& arguments) {
  CO_ASSIGN_OR_RETURN(const uint64_t keys,
                      co_await client.Count(Seconds(arguments.timeout_seconds)));
  std::printf(arguments.json ? "{\"keys\":%llu}\n" : "%llu\n",
              static_cast<unsigned long long>(keys));
  co_return true;
}

// The paths of everything below `directory`, links not followed, sorted.
absl::StatusOr<std::vector<std::string>> ListTree(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> paths;
  auto walk = std::filesystem::recursive_directory_iterator(
      directory, std::filesystem::directory_options::skip_permission_denied, error);
  while (!error && walk != std::filesystem::recursive_directory_iterator()) {
    paths.push_back(walk->path().native());
    walk.increment(error);
  }
  if (error) return BadInput(directory + ": " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// "file size=1234 mode=100644 mtime=1700000000.000000001"; "gone" when it cannot be looked at.
std::string MetadataOf(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return "gone";
  const char* type = S_ISREG(info.st_mode)   ? "file"
                     : S_ISDIR(info.st_mode) ? "directory"
                     : S_ISLNK(info.st_mode) ? "link"
                                             : "other";
  char text[128];
  std::snprintf(text, sizeof(text), "%s size=%lld mode=%o mtime=%lld.%09ld", type,
                static_cast<long long>(info.st_size), static_cast<unsigned>(info.st_mode),
                static_cast<long long>(info.st_mtim.tv_sec), info.st_mtim.tv_nsec);
  return text;
}

// One line on a terminal, written over and over.
class Progress {
 public:
  Progress(Env& env, size_t total)
      : clock_(env.clock()), total_(total), began_(clock_.Now()), on_(::isatty(STDERR_FILENO)) {}

  void Clear() const {
    if (on_) std::fprintf(stderr, "\r\033[K");
  }

  void Show(size_t done) {
    const Time now = clock_.Now();
    if (!on_ || done == 0 || now - shown_ < Milliseconds(200)) return;
    shown_ = now;
    const int64_t ms = std::max<int64_t>(1, ToMilliseconds(now - began_));
    const int64_t rate = static_cast<int64_t>(done) * 1000 / ms;
    const int64_t left = static_cast<int64_t>(total_ - done) / std::max<int64_t>(1, rate);
    std::fprintf(stderr, "\r\033[K%zu of %zu entries (%zu %%), %lld per second, %lld s left", done,
                 total_, done * 100 / total_, static_cast<long long>(rate),
                 static_cast<long long>(left));
  }

  int64_t elapsed_ms() const { return ToMilliseconds(clock_.Now() - began_); }

 private:
  Clock& clock_;
  const size_t total_;
  const Time began_;
  const bool on_;
  Time shown_{};
};

// Puts the metadata of a list of paths, several puts at a time.
class Importer {
 public:
  Importer(Env& env, LogClient& client, std::vector<std::string> paths)
      : client_(client),
        paths_(std::move(paths)),
        progress_(env, paths_.size()),
        puts_(env.executor(), [this](std::string_view, absl::Status status) {
          if (verdict_.ok()) verdict_ = std::move(status);
          ended_.NotifyAll();
        }) {}

  Task<absl::Status> Run() {
    for (size_t at = 0; at < paths_.size() && verdict_.ok();) {
      while (under_way_ >= kPutsMax && verdict_.ok()) co_await ended_.Wait();
      LogClient::Entries entries;
      for (size_t bytes = 0;
           at < paths_.size() && entries.size() < kEntriesPerPut && bytes < kBytesPerPut; ++at) {
        entries.emplace_back(paths_[at], MetadataOf(paths_[at]));
        bytes += paths_[at].size();
      }
      ++under_way_;
      puts_.Spawn("put", PutOne(std::move(entries)));
    }
    while (under_way_ > 0 && verdict_.ok()) co_await ended_.Wait();
    progress_.Clear();
    co_return verdict_;
  }

  size_t done() const { return done_; }
  int64_t elapsed_ms() const { return progress_.elapsed_ms(); }

 private:
  Task<absl::Status> PutOne(LogClient::Entries entries) {
    const size_t count = entries.size();
    CO_RETURN_IF_ERROR(co_await client_.Put(std::move(entries), kImportTimeout));
    --under_way_;
    done_ += count;
    progress_.Show(done_);
    ended_.NotifyAll();
    co_return absl::OkStatus();
  }

  LogClient& client_;
  const std::vector<std::string> paths_;
  Progress progress_;
  absl::Status verdict_;
  size_t under_way_ = 0;
  size_t done_ = 0;
  Notify ended_;  // A put.
  TaskGroup puts_;
};

Task<absl::StatusOr<bool>> Import(Env& env, LogClient& client, const Arguments& arguments) {
  CO_ASSIGN_OR_RETURN(std::vector<std::string> paths, ListTree(arguments.directory));
  Importer importer(env, client, std::move(paths));
  CO_RETURN_IF_ERROR(co_await importer.Run());
  const int64_t ms = std::max<int64_t>(1, importer.elapsed_ms());
  const auto entries = static_cast<long long>(importer.done());
  std::printf(arguments.json
                  ? "{\"entries\":%lld,\"milliseconds\":%lld,\"entries_per_second\":%lld}\n"
                  : "%lld entries imported in %lld ms, %lld per second\n",
              entries, static_cast<long long>(ms), entries * 1000 / static_cast<long long>(ms));
  co_return true;
}

Task<absl::StatusOr<bool>> Verify(Env& env, LogClient& client, const Arguments& arguments) {
  CO_ASSIGN_OR_RETURN(std::vector<std::string> paths, ListTree(arguments.directory));
  const Duration timeout = Seconds(arguments.timeout_seconds);
  CO_ASSIGN_OR_RETURN(const uint64_t keys, co_await client.Count(timeout));
  if (keys != paths.size()) {
    std::fprintf(stderr, "the log has %llu entries, %s has %zu\n",
                 static_cast<unsigned long long>(keys), arguments.directory.c_str(), paths.size());
    co_return false;
  }
  Random& random = env.random("replicated_log.verify");
  random.Shuffle(paths.begin(), paths.end());
  paths.resize(std::min(paths.size(), static_cast<size_t>(arguments.sample)));
  for (const std::string& path : paths) {
    CO_ASSIGN_OR_RETURN(const std::optional<std::string> value, co_await client.Get(path, timeout));
    const std::string expected = MetadataOf(path);
    if (value != expected) {
      std::fprintf(stderr, "%s: the log has \"%s\", not \"%s\"\n", path.c_str(),
                   value.value_or("nothing").c_str(), expected.c_str());
      co_return false;
    }
    if (!arguments.json) std::printf("same: %s: %s\n", path.c_str(), expected.c_str());
  }
  std::printf(arguments.json ? "{\"keys\":%llu,\"compared\":%zu}\n"
                             : "%llu entries, as many as there are; %zu compared\n",
              static_cast<unsigned long long>(keys), paths.size());
  co_return true;
}

int MakeCertificates(const Arguments& arguments) {
  std::error_code error;
  std::filesystem::create_directories(arguments.directory, error);
  if (error) return Refuse(BadInput(arguments.directory + ": " + error.message()));
  auto authority = real::TestAuthority::Create(arguments.directory, "replicated_log");
  if (!authority.ok()) return Refuse(authority.status());
  std::printf("%s\n", (*authority)->authority_path().c_str());
  for (const std::string& name : arguments.names) {
    const absl::StatusOr<real::TlsFiles> files = (*authority)->Issue(name);
    if (!files.ok()) return Refuse(files.status());
    std::printf("%s %s\n", files->certificate.c_str(), files->key.c_str());
  }
  return 0;
}

void AddCommon(CLI::App& verb, Arguments& arguments) {
  verb.add_option("--peer", arguments.peers, "NAME=HOST:PORT of every replica of the cluster")
      ->required();
  verb.add_option("--tls-certificate", arguments.tls.certificate, "PEM; with TLS: own certificate");
  verb.add_option("--tls-key", arguments.tls.key, "PEM; its private key");
  verb.add_option("--tls-authority", arguments.tls.authority, "PEM; who signed everybody's");
  verb.add_option("--knob", arguments.knobs, "NAME=VALUE of a tunable");
}

CLI::App* AddClientVerb(CLI::App& app, Arguments& arguments, const char* name, const char* what) {
  CLI::App* const verb = app.add_subcommand(name, what);
  AddCommon(*verb, arguments);
  verb->add_option("--timeout-seconds", arguments.timeout_seconds, "of one call")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600));
  verb->add_option_function<std::string>(
          "-o", [&arguments](const std::string& form) { arguments.json = form == "json"; },
          "form of the output: text or json")
      ->check(CLI::IsMember({"text", "json"}));
  return verb;
}

void AddServe(CLI::App& app, Arguments& arguments) {
  CLI::App* const serve = app.add_subcommand("serve", "Runs a replica until SIGTERM or SIGINT.");
  AddCommon(*serve, arguments);
  serve->add_option("--name", arguments.name, "of this replica, among the peers")->required();
  serve->add_option("--listen", arguments.listen, "ADDRESS:PORT")->required();
  serve->add_option("--data", arguments.data_directory, "its directory; made when not there")
      ->required();
  serve->add_option("--trace", arguments.trace_path, "file for trace events; else standard error");
}

int Main(int argc, char** argv) {
  if (argc >= 2 && IsSimVerb(argv[1])) {
    return SimMain(argc, argv, ReplicatedLogSystem());
  }
  Arguments arguments;
  CLI::App app("A small replicated key-value log, for real and under a seed.", "replicated_log");
  app.require_subcommand(1);
  app.add_subcommand("sim", "Runs a scenario under a seed: see replicated_log sim --help.");
  AddServe(app, arguments);
  CLI::App* const put = AddClientVerb(app, arguments, "put", "Stores a value under a key.");
  put->add_option("KEY", arguments.key)->required();
  put->add_option("VALUE", arguments.value)->required();
  CLI::App* const get = AddClientVerb(app, arguments, "get", "Prints the value under a key.");
  get->add_option("KEY", arguments.key)->required();
  AddClientVerb(app, arguments, "count", "Prints the number of keys.");
  CLI::App* const import = AddClientVerb(
      app, arguments, "import", "Stores type, size, mode and mtime of all that is below DIR.");
  import->add_option("DIR", arguments.directory)->required();
  CLI::App* const verify = AddClientVerb(
      app, arguments, "verify", "Compares the number of keys, and some entries, with DIR.");
  verify->add_option("DIR", arguments.directory)->required();
  verify->add_option("--entries", arguments.sample, "entries to compare")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  CLI::App* const certificates = app.add_subcommand(
      "certificates", "Makes a throw-away authority and a certificate for each NAME in DIR.");
  certificates->add_option("DIR", arguments.directory)->required();
  certificates->add_option("NAME", arguments.names)->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const bool command_missing = app.get_subcommands().empty();
    if (argc > 1 && argv[1][0] != '-' && command_missing) {
      return Refuse(BadInput(std::string("there is no command ") + argv[1] + "; see --help"));
    }
    return Refuse(BadInput(error.what()));
  }
  const std::string verb = app.get_subcommands().front()->get_name();
  if (verb == "serve") return Serve(arguments);
  if (verb == "certificates") return MakeCertificates(arguments);
  if (verb == "put") return RunClient(arguments, Put);
  if (verb == "get") return RunClient(arguments, Get);
  if (verb == "count") return RunClient(arguments, Count);
  if (verb == "import") return RunClient(arguments, Import);
  if (verb == "verify") return RunClient(arguments, Verify);
  return kExitFailed;
}

}  // namespace
}  // namespace orrery::sim::replicated_log

int main(int argc, char** argv) { return orrery::sim::replicated_log::Main(argc, argv); }
