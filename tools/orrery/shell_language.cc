// Words, quotes, escapes, and the table of commands.
#include "tools/orrery/shell_language.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace orrery::tools {
namespace {

constexpr auto kVerbs = std::to_array<ShellVerb>({
    {"begin", "", "starts a transaction; without, each command is one of its own", 0, 0},
    {"clear", "KEY", "clears a key", 1, 1},
    {"clearrange", "BEGIN END", "clears every key from BEGIN, and not END", 2, 2},
    {"commit", "", "commits the transaction", 0, 0},
    {"exit", "", "leaves the shell", 0, 0},
    {"get", "KEY", "prints the value of a key", 1, 1},
    {"getrange", "BEGIN [END [ROWS]]", "prints rows from BEGIN (at most 25, or ROWS)", 1, 3},
    {"getversion", "", "prints the version at which is read", 0, 0},
    {"help", "", "prints this", 0, 0},
    {"rollback", "", "forgets the transaction", 0, 0},
    {"set", "KEY VALUE", "sets a key", 2, 2},
    {"status", "", "tells what the cluster does", 0, 0},
});

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

absl::Status Bad(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

absl::StatusOr<const ShellVerb*> FindVerb(std::string_view name) {
  const ShellVerb* nearest = &kVerbs[0];
  for (const ShellVerb& verb : kVerbs) {
    if (name == verb.name) return &verb;
    if (EditDistance(name, verb.name) < EditDistance(name, nearest->name)) nearest = &verb;
  }
  return Bad("there is no command " + Printable(name) + "; did you mean " + nearest->name +
             "? help lists them");
}

// Cuts a line into commands of words.
class Lexer {
 public:
  explicit Lexer(std::string_view line) : line_(line) {}

  absl::StatusOr<std::vector<std::vector<std::string>>> Run() {
    while (at_ < line_.size()) RETURN_IF_ERROR(Step());
    if (quoted_) return Bad("a quote is open: \" is missing");
    EndCommand();
    return std::move(commands_);
  }

 private:
  absl::Status Step() {
    const char c = line_[at_++];
    if (c == '\\') return Escape();
    if (c == '"') {
      quoted_ = !quoted_;
      has_word_ = true;
    } else if (!quoted_ && (c == ' ' || c == '\t')) {
      EndWord();
    } else if (!quoted_ && c == ';') {
      EndCommand();
    } else {
      Take(c);
    }
    return absl::OkStatus();
  }

  absl::Status Escape() {
    const std::string_view rest = line_.substr(at_);
    if (!rest.empty() && (rest[0] == '\\' || rest[0] == '"')) {
      Take(rest[0]);
      ++at_;
      return absl::OkStatus();
    }
    const auto high = rest.size() >= 3 ? HexDigit(rest[1]) : std::nullopt;
    const auto low = rest.size() >= 3 ? HexDigit(rest[2]) : std::nullopt;
    if (rest.empty() || rest[0] != 'x' || !high.has_value() || !low.has_value()) {
      return Bad("after a backslash: expected xNN with two hexadecimal digits, \\ or \"");
    }
    Take(static_cast<char>(*high * 16 + *low));
    at_ += 3;
    return absl::OkStatus();
  }

  void Take(char c) {
    word_.push_back(c);
    has_word_ = true;
  }
  void EndWord() {
    if (has_word_) words_.push_back(std::move(word_));
    word_.clear();
    has_word_ = false;
  }
  void EndCommand() {
    EndWord();
    if (!words_.empty()) commands_.push_back(std::move(words_));
    words_.clear();
  }

  const std::string_view line_;
  size_t at_ = 0;
  bool quoted_ = false;
  bool has_word_ = false;
  std::string word_;
  std::vector<std::string> words_;
  std::vector<std::vector<std::string>> commands_;
};

}  // namespace

std::span<const ShellVerb> ShellVerbs() { return kVerbs; }

absl::StatusOr<std::vector<ShellCommand>> ParseShellLine(std::string_view line) {
  ASSIGN_OR_RETURN(std::vector<std::vector<std::string>> commands, Lexer(line).Run());
  std::vector<ShellCommand> parsed;
  for (std::vector<std::string>& words : commands) {
    ASSIGN_OR_RETURN(const ShellVerb* verb, FindVerb(words[0]));
    words.erase(words.begin());
    if (words.size() < verb->words_min || words.size() > verb->words_max) {
      const std::string expected = *verb->words == '\0' ? "nothing more" : verb->words;
      return Bad(std::string(verb->name) + ": expected " + expected);
    }
    parsed.push_back({verb, std::move(words)});
  }
  return parsed;
}

std::string Printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == '"') {
      out += {'\\', c};
    } else if (byte > 0x20 && byte < 0x7f && c != ';') {
      out += c;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      out += escape;
    }
  }
  return out;
}

}  // namespace orrery::tools
