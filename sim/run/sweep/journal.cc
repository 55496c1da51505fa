// Framing, coding, and cutting what is torn.
#include "sim/run/sweep/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/base/fixed.h"
#include "core/base/hash.h"
#include "sim/run/sweep/journal.pb.h"

namespace orrery::sim {
namespace {

constexpr std::string_view kMagic = "ORRSWEEP";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeadBytes = 12;
constexpr uint32_t kPayloadBytesMax = 1 << 20;

std::string Encode(const SweepParameters& parameters) {
  SweepParametersMessage message;
  message.set_version(kVersion);
  for (const auto& scenario : parameters.scenarios) {
    SweptScenarioMessage* const entry = message.add_scenarios();
    entry->set_name(scenario.name);
    entry->set_file(scenario.file);
    entry->set_text_hash(scenario.text_hash);
  }
  message.set_first_seed(parameters.first_seed);
  message.set_last_seed(parameters.last_seed);
  message.set_time_ns(ToNanoseconds(parameters.time));
  message.set_shard(parameters.shard);
  message.set_shards(parameters.shards);
  for (const std::string& knob : parameters.knobs) message.add_knobs(knob);
  message.set_check_one_in(parameters.check_one_in);
  message.set_until_failure(parameters.until_failure);
  message.set_build(parameters.build);
  for (const std::string& probe : parameters.probes) message.add_probes(probe);
  for (const uint32_t shard : parameters.not_merged) message.add_not_merged(shard);
  return message.SerializeAsString();
}

SweepParameters Decode(const SweepParametersMessage& message) {
  SweepParameters parameters;
  for (const SweptScenarioMessage& entry : message.scenarios()) {
    parameters.scenarios.push_back({entry.name(), entry.file(), entry.text_hash()});
  }
  parameters.first_seed = message.first_seed();
  parameters.last_seed = message.last_seed();
  parameters.time = Nanoseconds(message.time_ns());
  parameters.shard = message.shard();
  parameters.shards = message.shards();
  parameters.knobs.assign(message.knobs().begin(), message.knobs().end());
  parameters.check_one_in = message.check_one_in();
  parameters.until_failure = message.until_failure();
  parameters.build = message.build();
  parameters.probes.assign(message.probes().begin(), message.probes().end());
  parameters.not_merged.assign(message.not_merged().begin(), message.not_merged().end());
  return parameters;
}

std::string Encode(const SweptRun& run) {
  SweptRunMessage message;
  message.set_scenario(run.run.scenario);
  message.set_seed(run.run.seed);
  message.set_events(run.events);
  message.set_simulated_ns(ToNanoseconds(run.simulated));
  message.set_faults(run.faults);
  message.set_hash(run.hash);
  message.set_probes(run.probes);
  message.set_checked(run.checked);
  message.set_rerun(run.rerun);
  message.set_signature(run.signature);
  message.set_kind(run.kind);
  message.set_text(run.text.substr(0, kFailureTextBytesMax));
  message.set_cpu_ns(ToNanoseconds(run.cpu));
  message.set_elapsed_ns(ToNanoseconds(run.elapsed));
  return message.SerializeAsString();
}

SweptRun Decode(const SweptRunMessage& message) {
  return {.run = {message.scenario(), message.seed()},
          .events = message.events(),
          .simulated = Nanoseconds(message.simulated_ns()),
          .faults = message.faults(),
          .hash = message.hash(),
          .probes = message.probes(),
          .checked = message.checked(),
          .rerun = message.rerun(),
          .signature = message.signature(),
          .kind = message.kind(),
          .text = message.text(),
          .cpu = Nanoseconds(message.cpu_ns()),
          .elapsed = Nanoseconds(message.elapsed_ns())};
}

// Entries of a file, one after the other, without holding more than one.
class EntryReader {
 public:
  explicit EntryReader(FILE* file) : file_(file) {}

  // First of all. False when the file is no journal; a file that ends within the magic is one that
  // was never begun.
  bool Begin() {
    char magic[kMagic.size()];
    const size_t bytes = std::fread(magic, 1, kMagic.size(), file_);
    if (bytes == kMagic.size()) end_ = bytes;
    return kMagic.starts_with(std::string_view(magic, bytes));
  }

  // False at the end, which is before the first entry that is not whole.
  bool Next(std::string& payload) {
    char head[kHeadBytes];
    if (end_ == 0 || std::fread(head, 1, kHeadBytes, file_) != kHeadBytes) return false;
    const uint32_t length = GetFixed<uint32_t>(head);
    if (length == 0 || length > kPayloadBytesMax) return false;
    payload.resize(length);
    if (std::fread(payload.data(), 1, length, file_) != length) return false;
    if (HashBytes(payload) != GetFixed<uint64_t>(head + 4)) return false;
    end_ += kHeadBytes + length;
    return true;
  }

  // Where the last whole entry ends.
  uint64_t end() const { return end_; }

 private:
  FILE* const file_;
  uint64_t end_ = 0;
};

absl::Status NoJournal(const std::string& path) {
  return Error(ErrorCode::invalid_argument, path + ": is no journal of a sweep");
}

absl::Status Damaged(const std::string& path, const char* what) {
  return Error(ErrorCode::file_corrupt, path + ": " + what + "; it is of no use any more");
}

absl::StatusOr<SweepParameters> DecodeParameters(const std::string& path,
                                                 const std::string& payload) {
  SweepParametersMessage message;
  if (!message.ParseFromString(payload)) return NoJournal(path);
  if (message.version() != kVersion) {
    return Error(ErrorCode::invalid_argument,
                 path + ": is of version " + std::to_string(message.version()) +
                     "; this program reads " + std::to_string(kVersion));
  }
  SweepParameters parameters = Decode(message);
  if (parameters.scenarios.empty() || parameters.shards == 0 ||
      parameters.shard >= parameters.shards || parameters.last_seed < parameters.first_seed) {
    return Damaged(path, "its parameters make no sense");
  }
  return parameters;
}

absl::Status DecodeRuns(const std::string& path, EntryReader& reader, size_t scenarios,
                        const std::function<void(const SweptRun&)>& each) {
  std::string payload;
  while (reader.Next(payload)) {
    SweptRunMessage message;
    if (!message.ParseFromString(payload) || message.scenario() >= scenarios) {
      return Damaged(path, "an entry is no run");
    }
    each(Decode(message));
  }
  return absl::OkStatus();
}

absl::Status Failed(const std::string& path, const char* what) {
  return Error(ErrorCode::platform_error, path + ": " + what + ": " + std::strerror(errno));
}

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<FILE, CloseFile>;

absl::StatusOr<OpenFile> OpenToRead(const std::string& folder, const std::string& path) {
  OpenFile file(std::fopen(path.c_str(), "rb"));
  if (file != nullptr) return file;
  if (errno != ENOENT) return Failed(path, "cannot be opened");
  return Error(ErrorCode::invalid_argument,
               folder + ": holds no sweep; give a folder that was an --out");
}

}  // namespace

std::string JournalPath(const std::string& folder) { return folder + "/journal"; }

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(
    const std::string& path, const SweepParameters& parameters,
    const std::function<void(const SweptRun&)>& each) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return Failed(path, "cannot be opened");
  auto journal = std::unique_ptr<Journal>(new Journal(path, descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Error(ErrorCode::file_locked, path + ": another sweep is writing it");
  }
  const OpenFile file(fdopen(dup(descriptor), "rb"));
  if (file == nullptr) return Failed(path, "cannot be read");
  EntryReader reader(file.get());
  if (!reader.Begin()) return NoJournal(path);
  std::string payload;
  const bool begun = reader.Next(payload);
  if (begun) {
    ASSIGN_OR_RETURN(const SweepParameters old, DecodeParameters(path, payload));
    if (const std::string difference = DifferenceOf(old, parameters); !difference.empty()) {
      return Error(ErrorCode::invalid_argument, path + ": is of another sweep: " + difference +
                                                    "; give another --out, or remove it");
    }
    RETURN_IF_ERROR(DecodeRuns(path, reader, parameters.scenarios.size(), each));
  }
  const auto end = static_cast<off_t>(begun ? reader.end() : 0);
  if (ftruncate(descriptor, end) != 0 || lseek(descriptor, end, SEEK_SET) != end) {
    return Failed(path, "cannot be written");
  }
  if (!begun) {
    RETURN_IF_ERROR(journal->WriteBytes(std::string(kMagic)));
    RETURN_IF_ERROR(journal->Write(Encode(parameters)));
  }
  return journal;
}

Journal::~Journal() { close(descriptor_); }

absl::Status Journal::Append(const SweptRun& run) { return Write(Encode(run)); }

absl::Status Journal::Write(const std::string& payload) {
  std::string entry;
  AppendFixed(entry, static_cast<uint32_t>(payload.size()));
  AppendFixed(entry, HashBytes(payload));
  return WriteBytes(entry + payload);
}

absl::Status Journal::WriteBytes(const std::string& entry) {
  for (size_t written = 0; written < entry.size();) {
    const ssize_t n = write(descriptor_, entry.data() + written, entry.size() - written);
    if (n < 0 && errno != EINTR) return Failed(path_, "cannot be written");
    if (n > 0) written += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<SweepParameters> ReadParameters(const std::string& folder) {
  const std::string path = JournalPath(folder);
  ASSIGN_OR_RETURN(const OpenFile file, OpenToRead(folder, path));
  EntryReader reader(file.get());
  std::string payload;
  if (!reader.Begin() || !reader.Next(payload)) return NoJournal(path);
  return DecodeParameters(path, payload);
}

absl::Status ReadRuns(const std::string& folder, const std::function<void(const SweptRun&)>& each) {
  const std::string path = JournalPath(folder);
  ASSIGN_OR_RETURN(const OpenFile file, OpenToRead(folder, path));
  EntryReader reader(file.get());
  std::string payload;
  if (!reader.Begin() || !reader.Next(payload)) return NoJournal(path);
  ASSIGN_OR_RETURN(const SweepParameters parameters, DecodeParameters(path, payload));
  return DecodeRuns(path, reader, parameters.scenarios.size(), each);
}

}  // namespace orrery::sim
