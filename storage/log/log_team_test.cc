// Goal: a tag's team lies in as many zones as are asked for, and everybody computes the same one.
// Method: every tag over small sets of logs and zones, and one table by hand that must not change.
#include "storage/log/log_team.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace orrery {
namespace {

LogSet MakeSet(const std::vector<std::string>& zones, uint32_t replication) {
  LogSet set;
  set.set_replication(replication);
  for (const std::string& zone : zones) set.add_logs()->set_zone(zone);
  return set;
}

using Team = std::vector<size_t>;

TEST(LogTeamTest, GoesRoundFromTheTagsOwnLog) {
  const LogSet set = MakeSet({"a", "a", "b", "b", "c"}, 2);
  EXPECT_EQ(LogTeamOf({TagKind::kStorage, 0}, set), (Team{0, 2}));
  EXPECT_EQ(LogTeamOf({TagKind::kStorage, 1}, set), (Team{1, 2}));
  EXPECT_EQ(LogTeamOf({TagKind::kStorage, 3}, set), (Team{3, 4}));
  EXPECT_EQ(LogTeamOf({TagKind::kStorage, 4}, set), (Team{0, 4}));
  EXPECT_EQ(LogTeamOf({TagKind::kStorage, 7}, set), (Team{2, 4}));
  EXPECT_EQ(LogTeamOf({TagKind::kMetadata, 0}, set), (Team{0, 1, 2, 3, 4}));
  EXPECT_EQ(LogTeamOf({static_cast<TagKind>(9), 1}, set), (Team{0, 1, 2, 3, 4}));
}

TEST(LogTeamTest, LiesInAsManyZonesAsThereMustBe) {
  for (uint32_t logs = 1; logs <= 7; ++logs) {
    for (uint32_t zones = 1; zones <= logs; ++zones) {
      for (uint32_t replication = 1; replication <= 3; ++replication) {
        std::vector<std::string> names;
        for (uint32_t i = 0; i < logs; ++i) names.push_back(std::to_string(i * 5 % zones));
        const LogSet set = MakeSet(names, replication);
        for (uint32_t id = 0; id < 2 * logs; ++id) {
          const Team team = LogTeamOf({TagKind::kStorage, id}, set);
          std::set<std::string> covered;
          for (const size_t i : team) covered.insert(names[i]);
          const std::set<std::string> all(names.begin(), names.end());
          if (all.size() >= replication) {
            EXPECT_EQ(team.size(), replication);
            EXPECT_EQ(covered.size(), replication);
          } else {
            EXPECT_EQ(team.size(), logs);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace orrery
