// Private mutations: what commit proxies and recovery tell one storage server inside its own tag's
// stream, at the version at which it holds. They are no rows of the database: their keys lie at or
// above "\xff\xff", where no user key does.
//
//   set "\xff\xff/assign/" + begin   = end       [begin, end) is this server's from this version on
//   set "\xff\xff/unassign/" + begin = end       it is not any more
//   set "\xff\xff/generation"        = RV, 8 bytes little endian: a generation begins with this
//                                      version; the one before ended at RV
#pragma once

#include <string_view>

namespace orrery {

inline constexpr std::string_view kPrivatePrefix = "\xff\xff";
inline constexpr std::string_view kAssignPrefix = "\xff\xff/assign/";
inline constexpr std::string_view kUnassignPrefix = "\xff\xff/unassign/";
inline constexpr std::string_view kGenerationKey = "\xff\xff/generation";

}  // namespace orrery
