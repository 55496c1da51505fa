// Names of stores, and their removal in an order that a crash cannot disturb.
#include "txn/worker/store_directory.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/status.h"

namespace orrery {

namespace {

constexpr std::string_view kLogPrefix = "log-";
constexpr std::string_view kStoragePrefix = "storage-";
constexpr std::string_view kRemovedFile = "removed";
constexpr std::string_view kDigits = "0123456789abcdef";

std::string Hexadecimal(uint64_t id) {
  std::string text(16, '0');
  for (size_t i = text.size(); i-- > 0; id >>= 4) text[i] = kDigits[id & 15];
  return text;
}

std::optional<uint64_t> ParseHexadecimal(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  uint64_t id = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    id = id << 4 | digit;
  }
  return id;
}

std::optional<FoundStore> ParseName(const std::string& name) {
  for (const StoreKind kind : {StoreKind::kLog, StoreKind::kStorage}) {
    const std::string_view prefix = kind == StoreKind::kLog ? kLogPrefix : kStoragePrefix;
    if (!std::string_view(name).starts_with(prefix)) continue;
    const std::optional<uint64_t> id =
        ParseHexadecimal(std::string_view(name).substr(prefix.size()));
    if (id) return FoundStore{kind, *id, name, /*removed=*/false};
  }
  return std::nullopt;
}

}  // namespace

std::string StoreDirectory(StoreKind kind, uint64_t id) {
  return std::string(kind == StoreKind::kLog ? kLogPrefix : kStoragePrefix) + Hexadecimal(id);
}

Task<absl::StatusOr<std::vector<FoundStore>>> FindStores(Env& env) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> names, co_await env.files().List(""));
  std::vector<FoundStore> stores;
  for (const std::string& name : names) {
    std::optional<FoundStore> store = ParseName(name);
    if (!store) continue;
    CO_ASSIGN_OR_RETURN(const std::vector<std::string> files, co_await env.files().List(name));
    if (files.empty()) continue;
    store->removed = std::find(files.begin(), files.end(), kRemovedFile) != files.end();
    stores.push_back(*std::move(store));
  }
  co_return stores;
}

Task<absl::Status> RemoveStore(Env& env, std::string directory) {
  const std::string prefix = directory + "/";
  const std::string marker = prefix + std::string(kRemovedFile);
  {
    CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                        co_await env.files().Open(marker, OpenMode::kCreate));
  }
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(directory));
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> files, co_await env.files().List(directory));
  for (const std::string& name : files) {
    if (name == kRemovedFile) continue;
    CO_RETURN_IF_ERROR(co_await env.files().Delete(prefix + name));
  }
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(directory));
  CO_RETURN_IF_ERROR(co_await env.files().Delete(marker));
  co_return co_await env.files().SyncDirectory(directory);
}

}  // namespace orrery
