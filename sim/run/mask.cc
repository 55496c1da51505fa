// A text word by word.
#include "sim/run/mask.h"

#include <algorithm>

namespace orrery::sim {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }
// Of a word, as names of processes and machines are.
bool IsWord(char c) { return IsDigit(c) || IsLetter(c) || c == '_' || c == '-' || c == '.'; }

// A word of at least four hexadecimal digits, a decimal one among them, or one with 0x before it.
bool IsHexadecimal(std::string_view word) {
  const bool marked = word.starts_with("0x");
  if (marked) word.remove_prefix(2);
  const bool digits = word.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  return digits && !word.empty() &&
         (marked || (word.size() >= 4 && std::ranges::any_of(word, IsDigit)));
}

// "storage-12" -> "storage-#", "10.0.0.3" -> "#", "-5" -> "#".
std::string MaskNumbers(std::string_view word) {
  std::string masked;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    const bool joins = (c == '.' || c == '-') && i + 1 < word.size() && IsDigit(word[i + 1]);
    const bool first = masked.empty();
    const bool after_number = masked.ends_with('#');
    if (IsDigit(c)) {
      if (!after_number) masked += '#';
    } else if (!(joins && (after_number || (first && c == '-')))) {
      masked += c;
    }
  }
  return masked;
}

std::string MaskWord(std::string_view word, const std::vector<std::string_view>& names) {
  std::string_view end;  // Of the sentence: no part of the word.
  while (!word.empty() && (word.back() == '.' || word.back() == '-')) {
    word.remove_suffix(1);
    end = ".";
  }
  std::string masked;
  if (std::ranges::find(names, word) != names.end() || IsHexadecimal(word)) {
    masked = "#";
  } else {
    masked = MaskNumbers(word);
  }
  return masked.append(end);
}

// The length of what `text` begins with, if that is masked as a whole: quotes, brackets, bytes up
// to the next space.
size_t MaskedWhole(std::string_view text, char before) {
  const char c = text[0];
  // A key of bytes; some of them look like letters.
  if (!IsPrintable(c) || text.starts_with("\\x")) return std::min(text.find(' '), text.size());
  char closing = 0;
  if (c == '"' || c == '`') closing = c;
  if (c == '\'' && !IsLetter(before) && !IsDigit(before)) closing = c;  // No apostrophe.
  if (c == '[') closing = ']';
  const size_t end = closing == 0 ? std::string_view::npos : text.find(closing, 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

// Whether only a comma or the like stands between two words of a list.
bool IsSeparator(std::string_view between) {
  for (const std::string_view known : {" ", ", ", ",", "; ", ";", ":", "/", " and ", " or "}) {
    if (between == known) return true;
  }
  return false;
}

// "m#, m#, m# and m#" -> "m#".
std::string MergeRepeated(std::string_view text) {
  const auto is_part = [](char c) { return (IsWord(c) && c != '.') || c == '#'; };
  std::string merged;
  std::string_view last;
  std::string_view between;  // Not yet written.
  while (!text.empty()) {
    const auto end = is_part(text[0]) ? std::ranges::find_if_not(text, is_part)
                                      : std::ranges::find_if(text, is_part);
    const std::string_view part = text.substr(0, static_cast<size_t>(end - text.begin()));
    text.remove_prefix(part.size());
    if (!is_part(part[0])) {
      between = part;
      // "and" is a word by itself.
      for (const std::string_view word : {"and ", "or "}) {
        if (part == " " && text.starts_with(word)) {
          between = std::string_view(part.data(), part.size() + word.size());
          text.remove_prefix(word.size());
        }
      }
      continue;
    }
    if (part != last || part.find('#') == std::string_view::npos || !IsSeparator(between)) {
      merged.append(between).append(part);
    }
    last = part;
    between = {};
  }
  return merged.append(between);
}

}  // namespace

std::string MaskText(std::string_view text, const std::vector<std::string_view>& names) {
  text = text.substr(0, text.find('\n'));
  std::string masked;
  char before = ' ';
  while (!text.empty()) {
    size_t length = MaskedWhole(text, before);
    if (length > 0) {
      masked += text[0] == '[' ? "[#]" : "#";
    } else if (IsWord(text[0])) {
      length = static_cast<size_t>(std::ranges::find_if_not(text, IsWord) - text.begin());
      masked += MaskWord(text.substr(0, length), names);
    } else {
      length = 1;
      masked += text[0];
    }
    before = text[length - 1];
    text.remove_prefix(length);
  }
  return MergeRepeated(masked);
}

}  // namespace orrery::sim
