// Goal: every option is read as it was meant or refused with table, key, place and expectation.
// Method: one table by hand, each reader on values that fit and values that do not.
#include "sim/run/options.h"

#include <gtest/gtest.h>

namespace orrery::sim {
namespace {

Options Table() {
  Options options("topology", "s.toml:3:1");
  options.Put("machines", int64_t{5}, "s.toml:4:12");
  options.Put("tls", true, "s.toml:5:7");
  options.Put("mode", std::string("fast"), "s.toml:6:8");
  options.Put("wait", std::string("250ms"), "s.toml:7:8");
  options.Put("zones", std::vector<std::string>{"a", "b"}, "s.toml:8:9");
  return options;
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(Options, ReadsWhatIsThere) {
  const Options options = Table();
  EXPECT_EQ(*options.Integer("machines", 3, 1, 9), 5);
  EXPECT_EQ(*options.Boolean("tls", false), true);
  EXPECT_EQ(*options.Text("mode", "slow"), "fast");
  EXPECT_EQ(*options.Span("wait", Seconds(1)), Milliseconds(250));
  EXPECT_EQ(*options.TextList("zones"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(options.RefuseUnread().ok());
}

TEST(Options, GivesTheStandardForWhatIsNotThere) {
  const Options options("empty");
  EXPECT_EQ(*options.Integer("machines", 3, 1, 9), 3);
  EXPECT_EQ(*options.Boolean("tls", true), true);
  EXPECT_EQ(*options.Text("mode", "slow"), "slow");
  EXPECT_EQ(*options.Span("wait", Seconds(1)), Seconds(1));
  EXPECT_TRUE(options.TextList("zones")->empty());
  EXPECT_FALSE(options.Has("zones"));
}

TEST(Options, RefusesWithPlaceTableKeyAndExpectation) {
  const Options options = Table();
  EXPECT_EQ(MessageOf(options.Integer("machines", 3, 1, 4).status()),
            "s.toml:4:12: [topology] machines: expected a whole number from 1 to 4, found 5");
  EXPECT_EQ(MessageOf(options.Integer("tls", 3, 1, 4).status()),
            "s.toml:5:7: [topology] tls: expected a whole number from 1 to 4, found true");
  EXPECT_EQ(MessageOf(options.Boolean("mode", true).status()),
            "s.toml:6:8: [topology] mode: expected true or false, found \"fast\"");
  EXPECT_EQ(MessageOf(options.Text("zones", "").status()),
            "s.toml:8:9: [topology] zones: expected a text in quotes, found a list");
  EXPECT_EQ(MessageOf(options.Span("mode", Seconds(1)).status()),
            "s.toml:6:8: [topology] mode: expected a time like \"250ms\" or \"60s\", found "
            "\"fast\"");
  EXPECT_EQ(MessageOf(options.TextList("mode").status()),
            "s.toml:6:8: [topology] mode: expected a list of texts like [\"a\", \"b\"], found "
            "\"fast\"");
  EXPECT_EQ(CodeOf(options.Refuse("mode", "no")), ErrorCode::invalid_argument);
}

TEST(Options, RefusesWhatNobodyRead) {
  Options options = Table();
  ASSERT_TRUE(options.Boolean("tls", false).ok());
  EXPECT_EQ(MessageOf(options.RefuseUnread()),
            "s.toml:4:12: [topology] machines: no such option; those known are tls");
  const Options nobody = Table();
  EXPECT_EQ(MessageOf(nobody.RefuseUnread()),
            "s.toml:4:12: [topology] machines: there is no such option here, and no other");
}

TEST(Options, TimesAreWholeAndNeverNegative) {
  EXPECT_EQ(*ParseSpan("7ns"), Nanoseconds(7));
  EXPECT_EQ(*ParseSpan("10us"), Microseconds(10));
  EXPECT_EQ(*ParseSpan("0s"), Seconds(0));
  for (const char* bad :
       {"", "s", "5", "-5s", "1.5s", "5 s", "5m", "9999999999s", "99999999999999999999ns"}) {
    EXPECT_FALSE(ParseSpan(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace orrery::sim
