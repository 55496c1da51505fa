// Protobuf messages as this room's headers see them: without including protobuf.
#pragma once

#include <string_view>

namespace google::protobuf {
class MessageLite;
}  // namespace google::protobuf

namespace orrery {

// False when `bytes` is not a valid encoding of the message's type.
bool ParseMessage(std::string_view bytes, google::protobuf::MessageLite& out);

}  // namespace orrery
