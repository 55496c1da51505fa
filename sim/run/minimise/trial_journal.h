// TrialJournal: the verdicts of runs that a minimisation has made, in a file, so that one that was
// interrupted anywhere (kill -9) goes on where it was: the same command asks the same questions and
// finds them answered.
//
// The file is text. Its first line says what it is of; each other line is one verdict:
//
//   orrery minimise 1 0123456789abcdef
//   89abcdef01234567 fails 1830
//
// with a key of what was run, and milliseconds of processor time. Lines are appended, one write
// each; a last line that is not complete is as if it were not there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery::sim {

class TrialJournal {
 public:
  TrialJournal() = default;
  TrialJournal(const TrialJournal&) = delete;
  TrialJournal& operator=(const TrialJournal&) = delete;
  ~TrialJournal();

  // Opens or creates the file. `of` says what the verdicts are about: the program's behaviour, the
  // plan, the scenario. A journal of something else is begun anew. platform_error names the file;
  // invalid_argument: it is not a journal, and was left alone.
  absl::Status Open(const std::string& path, uint64_t of);

  std::optional<bool> Fails(uint64_t key) const;
  // platform_error when it cannot be written.
  absl::Status Add(uint64_t key, bool fails, Duration cpu);

  size_t size() const { return verdicts_.size(); }
  size_t found() const { return found_; }            // Verdicts that Open found.
  Duration found_cpu() const { return found_cpu_; }  // What they took.

  // Deletes the file: the minimisation is done.
  void Remove();

 private:
  size_t Read(const std::string& text, uint64_t of);

  std::string path_;
  int descriptor_ = -1;
  std::map<uint64_t, bool> verdicts_;
  size_t found_ = 0;
  Duration found_cpu_{};
};

}  // namespace orrery::sim
