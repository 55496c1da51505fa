// orrery shell: transactions by hand, interactively or from --exec.
//
// Commands run on one Env whose loop turns only while a command is under way; the connection to the
// cluster, and a transaction that was begun, stay between them.
#include <editline/readline.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "core/async/timeout.h"
#include "tools/orrery/command.h"
#include "tools/orrery/shell_language.h"
#include "tools/orrery/status.h"
#include "tools/orrery/verbs.h"

namespace orrery::tools {
namespace {

constexpr int32_t kRowsByDefault = 25;

struct ShellArguments {
  ClusterArguments cluster;
  std::string exec;
};

class Shell {
 public:
  Shell(real::RealEnv& env, ClusterFile cluster, Duration timeout)
      : real_env_(env),
        cluster_(std::move(cluster)),
        timeout_(timeout),
        rpc_(env.env(), {.cluster_id = cluster_.cluster_name(), .process = {}}),
        database_(env.env(), rpc_, cluster_) {}

  bool exiting() const { return exiting_; }

  // Runs a line; tells errors. Gives an exit code.
  int RunLine(std::string_view line) {
    const auto commands = ParseShellLine(line);
    if (!commands.ok()) return Tell(commands.status());
    for (const ShellCommand& command : *commands) {
      const absl::Status done = real_env_.Run(
          [&](Env& env) { return Timeout(env.clock(), timeout_, RunCommand(command)); });
      if (!done.ok()) return Tell(done);
      if (exiting_) break;
    }
    return kExitOk;
  }

 private:
  // A Timeout is an awaiter; Run wants a Task.
  static Task<absl::Status> Timeout(Clock& clock, Duration limit, Task<absl::Status> task) {
    co_return co_await orrery::Timeout(clock, limit, std::move(task));
  }

  Task<absl::Status> RunCommand(ShellCommand command) {
    const std::string_view name = command.verb->name;
    if (name == "begin") return Begin();
    if (name == "commit") return Commit();
    if (name == "rollback") return Rollback();
    if (name == "status") return Status();
    if (name == "help") return Help();
    if (name == "exit") return Exit();
    return InTransaction(std::move(command));
  }

  Task<absl::Status> Begin() {
    if (transaction_.has_value()) co_return BadInput("a transaction is open; commit or rollback");
    transaction_.emplace(database_.Begin());
    co_return absl::OkStatus();
  }

  Task<absl::Status> Commit() {
    if (!transaction_.has_value()) co_return BadInput("no transaction is open; begin starts one");
    const absl::StatusOr<CommitResult> result = co_await transaction_->Commit();
    transaction_.reset();
    CO_RETURN_IF_ERROR(result.status());
    if (result->version == kInvalidVersion) {
      std::printf("Nothing to commit.\n");
    } else {
      std::printf("Committed at version %lld.\n", static_cast<long long>(result->version));
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> Rollback() {
    if (!transaction_.has_value()) co_return BadInput("no transaction is open");
    transaction_.reset();
    co_return absl::OkStatus();
  }

  Task<absl::Status> Status() {
    const ClusterView view =
        co_await LookAtCluster(Client{real_env_.env(), rpc_, database_, cluster_}, Seconds(5));
    std::printf("%s", StatusSentences(view).c_str());
    co_return absl::OkStatus();
  }

  Task<absl::Status> Help() {
    for (const ShellVerb& verb : ShellVerbs()) {
      const std::string usage = std::string(verb.name) + " " + verb.words;
      std::printf("  %-30s %s\n", usage.c_str(), verb.what);
    }
    std::printf(
        "Words may stand in double quotes; \\xNN is one byte; ; parts commands on a line.\n");
    co_return absl::OkStatus();
  }

  Task<absl::Status> Exit() {
    exiting_ = true;
    co_return absl::OkStatus();
  }

  // In the open transaction, or in one of its own.
  Task<absl::Status> InTransaction(ShellCommand command) {
    if (transaction_.has_value()) {
      std::string out;
      const absl::Status done = co_await Do(*transaction_, command, out);
      std::printf("%s", out.c_str());
      co_return done;
    }
    std::string out;
    auto run = [&](Transaction& tr) -> Task<absl::Status> {
      out.clear();
      return Do(tr, command, out);
    };
    CO_RETURN_IF_ERROR(co_await database_.Run(run));
    std::printf("%s", out.c_str());
    co_return absl::OkStatus();
  }

  static Task<absl::Status> Do(Transaction& tr, const ShellCommand& command, std::string& out) {
    const std::string_view name = command.verb->name;
    const std::vector<std::string>& words = command.words;
    tr.options().read_system_keys = true;
    if (name == "set") co_return tr.Set(words[0], words[1]);
    if (name == "clear") co_return tr.Clear(words[0]);
    if (name == "clearrange") co_return tr.Clear(KeyRangeRef{words[0], words[1]});
    if (name == "getversion") {
      CO_ASSIGN_OR_RETURN(const Version version, co_await tr.GetReadVersion());
      out = std::to_string(version) + "\n";
      co_return absl::OkStatus();
    }
    if (name == "get") {
      CO_ASSIGN_OR_RETURN(const std::optional<std::string> value, co_await tr.Get(words[0]));
      out = "`" + Printable(words[0]) + "' " +
            (value.has_value() ? "is `" + Printable(*value) + "'\n" : "not found\n");
      co_return absl::OkStatus();
    }
    co_return co_await GetRange(tr, words, out);
  }

  static Task<absl::Status> GetRange(Transaction& tr, const std::vector<std::string>& words,
                                     std::string& out) {
    int32_t rows_max = kRowsByDefault;
    if (words.size() == 3) {
      const char* const end = words[2].data() + words[2].size();
      const auto [stop, error] = std::from_chars(words[2].data(), end, rows_max);
      if (error != std::errc() || stop != end || rows_max <= 0) {
        co_return BadInput("getrange: ROWS " + words[2] + ": expected a whole number above 0");
      }
    }
    KeyRange range{words[0], words.size() >= 2 ? words[1] : Key("\xff")};
    CO_ASSIGN_OR_RETURN(const RangeResult rows,
                        co_await tr.GetRange(std::move(range), {.rows = rows_max}));
    for (const auto& row : rows.rows) {
      out += "`" + Printable(row.key) + "' is `" + Printable(row.value) + "'\n";
    }
    if (rows.more) out += "(and more)\n";
    co_return absl::OkStatus();
  }

  real::RealEnv& real_env_;
  const ClusterFile cluster_;
  const Duration timeout_;
  bool exiting_ = false;
  RpcClient rpc_;
  Database database_;
  std::optional<Transaction> transaction_;
};

// For editline: the commands that begin with what stands on the line.
char* CompleteVerb(const char* text, int state) {
  int skip = state;
  for (const ShellVerb& verb : ShellVerbs()) {
    if (std::string_view(verb.name).starts_with(text) && skip-- == 0) return ::strdup(verb.name);
  }
  return nullptr;
}

char** Complete(const char* text, int start, int) {
  return start == 0 ? ::rl_completion_matches(text, CompleteVerb) : nullptr;
}

std::string HistoryPath() {
  const char* const home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.orrery_history";
}

void Interact(Shell& shell) {
  ::rl_attempted_completion_function = Complete;
  ::rl_attempted_completion_over = 1;  // No file names.
  ::using_history();
  const std::string history = HistoryPath();
  if (!history.empty()) ::read_history(history.c_str());
  std::printf("orrery shell; help lists the commands, exit leaves.\n");
  while (!shell.exiting()) {
    char* const line = ::readline("orrery> ");
    if (line == nullptr) break;
    if (*line != '\0') {
      ::add_history(line);
      shell.RunLine(line);  // It has told what went wrong; the user goes on.
    }
    std::free(line);
  }
  if (!history.empty()) ::write_history(history.c_str());
}

// Lines of standard input that is no terminal: ends at the first that fails.
int RunInput(Shell& shell) {
  std::string line;
  while (!shell.exiting() && std::getline(std::cin, line)) {
    if (const int code = shell.RunLine(line); code != kExitOk) return code;
  }
  return kExitOk;
}

int RunShell(const ShellArguments& arguments) {
  if (!arguments.exec.empty()) {
    const auto parsed = ParseShellLine(arguments.exec);
    if (!parsed.ok()) return Tell(parsed.status());
  }
  KnobSet knobs;
  if (absl::Status set = SetKnobs(arguments.cluster.knobs, knobs); !set.ok()) return Tell(set);
  auto cluster = LoadClusterFile(arguments.cluster.cluster_path);
  if (!cluster.ok()) return Tell(cluster.status());
  auto tls = TlsOf(arguments.cluster.cluster_path, "client");
  if (!tls.ok()) return Tell(tls.status());
  real::RealOptions options;
  options.knobs = &knobs;
  options.trace_least = TraceLevel::kError;
  options.tls = *std::move(tls);
  auto env = real::RealEnv::Create(std::move(options));
  if (!env.ok()) return Tell(env.status());
  Shell shell(**env, *std::move(cluster), Seconds(arguments.cluster.timeout_seconds));
  if (!arguments.exec.empty()) return shell.RunLine(arguments.exec);
  if (!::isatty(STDIN_FILENO)) return RunInput(shell);
  Interact(shell);
  return kExitOk;
}

}  // namespace

RunVerb AddShell(CLI::App& app) {
  auto arguments = std::make_shared<ShellArguments>();
  CLI::App* const verb = app.add_subcommand(
      "shell", "Reads and writes keys by hand: interactively, from a pipe, or with --exec.");
  AddClusterOptions(*verb, arguments->cluster);
  verb->add_option("--timeout-seconds", arguments->cluster.timeout_seconds, "of one command")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  verb->add_option("--exec", arguments->exec, "commands, parted by ;");
  return [arguments] { return RunShell(*arguments); };
}

}  // namespace orrery::tools
