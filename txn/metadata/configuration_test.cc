// Goal: rows of the configuration read back as they were written, and whatever makes no sense is
// refused with one line and changes nothing. Method: a table of good and bad values.
#include "txn/metadata/configuration.h"

#include "core/base/error_codes.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

TEST(Configuration, RowsReadBack) {
  Configuration configuration;
  for (const auto& [name, value] : {std::pair("redundancy", "triple"),
                                    {"logs", "7"},
                                    {"commit_proxies", "100"},
                                    {"grv_proxies", "1"},
                                    {"resolvers", "2"}}) {
    ASSERT_TRUE(configuration.Set(name, value).ok()) << name;
  }
  EXPECT_EQ(
      configuration,
      (Configuration{
          .replication = 3, .logs = 7, .commit_proxies = 100, .grv_proxies = 1, .resolvers = 2}));
  Configuration copy;
  EXPECT_EQ(configuration.Rows().size(), 5u);
  for (const Mutation& row : configuration.Rows()) {
    ASSERT_TRUE(row.key.starts_with(kConfigurationPrefix));
    ASSERT_TRUE(copy.Set(row.key.substr(kConfigurationPrefix.size()), row.value).ok());
  }
  EXPECT_EQ(copy, configuration);
}

TEST(Configuration, WhatMakesNoSenseChangesNothing) {
  Configuration configuration;
  for (const auto& [name, value] : {std::pair("redundancy", "quadruple"),
                                    {"redundancy", ""},
                                    {"redundancy", "3"},
                                    {"redundancy", "Single"},
                                    {"logs", "0"},
                                    {"logs", "101"},
                                    {"logs", "-1"},
                                    {"logs", ""},
                                    {"logs", "1x"},
                                    {"logs", " 1"},
                                    {"logs", "007"},
                                    {"resolvers", "99999999999999999999"},
                                    {"log", "1"},
                                    {"", "1"},
                                    {"proxies\n", "1"}}) {
    const absl::Status set = configuration.Set(name, value);
    EXPECT_EQ(CodeOf(set), ErrorCode::invalid_argument) << name << "=" << value;
    EXPECT_EQ(set.message().find('\n'), std::string_view::npos);
    EXPECT_GT(set.message().size(), 20u);
    EXPECT_EQ(configuration, Configuration());
  }
}

TEST(Configuration, Names) {
  EXPECT_EQ(RedundancyName(1), "single");
  EXPECT_EQ(RedundancyName(2), "double");
  EXPECT_EQ(RedundancyName(3), "triple");
}

}  // namespace
}  // namespace orrery
