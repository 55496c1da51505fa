// orrery import-tree, ls and mv: a file system's metadata in the database (file_tree.h).
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/async/when_all.h"
#include "tools/orrery/command.h"
#include "tools/orrery/file_tree.h"
#include "tools/orrery/json.h"
#include "tools/orrery/verbs.h"

namespace orrery::tools {
namespace {

constexpr size_t kEntriesPerTransaction = 500;
constexpr size_t kTransactionsMax = 16;  // Under way at a time.
constexpr int32_t kChildrenPerRead = 5000;

EntryType TypeOf(mode_t mode) {
  if (S_ISREG(mode)) return EntryType::kFile;
  if (S_ISDIR(mode)) return EntryType::kDirectory;
  if (S_ISLNK(mode)) return EntryType::kLink;
  return EntryType::kOther;
}

struct Found {
  std::string path;   // Relative to the tree's directory.
  size_t parent = 0;  // Index of its directory, plus one; 0: the tree's own.
  std::string name;
};

// Everything below `directory`, each directory before what is in it; links are not followed.
absl::StatusOr<std::vector<Found>> ListTree(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> paths;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  auto walk = std::filesystem::recursive_directory_iterator(directory, options, error);
  while (!error && walk != std::filesystem::recursive_directory_iterator()) {
    paths.push_back(walk->path().native().substr(directory.size() + 1));
    walk.increment(error);
  }
  if (error) return BadInput(directory + ": " + error.message());
  std::sort(paths.begin(), paths.end());
  std::vector<Found> found;
  std::map<std::string, size_t> places;
  found.reserve(paths.size());
  for (std::string& path : paths) {
    const size_t slash = path.rfind('/');
    const size_t parent = slash == path.npos ? 0 : places.at(path.substr(0, slash));
    std::string name = slash == path.npos ? path : path.substr(slash + 1);
    places.emplace(path, found.size() + 1);
    found.push_back({std::move(path), parent, std::move(name)});
  }
  return found;
}

// One line on a terminal, written over and over.
class Progress {
 public:
  Progress(Env& env, size_t total)
      : clock_(env.clock()), total_(total), began_(clock_.Now()), on_(::isatty(STDERR_FILENO)) {}
  ~Progress() {
    if (on_) std::fprintf(stderr, "\r\033[K");
  }

  void Show(size_t done) {
    const Time now = clock_.Now();
    if (!on_ || done == 0 || now - shown_ < Milliseconds(200)) return;
    shown_ = now;
    const int64_t rate = static_cast<int64_t>(done) * 1000 / elapsed_ms();
    std::fprintf(
        stderr, "\r\033[K%zu of %zu entries (%zu %%), %lld per second, %lld s left", done, total_,
        done * 100 / total_, static_cast<long long>(rate),
        static_cast<long long>(static_cast<int64_t>(total_ - done) / std::max<int64_t>(1, rate)));
  }

  int64_t elapsed_ms() const { return std::max<int64_t>(1, ToMilliseconds(clock_.Now() - began_)); }

 private:
  Clock& clock_;
  const size_t total_;
  const Time began_;
  const bool on_;
  Time shown_{};
};

// Imports what was found, many transactions at a time. Numbers are taken first, so that every
// transaction writes whole entries and none waits for another.
class Importer {
 public:
  Importer(Client client, std::string directory, std::vector<Found> found)
      : client_(client),
        directory_(std::move(directory)),
        found_(std::move(found)),
        progress_(client.env, found_.size()),
        tasks_(client.env.executor(), [this](std::string_view, absl::Status status) {
          verdict_.Update(status);
          ended_.NotifyAll();
        }) {}

  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(co_await client_.database.Run(
        [this](Transaction& tr) -> Task<absl::Status> { return Prepare(tr); }));
    for (size_t at = 0; at < found_.size() && verdict_.ok(); at += kEntriesPerTransaction) {
      while (under_way_ >= kTransactionsMax && verdict_.ok()) co_await ended_.Wait();
      ++under_way_;
      tasks_.Spawn("import", ImportFrom(at));
    }
    while (under_way_ > 0 && verdict_.ok()) co_await ended_.Wait();
    co_return verdict_;
  }

  size_t done() const { return done_; }
  int64_t elapsed_ms() const { return progress_.elapsed_ms(); }

 private:
  // The directory itself, and numbers for all that is in it.
  Task<absl::Status> Prepare(Transaction& tr) {
    CO_ASSIGN_OR_RETURN(const TreeEntry top, co_await MakeDirectories(tr, directory_));
    CO_ASSIGN_OR_RETURN(const ChildPage there, co_await ListChildren(tr, top.number, "", 1));
    if (!there.children.empty()) {
      co_return BadInput(directory_ + ": is in the database already");
    }
    top_ = top.number;
    CO_ASSIGN_OR_RETURN(first_, co_await TakeNumbers(tr, found_.size()));
    co_return absl::OkStatus();
  }

  absl::Status Put(Transaction& tr, size_t index) const {
    const Found& found = found_[index];
    TreeEntry entry{.number = first_ + index, .name = found.name};
    entry.parent = found.parent == 0 ? top_ : first_ + found.parent - 1;
    struct stat info {};
    if (::lstat((directory_ + "/" + found.path).c_str(), &info) == 0) {
      entry.type = TypeOf(info.st_mode);
      entry.size_bytes = static_cast<uint64_t>(info.st_size);
      entry.mode = info.st_mode;
      entry.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    } else {
      entry.type = EntryType::kOther;  // It went away meanwhile; its place is kept.
    }
    return PutEntry(tr, entry);
  }

  Task<absl::Status> ImportFrom(size_t begin) {
    const size_t end = std::min(begin + kEntriesPerTransaction, found_.size());
    auto write = [this, begin, end](Transaction& tr) -> Task<absl::Status> {
      for (size_t i = begin; i < end; ++i) CO_RETURN_IF_ERROR(Put(tr, i));
      co_return absl::OkStatus();
    };
    CO_RETURN_IF_ERROR(co_await client_.database.Run(write));
    done_ += end - begin;
    --under_way_;
    progress_.Show(done_);
    ended_.NotifyAll();
    co_return absl::OkStatus();
  }

  Client client_;
  const std::string directory_;
  const std::vector<Found> found_;
  uint64_t top_ = 0;
  uint64_t first_ = 0;
  Progress progress_;
  absl::Status verdict_;
  size_t under_way_ = 0;
  size_t done_ = 0;
  Notify ended_;
  TaskGroup tasks_;
};

struct TreeArguments {
  ClusterArguments cluster;
  std::string path = "/";
  std::string to;
  bool recursive = false;
  bool count = false;
  int32_t largest = 0;
};

Task<absl::StatusOr<int>> Import(Client client, std::string directory, bool json) {
  CO_ASSIGN_OR_RETURN(std::vector<Found> found, ListTree(directory));
  Importer importer(client, directory, std::move(found));
  CO_RETURN_IF_ERROR(co_await importer.Run());
  const auto entries = static_cast<long long>(importer.done());
  const auto ms = static_cast<long long>(importer.elapsed_ms());
  std::printf(json ? "{\"entries\":%lld,\"milliseconds\":%lld,\"entries_per_second\":%lld}\n"
                   : "%lld entries imported in %lld ms, %lld per second\n",
              entries, ms, entries * 1000 / ms);
  co_return kExitOk;
}

char TypeLetter(EntryType type) {
  switch (type) {
    case EntryType::kDirectory:
      return 'd';
    case EntryType::kLink:
      return 'l';
    case EntryType::kFile:
      return '-';
    case EntryType::kOther:
      return '?';
  }
  return '?';
}

void PrintEntry(const TreeEntry& entry, const std::string& name, bool json) {
  if (json) {
    std::printf("%s\n", Json()
                            .BeginObject()
                            .Field("name", name)
                            .Field("type", std::string(1, TypeLetter(entry.type)))
                            .Field("size_bytes", entry.size_bytes)
                            .Field("mtime_ns", entry.mtime_ns)
                            .Field("mode", entry.mode)
                            .End()
                            .Take()
                            .c_str());
    return;
  }
  std::printf("%c %06o %12llu %s\n", TypeLetter(entry.type), entry.mode,
              static_cast<unsigned long long>(entry.size_bytes), name.c_str());
}

// All rows of one directory at one version: it is seen whole, or as it was before or after a
// rename, never in between.
Task<absl::StatusOr<std::vector<TreeEntry>>> ReadDirectory(Transaction& tr, std::string path) {
  CO_ASSIGN_OR_RETURN(const std::optional<TreeEntry> entry, co_await FindEntry(tr, path));
  if (!entry.has_value()) co_return BadInput(path + ": there is no such entry");
  std::vector<TreeEntry> entries;
  if (entry->type != EntryType::kDirectory) {
    entries.push_back(*entry);
    co_return entries;
  }
  std::string after;
  for (bool more = true; more;) {
    CO_ASSIGN_OR_RETURN(const ChildPage page,
                        co_await ListChildren(tr, entry->number, after, kChildrenPerRead));
    for (const ChildRef& child : page.children) {
      entries.push_back({.number = child.number, .name = child.name, .type = child.type});
    }
    more = page.more;
    if (more) after = page.children.back().name;
  }
  for (size_t at = 0; at < entries.size(); at += kEntriesPerTransaction) {
    const size_t end = std::min(at + kEntriesPerTransaction, entries.size());
    std::vector<Task<absl::StatusOr<std::optional<TreeEntry>>>> reads;
    for (size_t i = at; i < end; ++i) reads.push_back(GetEntry(tr, entries[i].number));
    auto rows = co_await WhenAll(std::move(reads));
    for (size_t i = at; i < end; ++i) {
      CO_ASSIGN_OR_RETURN(const std::optional<TreeEntry> whole, std::move(rows[i - at]));
      if (!whole.has_value()) {
        co_return Error(ErrorCode::file_corrupt, entries[i].name + ": has no row");
      }
      entries[i] = *whole;
    }
  }
  co_return entries;
}

Task<absl::StatusOr<int>> ListDirectory(Client client, std::string path, bool json) {
  std::vector<TreeEntry> entries;
  auto read = [&entries, &path](Transaction& tr) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(entries, co_await ReadDirectory(tr, path));
    co_return absl::OkStatus();
  };
  CO_RETURN_IF_ERROR(co_await client.database.Run(read));
  for (const TreeEntry& entry : entries) PrintEntry(entry, entry.name, json);
  co_return kExitOk;
}

Task<absl::StatusOr<int>> CountDirectory(Client client, std::string path, bool json) {
  uint64_t counted = 0;
  auto count = [&counted, &path](Transaction& tr) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const std::optional<TreeEntry> top, co_await FindEntry(tr, path));
    if (!top.has_value()) co_return BadInput(path + ": there is no such entry");
    counted = 0;
    std::string after;
    for (bool more = true; more;) {
      CO_ASSIGN_OR_RETURN(const ChildPage page,
                          co_await ListChildren(tr, top->number, after, kChildrenPerRead));
      counted += page.children.size();
      more = page.more;
      if (more) after = page.children.back().name;
    }
    co_return absl::OkStatus();
  };
  CO_RETURN_IF_ERROR(co_await client.database.Run(count));
  std::printf(json ? "{\"entries\":%llu}\n" : "%llu\n", static_cast<unsigned long long>(counted));
  co_return kExitOk;
}

// Counts page by page, each at a version of its own: entries that come or go meanwhile may be
// counted or not.
Task<absl::StatusOr<int>> CountAll(Client client, bool json) {
  uint64_t counted = 0;
  CountPage page{.more = true};
  while (page.more) {
    auto count = [&page](Transaction& tr) -> Task<absl::Status> {
      CO_ASSIGN_OR_RETURN(const CountPage next, co_await CountEntries(tr, page.last));
      page = next;
      co_return absl::OkStatus();
    };
    const uint64_t after = page.last;
    CO_RETURN_IF_ERROR(co_await client.database.Run(count));
    if (page.last == after) break;
    counted += page.counted;
  }
  std::printf(json ? "{\"entries\":%llu}\n" : "%llu\n", static_cast<unsigned long long>(counted));
  co_return kExitOk;
}

Task<absl::StatusOr<int>> ListLargest(Client client, int32_t count, bool json) {
  std::vector<std::pair<TreeEntry, std::string>> files;
  auto read = [&files, count](Transaction& tr) -> Task<absl::Status> {
    files.clear();
    CO_ASSIGN_OR_RETURN(const std::vector<TreeEntry> largest, co_await LargestFiles(tr, count));
    for (const TreeEntry& entry : largest) {
      CO_ASSIGN_OR_RETURN(std::string path, co_await PathOf(tr, entry));
      files.emplace_back(entry, std::move(path));
    }
    co_return absl::OkStatus();
  };
  CO_RETURN_IF_ERROR(co_await client.database.Run(read));
  for (const auto& [entry, path] : files) PrintEntry(entry, path, json);
  co_return kExitOk;
}

Task<absl::StatusOr<int>> Move(Client client, std::string from, std::string to, bool json) {
  CO_RETURN_IF_ERROR(co_await client.database.Run(
      [&](Transaction& tr) -> Task<absl::Status> { return MoveEntry(tr, from, to); }));
  if (json) std::printf("{\"moved\":true}\n");
  co_return kExitOk;
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

RunVerb AddImportTree(CLI::App& app) {
  auto arguments = std::make_shared<TreeArguments>();
  arguments->cluster.timeout_seconds = 3600;
  CLI::App* const verb = app.add_subcommand(
      "import-tree", "Stores the metadata of everything below DIR, with indexes, under its path.");
  AddClientOptions(*verb, arguments->cluster);
  verb->add_option("DIR", arguments->path, "absolute path of a directory")->required();
  return [arguments] {
    const std::string directory = WithoutSlash(arguments->path);
    if (directory.empty() || directory[0] != '/' || directory == "/") {
      return Tell(BadInput(arguments->path + ": expected an absolute path below /"));
    }
    const bool json = arguments->cluster.json;
    return RunClient(arguments->cluster,
                     [directory, json](Client client) { return Import(client, directory, json); });
  };
}

RunVerb AddList(CLI::App& app) {
  auto arguments = std::make_shared<TreeArguments>();
  CLI::App* const verb = app.add_subcommand("ls", "Lists a directory of an imported tree.");
  AddClientOptions(*verb, arguments->cluster);
  verb->add_option("PATH", arguments->path, "absolute path")->capture_default_str();
  CLI::Option* const count =
      verb->add_flag("--count", arguments->count, "only the number of its entries");
  verb->add_flag("--recursive", arguments->recursive,
                 "with --count and the path /: of all entries there are")
      ->needs(count);
  verb->add_option("--largest", arguments->largest, "instead: so many of the largest files of all")
      ->check(CLI::Range(1, 1000))
      ->excludes(count);
  return [arguments] {
    const std::string path = WithoutSlash(arguments->path);
    if (arguments->recursive && path != "/") {
      return Tell(BadInput("--recursive counts all entries: of the path /, not of " + path));
    }
    return RunClient(arguments->cluster, [arguments, path](Client client) {
      const bool json = arguments->cluster.json;
      if (arguments->largest > 0) return ListLargest(client, arguments->largest, json);
      if (arguments->recursive) return CountAll(client, json);
      if (arguments->count) return CountDirectory(client, path, json);
      return ListDirectory(client, path, json);
    });
  };
}

RunVerb AddMove(CLI::App& app) {
  auto arguments = std::make_shared<TreeArguments>();
  CLI::App* const verb = app.add_subcommand(
      "mv", "Moves an entry of an imported tree, with all below it, in one transaction.");
  AddClientOptions(*verb, arguments->cluster);
  verb->add_option("FROM", arguments->path, "absolute path")->required();
  verb->add_option("TO", arguments->to, "absolute path; nothing is there yet")->required();
  return [arguments] {
    const std::string from = WithoutSlash(arguments->path), to = WithoutSlash(arguments->to);
    return RunClient(arguments->cluster, [arguments, from, to](Client client) {
      return Move(client, from, to, arguments->cluster.json);
    });
  };
}

}  // namespace orrery::tools
