// Goal: of names changed without a sync of their directory, a loss of power keeps a subset in which
// no change stands without those it builds on; synced names are there; renames are atomic.
// Method: small histories whose every outcome is listed and must be seen, and random histories
// beside a reference that tries all subsets.
#include "sim/disk/name_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace orrery::sim {
namespace {

NodePtr Node(uint64_t key, bool is_directory = false) {
  auto node = std::make_shared<DiskNode>();
  node->key = key;
  node->is_directory = is_directory;
  return node;
}

// "d/a=1 d/b=2" of the files.
std::string Show(const NameTable& names) {
  std::string out;
  names.ForEachFile([&out](const std::string& path, DiskNode& node) {
    out += (out.empty() ? "" : " ") + path + "=" + std::to_string(node.key);
  });
  return out;
}

std::set<std::string> Outcomes(const std::function<void(NameTable&)>& prepare) {
  std::set<std::string> outcomes;
  for (uint64_t crash = 0; crash < 300; ++crash) {
    NameTable names;
    names.CreateDurableDirectory("d");
    names.CreateDurableDirectory("e");
    prepare(names);
    names.LosePower([crash](uint64_t change) { return HashWords(crash, change) % 2 == 0; });
    outcomes.insert(Show(names));
  }
  return outcomes;
}

using Set = std::set<std::string>;

TEST(NameTable, ACreateMayBeLostUntilItsDirectoryIsSynced) {
  EXPECT_EQ(Outcomes([](NameTable& names) { names.Create("d/a", Node(1)); }), (Set{"", "d/a=1"}));
  EXPECT_EQ(Outcomes([](NameTable& names) {
              names.Create("d/a", Node(1));
              names.SyncDirectory("d");
            }),
            (Set{"d/a=1"}));
  EXPECT_EQ(Outcomes([](NameTable& names) {
              names.Create("d/a", Node(1));
              names.SyncDirectory("e");
            }),
            (Set{"", "d/a=1"}));
}

TEST(NameTable, ADeletedNameMayComeBackAndNotToTheOneMadeAfterIt) {
  EXPECT_EQ(Outcomes([](NameTable& names) {
              names.Create("d/a", Node(1));
              names.SyncDirectory("d");
              names.Delete("d/a");
              names.Create("d/a", Node(2));
            }),
            (Set{"d/a=1", "", "d/a=2"}));
}

TEST(NameTable, ARenameIsAtomicEvenBetweenDirectories) {
  for (const std::string to : {"d/b", "e/b"}) {
    for (const bool sync : {false, true}) {
      const auto outcomes = Outcomes([&](NameTable& names) {
        names.Create("d/a", Node(1));
        names.Create(to, Node(2));
        names.SyncDirectory("d");
        names.SyncDirectory("e");
        names.Rename("d/a", to);
        if (sync) names.SyncDirectory("d");
      });
      const std::string done = to + "=1";
      EXPECT_EQ(outcomes, sync ? Set{done} : (Set{done, "d/a=1 " + to + "=2"}));
    }
  }
}

TEST(NameTable, WhatBuildsOnALostChangeIsLost) {
  EXPECT_EQ(Outcomes([](NameTable& names) {
              names.Create("d/a", Node(1));
              names.Rename("d/a", "d/b");
              names.Create("d/a", Node(2));
            }),
            (Set{"", "d/a=1", "d/b=1", "d/a=2 d/b=1"}));
}

TEST(NameTable, ASyncTakesWithItWhatItBuildsOn) {
  EXPECT_EQ(Outcomes([](NameTable& names) {
              names.Create("d/a", Node(1));
              names.Rename("d/a", "e/a");
              names.SyncDirectory("e");
            }),
            (Set{"e/a=1"}));
}

TEST(NameTable, AFileIsLostWithItsDirectory) {
  const auto prepare = [](NameTable& names) {
    names.Create("d/x", Node(1, /*is_directory=*/true));
    names.Create("d/x/f", Node(2));
    names.SyncDirectory("d/x");
  };
  EXPECT_EQ(Outcomes(prepare), (Set{"", "d/x/f=2"}));
  EXPECT_EQ(Outcomes([&](NameTable& names) {
              prepare(names);
              names.SyncDirectory("d");
            }),
            (Set{"d/x/f=2"}));
}

TEST(NameTable, ListsWhatLiesDirectlyInADirectory) {
  NameTable names;
  names.CreateDurableDirectory("d");
  names.Create("d/x", Node(1, /*is_directory=*/true));
  names.Create("d/x/f", Node(2));
  names.Create("d/x-1", Node(3));
  names.Create("d/a", Node(4));
  EXPECT_EQ(names.List("d"), (std::vector<std::string>{"a", "x", "x-1"}));
  EXPECT_EQ(names.List("d/x"), (std::vector<std::string>{"f"}));
}

// Every subset of the changes since the last sync, closed under what builds on what.
class Reference {
 public:
  struct Change {
    std::string path, from;
    uint64_t key;  // 0: deleted.
  };

  void Add(Change change) {
    Apply(current, change);
    pending.push_back(std::move(change));
  }
  void Sync(const std::string& directory) {
    std::vector<bool> in(pending.size());
    for (size_t i = 0; i < pending.size(); ++i) {
      in[i] = pending[i].path.starts_with(directory) || pending[i].from.starts_with(directory);
    }
    for (bool grown = true; grown;) {
      grown = false;
      for (size_t i = 0; i < pending.size(); ++i) {
        for (size_t later = i + 1; later < pending.size(); ++later) {
          if (!in[i] && in[later] && Share(pending[i], pending[later])) in[i] = grown = true;
        }
      }
    }
    std::vector<Change> rest;
    for (size_t i = 0; i < pending.size(); ++i) {
      if (in[i]) {
        Apply(durable, pending[i]);
      } else {
        rest.push_back(pending[i]);
      }
    }
    pending = std::move(rest);
  }
  Set Legal() const {
    Set legal;
    for (uint32_t mask = 0; mask < 1u << pending.size(); ++mask) {
      auto names = durable;
      bool closed = true;
      for (size_t i = 0; i < pending.size(); ++i) {
        if ((mask >> i & 1) == 0) continue;
        for (size_t j = 0; j < i; ++j) {
          if ((mask >> j & 1) == 0 && Share(pending[j], pending[i])) closed = false;
        }
        Apply(names, pending[i]);
      }
      if (closed) legal.insert(Print(names));
    }
    return legal;
  }
  static std::string Print(const std::map<std::string, uint64_t>& names) {
    std::string out;
    for (const auto& [path, key] : names) {
      out += (out.empty() ? "" : " ") + path + "=" + std::to_string(key);
    }
    return out;
  }

  std::map<std::string, uint64_t> current, durable;
  std::vector<Change> pending;

 private:
  static void Apply(std::map<std::string, uint64_t>& names, const Change& change) {
    if (!change.from.empty()) names.erase(change.from);
    if (change.key == 0) {
      names.erase(change.path);
    } else {
      names[change.path] = change.key;
    }
  }
  static bool Share(const Change& a, const Change& b) {
    const std::set<std::string> mine = {a.path, a.from};
    return mine.contains(b.path) || (!b.from.empty() && mine.contains(b.from));
  }
};

TEST(NameTable, TooManyUnsyncedChangesBecomeDurableOldestFirst) {
  NameTable names;
  names.CreateDurableDirectory("d");
  for (uint64_t i = 1; i <= 2 * NameTable::kUnsyncedChangesMax; ++i) {
    names.Create("d/" + std::to_string(i), Node(i));
    ASSERT_LE(names.unsynced_changes(), NameTable::kUnsyncedChangesMax);
  }
  const size_t unsynced = names.unsynced_changes();
  names.LosePower([](uint64_t) { return false; });
  EXPECT_EQ(names.List("d").size(), 2 * NameTable::kUnsyncedChangesMax - unsynced);
  EXPECT_NE(names.Find("d/1"), nullptr);
}

TEST(NameTable, RandomHistoriesEndInLegalStates) {
  const std::vector<std::string> paths = {"d/a", "d/b", "e/a", "e/b"};
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    NameTable names;
    names.CreateDurableDirectory("d");
    names.CreateDurableDirectory("e");
    Reference reference;
    uint64_t keys = 0;
    for (int round = 0; round < 4; ++round) {
      while (reference.pending.size() < 6 && !random.Chance(OneIn(10))) {
        const std::string& path = paths[random.Below(paths.size())];
        const std::string& other = paths[random.Below(paths.size())];
        const bool there = reference.current.contains(path);
        if (!there) {
          names.Create(path, Node(++keys));
          reference.Add({path, "", keys});
        } else if (random.Chance(OneIn(3))) {
          names.Delete(path);
          reference.Add({path, "", 0});
        } else if (path != other) {
          names.Rename(path, other);
          reference.Add({other, path, reference.current[path]});
        }
        if (random.Chance(OneIn(6))) {
          const std::string directory = random.Chance(OneIn(2)) ? "d" : "e";
          names.SyncDirectory(directory);
          reference.Sync(directory);
        }
        ASSERT_EQ(Show(names), Reference::Print(reference.current)) << "seed " << seed;
      }
      const Set legal = reference.Legal();
      names.LosePower([&](uint64_t) { return random.Chance(OneIn(2)); });
      const std::string after = Show(names);
      ASSERT_TRUE(legal.contains(after)) << "seed " << seed << ": " << after;
      reference = {};
      names.ForEachFile([&](const std::string& path, DiskNode& node) {
        reference.current[path] = reference.durable[path] = node.key;
      });
    }
  }
}

}  // namespace
}  // namespace orrery::sim
