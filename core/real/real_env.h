// The Env of a process on a real machine: one loop on one thread, TCP (with or without TLS 1.3),
// files below one data directory, named thread pools.
//
// A program has one line in main():
//
//   return orrery::real::RunProcess(options, [](orrery::Env& env) { return Serve(env); });
//
// Tests, and programs with several loops in one OS process, use RealEnv or RunProcesses. Nothing is
// shared between two RealEnvs: no globals, each has its loop, its pools and its streams.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/async/task.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "core/observe/trace.h"

namespace orrery::real {

// PEM files. With them every connection is TLS 1.3 and both ends prove a certificate of the CA.
struct TlsFiles {
  std::string certificate;  // This process's chain, its own certificate first.
  std::string key;          // The private key of that certificate, not encrypted.
  std::string authority;    // The CA certificates that peers must be signed by.
};

struct RealOptions {
  // Where files() works; made (one level) when it is not there. Empty: a process without files,
  // whose file operations all give invalid_argument.
  std::string data_directory;

  Locality locality;

  // REQUIRES: contains RealKnobs (core/real/real_knobs.h) and outlives the Env. nullptr: a set of
  // the default RealKnobs alone.
  const KnobSet* knobs = nullptr;

  // File that trace events are appended to as lines of JSON; empty: standard error.
  std::string trace_path;
  TraceLevel trace_least = TraceLevel::kInfo;

  int64_t memory_bytes_max = int64_t{4} << 30;  // Limit of memory().

  std::optional<TlsFiles> tls;

  // Root of the streams of randomness; from the operating system when empty.
  std::optional<uint64_t> seed;
};

// What a process does. It is kept until the tasks it started are gone, so a coroutine lambda with
// captures is in order here.
using Main = absl::AnyInvocable<Task<absl::Status>(Env&)>;

// One loop with its Env. Everything is used on one thread at a time, and by that of Run while Run
// runs, except where it says "any thread".
class RealEnv {
 public:
  // Checks the options and makes the Env. invalid_argument, in one line that says what is wrong
  // and where, for a data directory, trace file or certificate that cannot be used, and for a limit
  // of descriptors too low to work with; nothing has been written then. Raises this OS process's
  // soft limit of descriptors to the hard one.
  static absl::StatusOr<std::unique_ptr<RealEnv>> Create(RealOptions options);

  // REQUIRES: Run is not running. Waits for the thread pools' work that began.
  ~RealEnv();

  // Runs the loop until `main` returns, and gives its status; or until Stop, and gives ok. Every
  // task that is left is then destroyed, from the loop's top. May be called again.
  absl::Status Run(Main main);

  // Makes the Run that runs, or else the next one, stop soon. Any thread.
  void Stop();

  // For use by tasks inside Run.
  Env& env();

 private:
  class Impl;
  explicit RealEnv(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// One of several loops of an OS process.
struct RealProcess {
  RealOptions options;
  Main main;
};

// Runs `main` until it returns or SIGTERM or SIGINT comes; a second signal ends the OS process at
// once. Gives the exit code for main():
//   0  main returned ok, or a signal stopped it
//   1  main failed: one line on standard error
//   2  bad input: options that RealEnv::Create refuses, or main gave invalid_argument, bind_failed,
//      file_locked, or a directory of another cluster or format (wrong_cluster,
//      protocol_mismatch): one line on standard error that says what and where
// SIGPIPE is ignored from then on. Call it before other threads are started: signals are blocked
// in the calling thread while it runs.
int RunProcess(RealOptions options, Main main);

// The same for several, each on a thread of its own. When one fails, all are stopped; when one ends
// well, the others go on.
int RunProcesses(std::vector<RealProcess> processes);

}  // namespace orrery::real
