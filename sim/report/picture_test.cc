// Goal: no text of a run ends an element of the page or runs in it, the page stands alone, and a
// terminal gets lines that fit. Method: a story full of markup, and what comes of it. (What the
// page does in a browser is browser_test's.)
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "sim/report/event_words.h"
#include "sim/report/html_writer.h"
#include "sim/report/testing/told.h"
#include "sim/report/text_writer.h"

namespace orrery::sim {
namespace {

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Page, NoTextOfTheRunIsMarkup) {
  Story story = SampleStory(200);
  story.scenario = "</title><script>alert(1)</script>";
  story.diagnosis = "</script><script>alert(2)</script>";
  const std::string json = StoryJson(story);
  EXPECT_EQ(json.find('<'), json.npos);
  EXPECT_NE(json.find("\\u003c/script>"), json.npos);
  const std::string page = StoryPage(story);
  // The elements of the page itself, and none more.
  EXPECT_EQ(Count(page, "</script"), 2u);
  EXPECT_EQ(Count(page, "</title"), 1u);
  EXPECT_EQ(Count(page, "alert("), 3u);
  EXPECT_NE(page.find("&lt;/title&gt;&lt;script&gt;alert(1)"), page.npos);
}

TEST(Page, StandsAlone) {
  const std::string page = StoryPage(SampleStory(200));
  EXPECT_EQ(page.find("{{"), page.npos);
  for (const char* const reference : {"src=", "@import", "url(http", "fetch(", "XMLHttpRequest"}) {
    EXPECT_EQ(page.find(reference), page.npos) << reference;
  }
  // The name of a vocabulary, which nothing fetches.
  EXPECT_EQ(Count(page, "http"), Count(page, "http://www.w3.org/2000/svg"));
  EXPECT_NE(page.find("sample, seed 7: FAILED, check"), page.npos);
}

TEST(Page, OfARunThatPassedHasNoFailure) {
  Telling telling;
  telling.Start("a", 0);
  RunResult result;
  result.scenario = "s";
  const Story story = BuildStory(telling.told, result);
  EXPECT_NE(StoryPage(story).find("s, seed 0: passed"), std::string::npos);
  EXPECT_NE(StoryJson(story).find("\"failures\":[]"), std::string::npos);
}

TEST(Text, FitsATerminalAndShowsTheLastLines) {
  const Story story = SampleStory(3000);
  const std::string text = StoryText(story, {.past = Past::kAll, .lines_max = 25, .columns = 90});
  std::istringstream lines(text);
  std::string line;
  bool head = true;
  while (std::getline(lines, line)) {
    head = head && !line.empty();
    if (!head && !line.starts_with("replay: ")) EXPECT_LE(line.size(), 90u) << line;
  }
  EXPECT_NE(text.find("sample, seed 7: FAILED\n"), text.npos);
  EXPECT_NE(text.find("the last 25 of "), text.npos) << text;
  EXPECT_NE(text.find("evidence\n  1  T0: append"), text.npos) << text;
  EXPECT_NE(text.find("  1 -> 2  rw on list 2\n"), text.npos);
  EXPECT_NE(text.find("replay: " + story.replay_command + "\n"), text.npos);
  EXPECT_NE(text.find("FAILED check"), text.npos);
}

TEST(Text, StepsAreFewerThanAllThatMayHaveMattered) {
  const Story story = SampleStory(3000);
  const auto lines = [&](Past past) {
    const std::string text = StoryText(story, {.past = past, .lines_max = 100'000});
    return std::ranges::count(text, '\n');
  };
  EXPECT_LT(lines(Past::kSteps) * 5, lines(Past::kAll));
}

TEST(Words, SayWhatHappened) {
  Telling telling;
  telling.Start("c", 0, true);
  telling.Start("s", 0);
  telling.TellCall("c", "s", "get", 5);
  telling.Tell({.ms = 7, .process = "s", .type = "Thing", .fields = {{"a", "1"}, {"b", "x y"}}});
  const Story story = BuildStory(telling.told, FailedRun("check", "bad", 9));
  EXPECT_EQ(EventWords(story, 0), "process started, life 1");
  EXPECT_TRUE(EventWords(story, 2).starts_with("-> s  get  begin: ")) << EventWords(story, 2);
  EXPECT_EQ(EventWords(story, 3), "<- c  get, 200.000 us under way");
  EXPECT_EQ(EventWords(story, 4), "-> c  get reply");
  EXPECT_EQ(EventWords(story, 5), "<- s  get reply, 200.000 us under way");
  EXPECT_EQ(EventWords(story, 6), "Thing a=1 b=x y");
  EXPECT_EQ(EventWords(story, 7), "FAILED check: bad");
  EXPECT_EQ(SpanText(Milliseconds(1500)), "1.500 s");
  EXPECT_EQ(SecondsText(TimeFromNanoseconds(1'234'567'890)), "1.234567");
}

}  // namespace
}  // namespace orrery::sim
