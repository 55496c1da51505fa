// Masking of what differs between seeds of one bug in the text of a failure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orrery::sim {

// The first line of `text`, with "#" in place of numbers, addresses, hexadecimal words, quoted
// texts, what stands in square brackets, bytes that are no ASCII text, and the words in `names`;
// words that repeat, as those of a list do, stand once. What is around them stays.
std::string MaskText(std::string_view text, const std::vector<std::string_view>& names);

}  // namespace orrery::sim
