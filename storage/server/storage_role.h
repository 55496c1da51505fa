// The storage server's role above any source of messages: see storage_server.h.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "storage/engine/engine.h"
#include "storage/server/message_source.h"
#include "storage/server/storage_server.h"

namespace orrery {

// Makes the source that gives what follows `after`. Called once, when the engine is open.
using MakeMessageSource = absl::AnyInvocable<std::unique_ptr<MessageSource>(Version after)>;

// RunStorage, with the messages of `make_source`, above an engine that is open: OpenStorage
// (storage_files.h).
Task<absl::Status> ServeStorage(RoleContext context, StorageOptions options,
                                std::unique_ptr<Engine> engine, MakeMessageSource make_source);

// Opens the engine, too.
Task<absl::Status> RunStorageFrom(RoleContext context, StorageOptions options,
                                  MakeMessageSource make_source);

}  // namespace orrery
