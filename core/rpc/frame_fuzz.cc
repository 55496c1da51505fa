// libFuzzer target of the frame decoder. Build with --config=fuzz.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/rpc/frame_corpus.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  orrery::CheckFrameInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
