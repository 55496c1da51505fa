// Goal: what a user types is understood exactly or refused with one line. Method: tables, and every
// byte there and back.
#include "tools/orrery/shell_language.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace orrery::tools {
namespace {

std::vector<std::string> WordsOf(std::string_view line) {
  const auto commands = ParseShellLine(line);
  EXPECT_TRUE(commands.ok()) << Describe(commands.status());
  return commands.ok() && commands->size() == 1 ? commands->front().words
                                                : std::vector<std::string>{"?"};
}

std::string ErrorOf(std::string_view line) {
  const absl::Status status = ParseShellLine(line).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::invalid_argument) << line;
  return std::string(status.message());
}

using Words = std::vector<std::string>;

TEST(ShellLanguageTest, WordsQuotesEscapes) {
  EXPECT_EQ(WordsOf("get a"), Words{"a"});
  EXPECT_EQ(WordsOf("  set\ta  b  "), (Words{"a", "b"}));
  EXPECT_EQ(WordsOf("set \"a b\" \"\""), (Words{"a b", ""}));
  EXPECT_EQ(WordsOf("set a\\x00b \\\"\\\\"), (Words{std::string("a\0b", 3), "\"\\"}));
  EXPECT_EQ(WordsOf("set a \"x;y\""), (Words{"a", "x;y"}));
}

TEST(ShellLanguageTest, SeveralCommands) {
  const auto commands = ParseShellLine("begin; set a b ;; commit");
  ASSERT_TRUE(commands.ok());
  ASSERT_EQ(commands->size(), 3u);
  EXPECT_STREQ((*commands)[1].verb->name, "set");
  EXPECT_TRUE(ParseShellLine("").ok());
}

TEST(ShellLanguageTest, MistakesAreToldInOneLine) {
  EXPECT_EQ(ErrorOf("gte a"), "there is no command gte; did you mean get? help lists them");
  EXPECT_EQ(ErrorOf("set a"), "set: expected KEY VALUE");
  EXPECT_EQ(ErrorOf("commit now"), "commit: expected nothing more");
  EXPECT_EQ(ErrorOf("get \"a"), "a quote is open: \" is missing");
  for (const char* bad : {"get \\", "get \\x", "get \\x1", "get \\xg0", "get \\n"}) {
    EXPECT_EQ(ErrorOf(bad),
              "after a backslash: expected xNN with two hexadecimal digits, \\ or \"");
  }
}

TEST(ShellLanguageTest, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(WordsOf("get " + Printable(all)), Words{all});
}

TEST(ShellLanguageTest, TableIsSorted) {
  const auto verbs = ShellVerbs();
  EXPECT_TRUE(std::is_sorted(verbs.begin(), verbs.end(), [](const auto& a, const auto& b) {
    return std::string_view(a.name) < b.name;
  }));
}

}  // namespace
}  // namespace orrery::tools
