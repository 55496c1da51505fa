// What the fuzzer and the tests share: the check of one input, and inputs to begin with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orrery {

// The first byte of `input` chooses the size of pieces, the rest is a stream. Decodes it whole and
// in pieces; aborts when the two differ, when memory exceeds the limit, or when what was decoded
// does not encode to the same bytes again.
void CheckFrameInput(std::string_view input);

// Valid and damaged streams, made by the codec.
std::vector<std::string> FrameCorpus();

}  // namespace orrery
