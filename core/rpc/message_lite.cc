// The one function of message_lite.h.
#include "core/rpc/message_lite.h"

#include <google/protobuf/message_lite.h>

namespace orrery {

bool ParseMessage(std::string_view bytes, google::protobuf::MessageLite& out) {
  return out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace orrery
