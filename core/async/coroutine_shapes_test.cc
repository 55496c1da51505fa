// Goal: the shapes of co_await that compilers have got wrong (conditional operators with
// temporaries, aggregates by value, initialiser lists, lambdas, structured bindings, ...) work with
// Task: right values, and every object destroyed exactly once, whether the coroutine ends or is
// destroyed at any of its suspensions.
// Method: one coroutine per shape, with counted objects; run to the end, then destroyed after k
// steps for every k.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"

namespace orrery {
namespace {

// Remembers each living object by address: a bitwise copy or a double destruction is seen.
class Census {
 public:
  void Born(const void* who) {
    sound_ &= std::find(living_.begin(), living_.end(), who) == living_.end();
    living_.push_back(who);
  }
  void Died(const void* who) { sound_ &= std::erase(living_, who) == 1; }
  bool AllGone() const { return sound_ && living_.empty(); }

 private:
  std::vector<const void*> living_;
  bool sound_ = true;
};

class Thing {
 public:
  Thing(Census* c, int v) : census(c), value(v), text(40, static_cast<char>('a' + v % 26)) {
    census->Born(this);
  }
  Thing(const Thing& other) : Thing(other.census, other.value) {}
  Thing(Thing&& other) noexcept : Thing(other.census, other.value) {}
  Thing& operator=(const Thing& other) {
    value = other.value;
    text = other.text;
    return *this;
  }
  ~Thing() { census->Died(this); }

  Census* census;
  int value;
  std::string text;
};

Task<int> Int(int x) {
  co_await Yield();
  co_return x;
}
Task<bool> Bool(bool x) {
  co_await Yield();
  co_return x;
}
Task<Thing> Make(Census* c, int x) {
  co_await Yield();
  co_return Thing(c, x);
}
Task<int> Read(const Thing& thing) {
  co_await Yield();
  co_return thing.value;
}
struct Request {
  int a;
  Thing thing;
  std::string text;
};
Task<int> Serve(Request r) {
  co_await Yield();
  co_return r.a + r.thing.value + static_cast<int>(r.text.size());
}
Task<int> Sum(Thing a, std::unique_ptr<Thing> b, Thing c) {
  co_await Yield();
  co_return a.value + b->value + c.value;
}
template <class... T>
Task<int> SumPack(T... things) {
  co_await Yield();
  co_return (things.value + ...);
}
Task<int> TakeRvalue(Thing&& thing) {
  Thing mine = std::move(thing);
  co_await Yield();
  co_return mine.value;
}
Task<int> WithDefaults(Census* c, int a, std::string s = std::string(40, 'z')) {
  Thing local(c, a);
  co_await Yield();
  co_return local.value + static_cast<int>(s.size());
}
Task<std::tuple<int, Thing>> Pair(Census* c) {
  co_await Yield();
  co_return std::make_tuple(4, Thing(c, 5));
}
Task<std::vector<Thing>> Some(Census* c) {
  co_await Yield();
  std::vector<Thing> things;
  for (int i : {1, 2}) things.emplace_back(c, i);
  co_return things;
}
struct Server {
  Thing thing;
  Task<int> Add(Thing other) {
    co_await Yield();
    co_return thing.value + other.value;
  }
  Task<int> AddOne() { co_return co_await this->Add(Thing(thing.census, 1)); }
};

// An await inside braces, after an element with a destructor. Clang before 18 forgets that element
// when the coroutine is destroyed at that await (LLVM issue 61508), so these are run to the end
// only; and this house awaits into locals first.
Task<int> AwaitsInsideBraces(Census* c) {
  std::vector<int> v{co_await Int(1), co_await Int(2), co_await Int(3)};
  std::vector<std::string> s{(co_await Make(c, 0)).text, (co_await Make(c, 1)).text};
  Request r{co_await Int(1), co_await Make(c, 2), (co_await Make(c, 1)).text};
  co_return v[0] + v[1] * 10 + v[2] * 100 + (s[0][0] == 'a') + (s[1][0] == 'b') + r.a +
      r.thing.value + static_cast<int>(r.text.size());
}

struct Shape {
  const char* name;
  Task<int> (*run)(Census*);
  int want;
};

const Shape kShapes[] = {
    {"ByValueParameters",
     [](Census* c) -> Task<int> {
       co_return co_await Sum(Thing(c, 1), std::make_unique<Thing>(c, 2), Thing(c, 3));
     },
     6},
    {"ConditionalOperator",
     [](Census* c) -> Task<int> {
       int r = (co_await Bool(true)) ? co_await Int(5) : co_await Int(7);
       r += (co_await Bool(false)) ? (co_await Make(c, 1)).value : (co_await Make(c, 2)).value;
       std::string s = (co_await Bool(true)) ? (co_await Make(c, 1)).text : std::string("x");
       co_return r + static_cast<int>(s.size());
     },
     47},
    {"ShortCircuit",
     [](Census* c) -> Task<int> {
       int r = 0;
       if (co_await Bool(true) && co_await Bool(false)) r = 1;
       if (co_await Bool(false) || (co_await Make(c, 3)).value == 3) r += 2;
       co_return r;
     },
     2},
    {"Aggregates",
     [](Census* c) -> Task<int> {
       int sum = co_await Serve(Request{1, Thing(c, 2), std::string(30, 'x')});
       sum += co_await Serve({.a = 1, .thing = Thing(c, 2), .text = std::string(30, 'q')});
       sum += co_await Serve({.a = co_await Int(1), .thing = Thing(c, 2), .text = "q"});
       co_return sum;
     },
     70},
    {"TemporariesAcrossTheAwait",
     [](Census* c) -> Task<int> {
       co_return co_await Read(Thing(c, 9)) + co_await Read(co_await Make(c, 4)) +
           (co_await Make(c, (co_await Make(c, co_await Int(3))).value)).value;
     },
     16},
    {"LambdasThatStayAlive",
     [](Census* c) -> Task<int> {
       Thing captured(c, 6);
       auto by_value = [captured](int x) -> Task<int> {
         co_await Yield();
         co_return captured.value + x;
       };
       auto by_reference = [&](Thing x) -> Task<int> {
         co_await Yield();
         co_return captured.value + x.value;
       };
       auto call = [](std::function<Task<int>()> f) -> Task<int> { co_return co_await f(); };
       co_return co_await by_value(1) + co_await by_value(2) + co_await by_reference(Thing(c, 2)) +
           co_await call([captured]() -> Task<int> {
             co_await Yield();
             co_return captured.value;
           });
     },
     29},
    {"StructuredBindings",
     [](Census* c) -> Task<int> {
       auto [a, o] = co_await Pair(c);
       co_await Yield();
       auto&& [b, p] = co_await Pair(c);
       co_await Yield();
       std::map<int, Thing> m;
       m.emplace(1, Thing(c, 1));
       m.emplace(2, Thing(c, 2));
       int r = a + o.value + b + p.value;
       for (auto& [key, thing] : m) {
         co_await Yield();
         r += key * 10 + thing.value;
       }
       co_return r;
     },
     51},
    {"Statements",
     [](Census* c) -> Task<int> {
       int r = 0;
       for (const Thing& each : co_await Some(c)) {
         co_await Yield();
         r += each.value;
       }
       while (co_await Int(r) < 5) ++r;
       for (int i = co_await Int(0); i < co_await Int(2); i += co_await Int(1)) ++r;
       if (auto o = co_await Make(c, 3); o.value == 3) r += 10;
       switch (co_await Int(2)) {
         case 2: {
           Thing o(c, 2);
           co_return r + co_await Int(o.value + 20);
         }
         default:
           co_return 0;
       }
     },
     39},
    {"CallArgumentsAndContainers",
     [](Census* c) -> Task<int> {
       auto f = [](int a, const Thing& b, std::string s) {
         return a + b.value + static_cast<int>(s.size());
       };
       int r = f(co_await Int(1), co_await Make(c, 2), (co_await Make(c, 3)).text);
       std::vector<Thing> v;
       v.push_back(co_await Make(c, 1));
       v.emplace_back(c, co_await Int(2));
       std::optional<Thing> o;
       o = co_await Make(c, 3);
       co_return r + v[0].value + v[1].value + o->value;
     },
     49},
    {"DefaultArgumentsMembersPacksAndRvalues",
     [](Census* c) -> Task<int> {
       Server server{Thing(c, 11)};
       Thing o(c, 5);
       co_return co_await WithDefaults(c, 1) + co_await server.AddOne() +
           co_await server.Add(Thing(c, 2)) +
           co_await SumPack(Thing(c, 1), Thing(c, 2), Thing(c, 3)) +
           co_await TakeRvalue(std::move(o)) + co_await TakeRvalue(Thing(c, 6));
     },
     83},
};

class ShapesTest : public testing::TestWithParam<Shape> {};

TEST_P(ShapesTest, RunsAndIsDestroyedAtEveryStep) {
  bool more = true;
  for (int steps = 0; more; ++steps) {
    SCOPED_TRACE(steps);
    Census census;
    std::optional<int> got;
    ManualLoop loop;
    {
      TaskGroup group(loop, [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); });
      group.Spawn("shape", [](Task<int> task, std::optional<int>* out) -> Task<absl::Status> {
        *out = co_await std::move(task);
        co_return absl::OkStatus();
      }(GetParam().run(&census), &got));
      for (int i = 0; i < steps && more; ++i) more = loop.Step();
    }
    EXPECT_TRUE(census.AllGone());
    EXPECT_EQ(loop.pending(), 0u);
    if (!more) EXPECT_EQ(got, GetParam().want);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ShapesTest, testing::ValuesIn(kShapes),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(BracesTest, AwaitsInsideBracesRunToTheEnd) {
  Census census;
  int got = 0;
  ManualLoop loop;
  {
    TaskGroup group(loop, [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); });
    group.Spawn("braces", [](Task<int> task, int* out) -> Task<absl::Status> {
      *out = co_await std::move(task);
      co_return absl::OkStatus();
    }(AwaitsInsideBraces(&census), &got));
    loop.Run();
  }
  EXPECT_EQ(got, 323 + 43);
  EXPECT_TRUE(census.AllGone());
}

// Symmetric transfer: neither depth nor repetition uses up the stack.
Task<int> Deep(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await Deep(n - 1);
}
Task<absl::Status> DeepAndLong(int* depth, int* count) {
  *depth = co_await Deep(10'000);
  auto immediate = []() -> Task<int> { co_return 1; };
  for (int i = 0; i < 1'000'000; ++i) *count += co_await immediate();
  co_return absl::OkStatus();
}

TEST(StackTest, DoesNotGrowTheStack) {
  ManualLoop loop;
  TaskGroup group(loop, [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); });
  int depth = 0;
  int count = 0;
  group.Spawn("deep", DeepAndLong(&depth, &count));
  loop.Run();
  EXPECT_EQ(depth, 10'000);
  EXPECT_EQ(count, 1'000'000);
}

}  // namespace
}  // namespace orrery
