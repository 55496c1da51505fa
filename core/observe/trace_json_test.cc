// Goal: each event is one line of valid JSON in UTF-8 that says what was put in, whatever bytes it
// holds. Method: exact lines; and random bytes through a small strict parser. --gtest_random_seed
// sets the seed.
#include "core/observe/trace_json.h"

#include <gtest/gtest.h>

#include "core/async/manual_loop.h"
#include "core/base/random.h"

namespace orrery {
namespace {

// Accepts exactly one JSON object without white space; keeps decoded strings in order.
class StrictParser {
 public:
  explicit StrictParser(std::string_view text) : rest_(text) {}
  bool Object() {
    if (!Eat('{')) return false;
    if (Eat('}')) return true;
    do {
      if (!String() || !Eat(':') || !Value()) return false;
    } while (Eat(','));
    return Eat('}');
  }
  bool at_end() const { return rest_.empty(); }
  std::vector<std::string> strings;

 private:
  bool Eat(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool Eat(char c) { return Eat(std::string_view(&c, 1)); }
  bool Value() {
    if (rest_.starts_with('"')) return String();
    if (rest_.starts_with('{')) return Object();
    return Eat("true") || Eat("false") || Number();
  }
  bool Number() {
    Eat('-');
    size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    const bool ok = digits == 1 || (digits > 1 && rest_[0] != '0');
    rest_.remove_prefix(digits);
    return ok;
  }
  bool String() {
    if (!Eat('"')) return false;
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') {
        strings.push_back(out);
        return true;
      }
      if (static_cast<uint8_t>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!Escape(out)) {
        return false;
      }
    }
    return false;
  }
  bool Escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c == '"' || c == '\\') return out += c, true;
    if (c == 'n') return out += '\n', true;
    if (c == 'r') return out += '\r', true;
    if (c == 't') return out += '\t', true;
    if (c != 'u' || rest_.size() < 4) return false;
    const int code = std::stoi(std::string(rest_.substr(0, 4)), nullptr, 16);
    rest_.remove_prefix(4);
    if (code == 0xfffd) return out += "\xef\xbf\xbd", true;
    return code < 0x80 && (out += static_cast<char>(code), true);
  }

  std::string_view rest_;
};

struct JsonTrace {
  ManualLoop loop;
  std::vector<std::string> lines;
  JsonTraceSink sink{"log-1", "m\"4", [this](std::string_view line) { lines.emplace_back(line); }};
  Trace trace{loop, sink, TraceLevel::kDebug};
};

TEST(TraceJsonTest, ExactLines) {
  JsonTrace t;
  t.loop.RunFor(Nanoseconds(1'772'366'400'000'123'456));
  if (auto e = t.trace.Warn("LogSyncSlow")) {
    e.Add("ms", 512).Add("path", "log/3").Add("late", true).Add("least", INT64_MIN);
    e.Add("most", UINT64_MAX).Add("status", Error(ErrorCode::io_error, "sync"));
  }
  if (auto e = t.trace.Error("DiskFailed")) e.Injected();
  ASSERT_EQ(t.lines.size(), 2u);
  EXPECT_EQ(t.lines[0],
            R"({"time":"2026-03-01T12:00:00.000123Z","level":"warn","type":"LogSyncSlow",)"
            R"("process":"log-1","machine":"m\"4","monotonic_ns":1772366400000123456,)"
            R"("fields":{"ms":512,"path":"log/3","late":true,"least":-9223372036854775808,)"
            R"("most":18446744073709551615,)"
            R"("status":"io_error (1510): a disk operation failed: sync"}})");
  EXPECT_EQ(t.lines[1],
            R"({"time":"2026-03-01T12:00:00.000123Z","level":"error","type":"DiskFailed",)"
            R"("process":"log-1","machine":"m\"4","monotonic_ns":1772366400000123456,)"
            R"("injected":true,"fields":{}})");
}

TEST(TraceJsonTest, WallTimeBefore1970) {
  std::string line;
  JsonTraceSink sink("p", "m", [&](std::string_view text) { line = text; });
  TraceRecord record;
  record.wall_micros = -1;
  sink.Emit(record);
  EXPECT_TRUE(line.starts_with(R"({"time":"1969-12-31T23:59:59.999999Z")")) << line;
}

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

TEST(TraceJsonTest, Strings) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Json("a\"\\/\b\f\n\r\t\0\x1f\x7f"sv),
            R"("a\"\\/\u0008\u000c\n\r\t\u0000\u001f\u007f")");
  // Well-formed sequences of each length go through.
  for (const char* text : {"\u00e4", "\u0800", "\uffff", "\U00010000", "\U0010ffff"}) {
    EXPECT_EQ(Json(text), "\"" + std::string(text) + "\"");
  }
  // A lone continuation, an overlong form, a surrogate, beyond the last, a cut sequence.
  EXPECT_EQ(Json("\x80x"), R"("\ufffdx")");
  EXPECT_EQ(Json("\xc0\xafx"), R"("\ufffd\ufffdx")");
  EXPECT_EQ(Json("\xe0\x80\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Json("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Json("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Json("\xe2\x82"), R"("\ufffd\ufffd")");
  EXPECT_EQ(Json("\u20ac"sv.substr(0, 2)),
            R"("\ufffd\ufffd")");  // The rest is there, and not ours.
  EXPECT_EQ(Json("\xff"), R"("\ufffd")");
}

TEST(TraceJsonTest, LongTextIsCutBetweenCharacters) {
  for (size_t before = 0; before < 4; ++before) {
    std::string text(kTraceTextBytesMax - before, 'a');
    text += "\U0001f30d and more";
    JsonTrace t;
    if (auto e = t.trace.Info("Long")) e.Add("text", text);
    const std::string& line = t.lines.at(0);
    EXPECT_EQ(line.find("\\ufffd"), std::string::npos);
    EXPECT_TRUE(line.ends_with("a...\"}}")) << line.substr(line.size() - 20);
    EXPECT_LT(line.size(), kTraceTextBytesMax + 200);
  }
}

TEST(TraceJsonTest, AnyBytesGiveAValidLine) {
  const auto seed = static_cast<uint64_t>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 3000; ++round) {
    // Bytes that are likely to begin or go on with something.
    static constexpr std::string_view kLikely = "\"\\\n\x7f\x80\xbf\xc3\xe0\xed\xf0\xf4\xff{}:,u";
    std::string text;
    bool ascii = true;
    for (uint64_t n = random.Below(40); n > 0; --n) {
      text += random.Chance(OneIn(2)) ? kLikely[random.Below(kLikely.size())]
                                      : static_cast<char>(random.Below(256));
      ascii = ascii && static_cast<uint8_t>(text.back()) < 0x80;
    }
    JsonTrace t;
    const uint64_t number = random.Next();
    if (auto e = t.trace.Info("Any")) e.Add("text", text).Add("number", number).Add("b", false);
    ASSERT_EQ(t.lines.size(), 1u);
    StrictParser parser(t.lines[0]);
    ASSERT_TRUE(parser.Object() && parser.at_end()) << t.lines[0];
    const auto at = std::find(parser.strings.begin(), parser.strings.end(), "text");
    ASSERT_TRUE(at != parser.strings.end());
    if (ascii) EXPECT_EQ(at[1], text);
    // What was made valid stays as it is.
    const std::string wrapped = "{\"k\":" + Json(at[1]) + "}";
    StrictParser again(wrapped);
    ASSERT_TRUE(again.Object() && again.at_end());
    EXPECT_EQ(again.strings[1], at[1]);
    EXPECT_NE(t.lines[0].find("\"number\":" + std::to_string(number)), std::string::npos);
  }
}

}  // namespace
}  // namespace orrery
