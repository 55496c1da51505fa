// Goal: knobs parse and print exactly, refuse with one exact line, and are drawn independently.
// Method: tables, and the same seed with other knobs beside.
#include "core/knobs/knobs.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

#define CACHE_KNOBS(KNOB)                                                                      \
  KNOB(int64_t, cache_bytes_max, 1 << 20, random.Between(1, 1 << 20), "bytes", "holds a page") \
  KNOB(bool, cache_enabled, true, random.Chance(OneIn(2)), "", "off for measurements")         \
  KNOB(Duration, cache_age_max, Milliseconds(250), standard* random.Between(2, 9), "",         \
       "freshness that readers were promised")                                                 \
  KNOB(Ratio, cache_sample, OneIn(20), OneIn(2), "", "cost of the check")
ORRERY_DEFINE_KNOBS(CacheKnobs, CACHE_KNOBS);

#define OTHER_KNOBS(KNOB) \
  KNOB(int64_t, other_count, 3, random.Between(4, 1'000'000), "items", "nothing")
ORRERY_DEFINE_KNOBS(OtherKnobs, OTHER_KNOBS);

#define CLASHING_KNOBS(KNOB) KNOB(bool, cache_enabled, false, true, "", "the name is taken")
ORRERY_DEFINE_KNOBS(ClashingKnobs, CLASHING_KNOBS);

#define TWIN_KNOBS(KNOB)                   \
  KNOB(bool, twin, false, true, "", "one") \
  KNOB(bool, twin_b, false, true, "", "two")
ORRERY_DEFINE_KNOBS(TwinKnobs, TWIN_KNOBS);

std::string Refusal(KnobSet& knobs, std::string_view text) {
  const absl::Status status = knobs.SetFromText(text);
  EXPECT_EQ(CodeOf(status), ErrorCode::invalid_argument) << text;
  return std::string(status.message());
}

TEST(KnobsTest, DefaultsAndList) {
  KnobSet knobs;
  knobs.Add<OtherKnobs>();
  knobs.Add<CacheKnobs>();
  EXPECT_EQ(knobs.Get<CacheKnobs>().cache_bytes_max, 1 << 20);
  EXPECT_EQ(knobs.Get<CacheKnobs>().cache_age_max, Milliseconds(250));
  std::string all;
  for (const KnobSet::Value& value : knobs.List()) {
    EXPECT_TRUE(value.is_default) << value.info->name;
    all += std::string(value.info->name) + "=" + value.value + " ";
  }
  EXPECT_EQ(all,
            "cache_age_max=250ms cache_bytes_max=1048576 cache_enabled=true cache_sample=1/20 "
            "other_count=3 ");
  EXPECT_STREQ(knobs.List()[1].info->type, "int64_t");
  EXPECT_STREQ(knobs.List()[1].info->unit, "bytes");
  EXPECT_STREQ(knobs.List()[1].info->reason, "holds a page");
}

TEST(KnobsTest, IsDefaultComparesValues) {
  KnobSet knobs;
  knobs.Add<CacheKnobs>();
  for (const char* same : {"cache_age_max=250000us", "cache_sample=2/40", "cache_enabled=true"}) {
    ASSERT_TRUE(knobs.SetFromText(same).ok()) << same;
  }
  for (const KnobSet::Value& value : knobs.List()) EXPECT_TRUE(value.is_default);
  ASSERT_TRUE(knobs.SetFromText("cache_enabled=false").ok());
  EXPECT_FALSE(knobs.List()[2].is_default);
}

template <class T>
void ExpectRoundTrip(std::string_view text) {
  T value{};
  const absl::Status status = knobs_internal::Parse(text, value);
  ASSERT_TRUE(status.ok()) << text << ": " << status.message();
  EXPECT_EQ(knobs_internal::Show(value), text);
}

TEST(KnobsTest, RoundTrips) {
  for (const char* text : {"0", "123", "-5", "9223372036854775807", "-9223372036854775808"}) {
    ExpectRoundTrip<int64_t>(text);
  }
  for (const char* text : {"true", "false"}) ExpectRoundTrip<bool>(text);
  for (const char* text :
       {"0s", "1ns", "999ns", "10us", "1500ms", "3s", "9223372036s", "9223372036854775807ns"}) {
    ExpectRoundTrip<Duration>(text);
  }
  for (const char* text : {"0/1", "1/20", "1/1", "4294967294/4294967295"}) {
    ExpectRoundTrip<Ratio>(text);
  }
}

TEST(KnobsTest, RefusesWithOneExactLine) {
  KnobSet knobs;
  knobs.Add<CacheKnobs>();
  const std::string integer = ": expected an integer such as 123 or -5";
  const std::string duration = ": expected a duration such as 3s, 250ms, 10us or 7ns";
  const std::pair<std::string, std::string> cases[] = {
      {"cache_bytes_max=", "knob cache_bytes_max: value \"\"" + integer},
      {"cache_bytes_max=12x", "knob cache_bytes_max: value \"12x\"" + integer},
      {"cache_bytes_max=1 ", "knob cache_bytes_max: value \"1 \"" + integer},
      {"cache_bytes_max=+1", "knob cache_bytes_max: value \"+1\"" + integer},
      {"cache_bytes_max=250ms", "knob cache_bytes_max: value \"250ms\"" + integer},
      {"cache_bytes_max=9223372036854775808",
       "knob cache_bytes_max: value \"9223372036854775808\": does not fit into 64 bits"},
      {"cache_enabled=1", "knob cache_enabled: value \"1\": expected true or false"},
      {"cache_age_max=3", "knob cache_age_max: value \"3\"" + duration},
      {"cache_age_max=-3s", "knob cache_age_max: value \"-3s\"" + duration},
      {"cache_age_max=3 s", "knob cache_age_max: value \"3 s\"" + duration},
      {"cache_age_max=s", "knob cache_age_max: value \"s\"" + duration},
      {"cache_age_max=9223372037s",
       "knob cache_age_max: value \"9223372037s\": too large: at most 9223372036s"},
      {"cache_age_max=99999999999999999999ns",
       "knob cache_age_max: value \"99999999999999999999ns\": too large: at most 9223372036s"},
      {"cache_sample=0.05", "knob cache_sample: value \"0.05\": expected a ratio such as 1/20"},
      {"cache_sample=1/", "knob cache_sample: value \"1/\": expected a ratio such as 1/20"},
      {"cache_sample=1/2/3", "knob cache_sample: value \"1/2/3\": expected a ratio such as 1/20"},
      {"cache_sample=1/0",
       "knob cache_sample: value \"1/0\": expected a ratio between 0/1 and 1/1"},
      {"cache_sample=3/2",
       "knob cache_sample: value \"3/2\": expected a ratio between 0/1 and 1/1"},
      {"cache_sample=1/4294967296",
       "knob cache_sample: value \"1/4294967296\": too large: at most 4294967295 above and below"},
      {"cache_byte_max=1",
       "knob \"cache_byte_max\" does not exist; the nearest name is cache_bytes_max"},
      {"cash_enable=1", "knob \"cash_enable\" does not exist; the nearest name is cache_enabled"},
      {"cache_enabled", "knob \"cache_enabled\": expected NAME=VALUE"},
      {"=1", "knob \"=1\": expected NAME=VALUE"},
      {"", "knob \"\": expected NAME=VALUE"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(Refusal(knobs, text), message);
  for (const KnobSet::Value& value : knobs.List()) EXPECT_TRUE(value.is_default);

  KnobSet empty;
  EXPECT_EQ(Refusal(empty, "a=1"), "knob \"a\" does not exist");
  EXPECT_LT(Refusal(knobs, std::string(100'000, 'x') + "=1").size(), 100'200u);
}

std::string Shown(const KnobSet& knobs, std::string_view prefix) {
  std::string out;
  for (const KnobSet::Value& value : knobs.List()) {
    if (std::string_view(value.info->name).starts_with(prefix)) out += value.value + " ";
  }
  return out;
}

TEST(KnobsTest, RandomiseIsIndependentOfOtherKnobsAndRepeats) {
  int defaults = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    KnobSet alone;
    alone.Add<CacheKnobs>();
    alone.Randomise(seed);
    KnobSet both;
    both.Add<OtherKnobs>();
    both.Add<CacheKnobs>();
    both.Randomise(seed + 1);  // Leaves no trace.
    both.Randomise(seed);
    EXPECT_EQ(Shown(alone, "cache"), Shown(both, "cache")) << seed;
    defaults += both.Get<OtherKnobs>().other_count == 3 ? 1 : 0;
  }
  // Half of 500; five standard deviations are 56.
  EXPECT_GT(defaults, 250 - 56);
  EXPECT_LT(defaults, 250 + 56);
}

TEST(KnobsTest, RandomiseDrawsEachKnobByItself) {
  // If the knobs shared their draws, those that keep their default would do so together.
  int differ = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    KnobSet knobs;
    knobs.Add<TwinKnobs>();
    knobs.Randomise(seed);
    differ += knobs.Get<TwinKnobs>().twin != knobs.Get<TwinKnobs>().twin_b ? 1 : 0;
  }
  EXPECT_GT(differ, 50);
}

TEST(KnobsTest, WhatWasSetStays) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    KnobSet knobs;
    knobs.Add<OtherKnobs>();
    ASSERT_TRUE(knobs.Set("other_count", "-7").ok());
    knobs.Randomise(seed);
    EXPECT_EQ(knobs.Get<OtherKnobs>().other_count, -7);
  }
}

TEST(KnobsDeathTest, ProgramErrors) {
  KnobSet knobs;
  knobs.Add<CacheKnobs>();
  EXPECT_DEATH(knobs.Add<ClashingKnobs>(), "INVARIANT failed.*cache_enabled");
  EXPECT_DEATH(knobs.Add<CacheKnobs>(), "INVARIANT failed.*cache_bytes_max");
  EXPECT_DEATH(knobs.Get<OtherKnobs>(), "INVARIANT failed.*other_count");
}

}  // namespace
}  // namespace orrery
