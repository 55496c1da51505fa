// Goal: chosen values form one chain whatever messages are lost, late or doubled, and whichever
// coordinators restart or (fewer than a majority) lose their disks; and the checker sees it when a
// rule is broken. Method: breadth-first over every state of 3 coordinators and 2 proposers, each
// message being delivered at any later time or never, each answer likewise or a disk being lost;
// then long seeded random runs with 3 and 5 coordinators and up to 8 proposers.
#include "txn/coordinator/register_proposer.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/lookup_map.h"
#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

constexpr RegisterId kId = {1, 2};

GenerationRegister Ready() {
  GenerationRegister result;
  EXPECT_TRUE(result.Form(kId).ok());
  EXPECT_TRUE(result.Seal(kId).ok());
  return result;
}

// Who accepted what, and who read what before writing. Generations are {p, p} for p = 1, 2, ...
class History {
 public:
  explicit History(size_t coordinators) : coordinators_(coordinators) {}

  void Accepted(uint64_t generation, size_t coordinator) {
    accepted_[generation].insert(coordinator);
  }
  void Derived(uint64_t generation, uint64_t from) { parent_[generation] = from; }

  bool Chosen(uint64_t generation) const {
    return accepted_[generation].size() > coordinators_ / 2;
  }
  bool InChain(uint64_t ancestor, uint64_t generation) const {
    while (generation > ancestor) generation = parent_[generation];
    return generation == ancestor;
  }
  // A chosen generation at or below `limit` that `generation` neither is nor descends from.
  bool Bypasses(uint64_t generation, uint64_t limit) const {
    for (uint64_t g = 1; g <= limit; ++g) {
      if (Chosen(g) && !InChain(g, generation)) return true;
    }
    return false;
  }
  bool OneChain() const {
    for (uint64_t g = 1; g < accepted_.size(); ++g) {
      if (Chosen(g) && Bypasses(g, g)) return false;
    }
    return true;
  }

 private:
  size_t coordinators_;
  std::array<std::set<size_t>, 12> accepted_;
  std::array<uint64_t, 12> parent_{};
};

// One state of the small world.
struct World {
  static constexpr size_t kCoordinators = 3;
  static constexpr size_t kProposers = 2;

  struct Link {  // Between a proposer and a coordinator: 0 to do, 1 answer on its way, 2 arrived.
    int read = 0;
    int write = 0;
    GenerationRegister::ReadAnswer read_answer;
    GenerationRegister::WriteAnswer write_answer;
  };

  std::array<GenerationRegister, kCoordinators> registers = {Ready(), Ready(), Ready()};
  std::array<std::array<Link, kCoordinators>, kProposers> links;
  std::vector<RegisterProposer> proposers = {RegisterProposer(3, {1, 1}),
                                             RegisterProposer(3, {2, 2})};
  History history{kCoordinators};
  int wipes_left = 0;
  bool good = true;

  // Equal for states with the same future; coordinators are interchangeable.
  std::string Key() const {
    std::array<std::string, kCoordinators> columns;
    for (size_t c = 0; c < kCoordinators; ++c) {
      const bool ready = registers[c].state() == RegisterState::kReady;
      columns[c] = ready ? registers[c].Image() : std::string("-");
      for (size_t p = 0; p < kProposers; ++p) {
        const Link& link = links[p][c];
        columns[c] +=
            {char('0' + link.read), char('0' + link.write),
             char('0' + int{link.write_answer.accepted}), char('0' + int{link.write_answer.ready})};
        if (proposers[p].writing()) continue;  // What was read has had its effect.
        columns[c] += {char('0' + int{link.read_answer.ready}),
                       char('0' + link.read_answer.read_generation.counter),
                       char('0' + link.read_answer.write_generation.counter)};
      }
    }
    std::sort(columns.begin(), columns.end());
    std::string key = columns[0] + columns[1] + columns[2] + char('0' + wipes_left);
    for (const RegisterProposer& p : proposers) {
      key += p.conflict() ? 'c' : 'n';
      key += p.writing() ? char('0' + p.written().counter) : '-';
      key += p.write_done() ? 'd' : 'n';
    }
    return key;
  }
};

void AskRead(World& world, size_t p, size_t c) {
  World::Link& link = world.links[p][c];
  link.read = 1;
  link.read_answer = world.registers[c].Read(kId, world.proposers[p].generation());
}

void ArriveRead(World& world, size_t p, size_t c) {
  World::Link& link = world.links[p][c];
  link.read = 2;
  RegisterProposer& proposer = world.proposers[p];
  proposer.OnRead(c, link.read_answer);
  if (!proposer.read_done() || proposer.writing()) return;
  const uint64_t from = proposer.written().counter;
  world.history.Derived(p + 1, from);
  world.good = world.good && !world.history.Bypasses(from, p);
  proposer.StartWrite("value of " + std::to_string(p + 1));
}

void AskWrite(World& world, size_t p, size_t c) {
  World::Link& link = world.links[p][c];
  const RegisterProposer& proposer = world.proposers[p];
  link.write = 1;
  link.write_answer = world.registers[c].Write(kId, proposer.generation(), proposer.write_value());
  if (link.write_answer.accepted) world.history.Accepted(p + 1, c);
  world.good = world.good && world.history.OneChain();
}

void ArriveWrite(World& world, size_t p, size_t c) {
  World::Link& link = world.links[p][c];
  link.write = 2;
  world.proposers[p].OnWrite(c, link.write_answer);
  if (world.proposers[p].write_done()) world.good = world.good && world.history.Chosen(p + 1);
}

struct Rules {
  bool late_answers = false;  // An answer arrives at any later time; otherwise at once or never.
  int wipes = 0;              // Disks that may be lost.
  bool forgetful = false;     // A coordinator that lost its disk comes back ready.
};

std::vector<World> Successors(const World& world, const Rules& rules) {
  std::vector<World> all;
  const auto add = [&](auto change) { change(all.emplace_back(world)); };
  for (size_t c = 0; c < World::kCoordinators; ++c) {
    if (world.wipes_left > 0) {
      add([&](World& next) {
        --next.wipes_left;
        next.registers[c] = rules.forgetful ? Ready() : GenerationRegister();
      });
    }
    for (size_t p = 0; p < World::kProposers; ++p) {
      const World::Link& link = world.links[p][c];
      if (link.read == 0) {
        add([&](World& next) { AskRead(next, p, c); });
        if (!rules.late_answers)
          add([&](World& next) { AskRead(next, p, c), ArriveRead(next, p, c); });
      } else if (link.read == 1 && rules.late_answers) {
        add([&](World& next) { ArriveRead(next, p, c); });
      }
      if (!world.proposers[p].writing()) continue;
      if (link.write == 0) {
        add([&](World& next) { AskWrite(next, p, c); });
        if (!rules.late_answers) {
          add([&](World& next) { AskWrite(next, p, c), ArriveWrite(next, p, c); });
        }
      } else if (link.write == 1 && rules.late_answers) {
        add([&](World& next) { ArriveWrite(next, p, c); });
      }
    }
  }
  return all;
}

struct Explored {
  size_t states = 0;
  bool good = true;
  bool both_chosen = false;
};

Explored Explore(const Rules& rules) {
  Explored result;
  LookupSet<std::string> seen;
  std::deque<World> open(1);
  open.front().wipes_left = rules.wipes;
  seen.Insert(open.front().Key());
  while (!open.empty()) {
    const World world = std::move(open.front());
    open.pop_front();
    ++result.states;
    result.both_chosen |= world.history.Chosen(1) && world.history.Chosen(2);
    for (World& next : Successors(world, rules)) {
      if (!next.good) {
        result.good = false;
        return result;
      }
      if (seen.Insert(next.Key())) open.push_back(std::move(next));
    }
  }
  return result;
}

TEST(RegisterProtocol, EveryInterleavingWithLateAnswers) {
  const Explored explored = Explore({.late_answers = true});
  RecordProperty("states", static_cast<int>(explored.states));
  EXPECT_TRUE(explored.good);
  EXPECT_TRUE(explored.both_chosen);
  EXPECT_GT(explored.states, 20'000u);
}

TEST(RegisterProtocol, EveryInterleavingWithALostDisk) {
  const Explored explored = Explore({.wipes = 1});
  RecordProperty("states", static_cast<int>(explored.states));
  EXPECT_TRUE(explored.good);
  EXPECT_TRUE(explored.both_chosen);
  EXPECT_GT(explored.states, 10'000u);
}

TEST(RegisterProtocol, ACoordinatorThatForgetsWouldBeSeen) {
  EXPECT_FALSE(Explore({.wipes = 1, .forgetful = true}).good);
}

// A long run: proposers come and go, messages are doubled and late, coordinators crash before an
// answer's image is synced, and fewer than half of them lose their disks. False if a chain breaks.
bool RandomRun(uint64_t seed, bool answer_before_sync) {
  Random random(seed);
  const size_t coordinators = random.Chance(OneIn(2)) ? 3 : 5;
  std::vector<GenerationRegister> registers(coordinators, Ready());
  History history(coordinators);
  size_t wipes_left = random.Below(coordinators / 2 + 1);
  struct Answer {
    size_t p;
    size_t c;
    std::optional<GenerationRegister::ReadAnswer> read;
    std::optional<GenerationRegister::WriteAnswer> write;
  };
  std::vector<Answer> on_their_way;
  std::vector<RegisterProposer> proposers;
  const size_t proposers_max = 2 + random.Below(7);
  for (uint64_t p = 1; p <= proposers_max; ++p) {
    proposers.emplace_back(coordinators, RegisterGeneration{p, p});
  }
  const uint32_t crash_one_in = 2 + static_cast<uint32_t>(random.Below(30));
  for (int step = 0; step < 600; ++step) {
    const size_t p = random.Below(proposers.size());
    const size_t c = random.Below(coordinators);
    RegisterProposer& proposer = proposers[p];
    const RegisterGeneration generation = {p + 1, p + 1};
    if (wipes_left > 0 && random.Chance(OneIn(200))) {
      --wipes_left;
      registers[c] = GenerationRegister();
    } else if (random.Chance(OneIn(2)) && !on_their_way.empty()) {
      const size_t i = random.Below(on_their_way.size());
      const Answer answer = on_their_way[i];
      if (random.Chance(OneIn(2))) on_their_way.erase(on_their_way.begin() + static_cast<long>(i));
      RegisterProposer& to = proposers[answer.p];
      if (answer.read) to.OnRead(answer.c, *answer.read);
      if (answer.write) to.OnWrite(answer.c, *answer.write);
      if (to.read_done() && !to.writing()) {
        history.Derived(answer.p + 1, to.written().counter);
        if (history.Bypasses(to.written().counter, answer.p)) return false;
        to.StartWrite("value of " + std::to_string(answer.p + 1));
      }
      if (to.write_done() && !history.Chosen(answer.p + 1)) return false;
    } else {
      const GenerationRegister before = registers[c];
      Answer answer{p, c, {}, {}};
      bool changed = false;
      if (proposer.writing() && random.Chance({2, 3})) {
        answer.write = registers[c].Write(kId, generation, proposer.write_value());
        changed = answer.write->changed;
      } else {
        answer.read = registers[c].Read(kId, generation);
        changed = answer.read->changed;
      }
      const bool crash = changed && random.Chance(OneIn(crash_one_in));
      if (crash) registers[c] = before;
      if (!crash || answer_before_sync) {
        on_their_way.push_back(answer);
        if (answer.write && answer.write->accepted) history.Accepted(p + 1, c);
      }
      if (registers[c].state() == RegisterState::kReady) {
        registers[c] = *GenerationRegister::FromImage(registers[c].Image());
      }
    }
    if (!history.OneChain()) return false;
  }
  return true;
}

TEST(RegisterProtocol, RandomRunsKeepOneChain) {
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    ASSERT_TRUE(RandomRun(seed, /*answer_before_sync=*/false)) << "seed " << seed;
  }
}

TEST(RegisterProtocol, AnAnswerBeforeTheSyncWouldBeSeen) {
  bool seen = false;
  for (uint64_t seed = 1; seed <= 2'000 && !seen; ++seed) {
    seen = !RandomRun(seed, /*answer_before_sync=*/true);
  }
  EXPECT_TRUE(seen);
}

// READ and WRITE of one proposer at some coordinators.
void ReadAt(RegisterProposer& proposer, std::vector<GenerationRegister>& registers,
            const std::vector<size_t>& at) {
  for (const size_t c : at) proposer.OnRead(c, registers[c].Read(kId, proposer.generation()));
}
void WriteAt(RegisterProposer& proposer, std::vector<GenerationRegister>& registers,
             const std::vector<size_t>& at) {
  for (const size_t c : at) {
    proposer.OnWrite(c, registers[c].Write(kId, proposer.generation(), proposer.write_value()));
  }
}

// What somebody read, even the same from a majority, is not settled until he wrote.
TEST(RegisterProtocol, AMajorityReadAloneSettlesNothing) {
  for (const bool write_back : {false, true}) {
    std::vector<GenerationRegister> registers(3, Ready());
    RegisterProposer first(3, {1, 1});
    ReadAt(first, registers, {0, 1, 2});
    first.StartWrite("names log A");
    WriteAt(first, registers, {0});  // The others never get it.

    RegisterProposer reader(3, {2, 2});
    ReadAt(reader, registers, {1, 2});
    ASSERT_TRUE(reader.read_done());
    EXPECT_EQ(reader.value(), "");  // Log A is named nowhere. May its data go?
    if (write_back) {
      reader.StartWrite(reader.value());
      WriteAt(reader, registers, {1, 2});
      ASSERT_TRUE(reader.write_done());
    }
    RegisterProposer later(3, {3, 3});
    ReadAt(later, registers, {0, 2});
    ASSERT_TRUE(later.read_done());
    EXPECT_EQ(later.value(), write_back ? "" : "names log A");
  }
}

TEST(RegisterProposer, ConflictsAndGenerations) {
  std::vector<GenerationRegister> registers(3, Ready());
  registers[2] = GenerationRegister();  // Lost: counts as silent.
  RegisterProposer high(3, {7, 1});
  ReadAt(high, registers, {0, 2});
  EXPECT_FALSE(high.read_done());
  ReadAt(high, registers, {0, 1});
  EXPECT_TRUE(high.read_done());

  RegisterProposer low(3, {6, 9});
  ReadAt(low, registers, {1});
  EXPECT_TRUE(low.conflict());
  EXPECT_FALSE(low.read_done());
  EXPECT_EQ(low.highest_seen(), (RegisterGeneration{7, 1}));
  const RegisterGeneration next = NextGeneration(low.highest_seen(), 9);
  EXPECT_EQ(next, (RegisterGeneration{8, 9}));
  RegisterProposer again(3, next);
  ReadAt(again, registers, {0, 1});
  EXPECT_TRUE(again.read_done());

  high.StartWrite("v");
  WriteAt(high, registers, {0, 1, 2});
  EXPECT_FALSE(high.write_done());
  EXPECT_TRUE(high.conflict());
  again.StartWrite("w");
  WriteAt(again, registers, {0, 0, 0});
  EXPECT_FALSE(again.write_done());
  WriteAt(again, registers, {1});
  EXPECT_TRUE(again.write_done());
  EXPECT_FALSE(again.conflict());
}

}  // namespace
}  // namespace orrery
