// TraceFile: the trace events of all processes as lines of JSON in a file.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/observe/trace_json.h"
#include "sim/world/world.h"

namespace orrery::sim {

class TraceFile final : public WorldTrace {
 public:
  // Replaces the file. platform_error names it and the reason.
  absl::Status Open(const std::string& path);

  // Each line is handed to the operating system at once: nothing is lost in a crash.
  void Emit(const Process* process, const TraceRecord& record) override;

  // platform_error when a line could not be written. REQUIRES: opened.
  absl::Status Close();

 private:
  struct CloseFile {
    void operator()(FILE* file) const { std::fclose(file); }
  };

  std::string path_;
  std::unique_ptr<FILE, CloseFile> file_;
  bool failed_ = false;
  std::map<std::string, std::unique_ptr<JsonTraceSink>> sinks_;  // By process; "": the world's.
};

}  // namespace orrery::sim
