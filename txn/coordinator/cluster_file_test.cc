// Goal: a cluster file says exactly what it says, and every kind of garbage gets one line that
// tells where it is. Method: examples with their errors; every truncation and every change of one
// byte of a good file parses to something that prints as itself, or fails in one line with a
// position.
#include "txn/coordinator/cluster_file.h"

#include <gtest/gtest.h>

#include "core/base/error_codes.h"

namespace orrery {
namespace {

constexpr std::string_view kGood = "db:Id7@10.0.0.1:4500,node-2.example:4501,[2001:db8::1]:4502";

TEST(ClusterFileTest, ParsesAndPrints) {
  const absl::StatusOr<ClusterFile> file =
      ClusterFile::Parse("# made by hand\n\r\n \t" + std::string(kGood) + " \r\n\n# end");
  ASSERT_TRUE(file.ok()) << Describe(file.status());
  EXPECT_EQ(file->description, "db");
  EXPECT_EQ(file->id, "Id7");
  ASSERT_EQ(file->coordinators.size(), 3u);
  EXPECT_EQ(file->coordinators[0].address.ToString(), "10.0.0.1:4500");
  EXPECT_EQ(file->coordinators[1].host, "node-2.example");
  EXPECT_EQ(file->coordinators[1].address.port(), 4501);
  EXPECT_EQ(file->ToString(), kGood);
  EXPECT_EQ(file->cluster_name(), "db:Id7");
}

TEST(ClusterFileTest, TheRegisterIsOfTheNameAlone) {
  const ClusterFile one = *ClusterFile::Parse("db:a@10.0.0.1:1");
  EXPECT_EQ(one.register_id(), ClusterFile::Parse("db:a@10.0.0.2:7")->register_id());
  EXPECT_NE(one.register_id(), ClusterFile::Parse("db:b@10.0.0.1:1")->register_id());
  EXPECT_NE(one.register_id(), RegisterId{});
}

TEST(ClusterFileTest, GarbageIsToldWithItsPlace) {
  const std::string long_name(129, 'a');
  std::string many = "d:i@";
  for (int i = 1; i <= 100; ++i) many += (i > 1 ? ",h:" : "h:") + std::to_string(i);
  const struct {
    std::string text;
    std::string message;
  } cases[] = {
      {"", "line 1, character 1: expected description:id@host:port,..., found the end"},
      {"# only\n\n", "line 3, character 1: expected description:id@host:port,..., found the end"},
      {":i@h:1",
       "line 1, character 1: expected a description of letters, digits and underscores, found ':'"},
      {"d", "line 1, character 2: expected ':' after the description, found the end of the line"},
      {"d-x:i@h:1", "line 1, character 2: expected ':' after the description, found '-'"},
      {"d:@h:1", "line 1, character 3: expected an id of letters and digits, found '@'"},
      {"d:i_@h:1", "line 1, character 4: expected '@' after the id, found '_'"},
      {"d:i", "line 1, character 4: expected '@' after the id, found the end of the line"},
      {"d:i@", "line 1, character 5: expected a coordinator's host, found the end of the line"},
      {"\nd:i@h:1,",
       "line 2, character 9: expected a coordinator's host, found the end of the line"},
      {"d:i@h:1,,k:2", "line 1, character 9: expected a coordinator's host, found ','"},
      {"d:i@h",
       "line 1, character 6: expected ':' and a port after the host, found the end of the "
       "line"},
      {"d:i@h:", "line 1, character 7: expected a port, found the end of the line"},
      {"d:i@h:x", "line 1, character 7: expected a port, found 'x'"},
      {"d:i@h:0", "line 1, character 7: a port is a number from 1 to 65535"},
      {"d:i@h:65536", "line 1, character 7: a port is a number from 1 to 65535"},
      {"d:i@h:99999999999999999999", "line 1, character 7: a port is a number from 1 to 65535"},
      {"d:i@h:01", "line 1, character 7: a port is a number from 1 to 65535"},
      {"d:i@h:1:tls",
       "line 1, character 8: expected ',' or the end of the line after a coordinator, found ':'"},
      {"d:i@h:1 k:2",
       "line 1, character 8: expected ',' or the end of the line after a coordinator, found ' '"},
      {"d:i@h:1,k:2,h:1", "line 1, character 13: a coordinator that was named before"},
      {"d:i@1.2.3:1", "line 1, character 5: not an address: 1.2.3"},
      {"d:i@1.2.3.256:1", "line 1, character 5: not an address: 1.2.3.256"},
      {"d:i@0.0.0.0:1", "line 1, character 5: not an address that others can reach: 0.0.0.0"},
      {"d:i@[::]:1", "line 1, character 5: not an address that others can reach: [::]"},
      {"d:i@[::1:1",
       "line 1, character 11: expected ']' after an IPv6 address, found the end of "
       "the line"},
      {"d:i@[zz]:1", "line 1, character 5: not an address: [zz]"},
      {"d:i@-h:1", "line 1, character 5: not a host name"},
      {"d:i@" + std::string(254, 'h') + ":1", "line 1, character 5: not a host name"},
      {"d:i@h:1\nd:i@h:2", "line 2, character 1: expected nothing after the cluster's line"},
      {std::string("d:i@h\x01:1"),
       "line 1, character 6: expected ':' and a port after the host, found the byte 0x01"},
      {std::string("d\0:i@h:1", 8),
       "line 1, character 2: expected ':' after the description, found the byte 0x00"},
      {"d:i@h\xff:1",
       "line 1, character 6: expected ':' and a port after the host, found the byte 0xff"},
      {long_name + ":i@h:1", "line 1, character 1: longer than 128 characters"},
      {many, "line 1, character 491: more than 99 coordinators"},
      {std::string(70'000, '#'), "longer than 65536 bytes"},
  };
  for (const auto& each : cases) {
    const absl::StatusOr<ClusterFile> file = ClusterFile::Parse(each.text);
    ASSERT_FALSE(file.ok()) << each.text;
    EXPECT_EQ(CodeOf(file.status()), ErrorCode::cluster_file_invalid);
    EXPECT_EQ(std::string(file.status().message()), each.message) << each.text.substr(0, 40);
  }
}

void ExpectItselfOrOneLine(const std::string& text) {
  const absl::StatusOr<ClusterFile> file = ClusterFile::Parse(text);
  if (file.ok()) {
    const absl::StatusOr<ClusterFile> again = ClusterFile::Parse(file->ToString());
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(again->ToString(), file->ToString());
  } else {
    const std::string message(file.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_EQ(message.find("line "), 0u) << message;
  }
}

TEST(ClusterFileTest, EveryTruncationAndEveryOtherByte) {
  for (size_t i = 0; i <= kGood.size(); ++i) ExpectItselfOrOneLine(std::string(kGood.substr(0, i)));
  for (size_t i = 0; i < kGood.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text(kGood);
      text[i] = static_cast<char>(byte);
      ExpectItselfOrOneLine(text);
    }
  }
}

}  // namespace
}  // namespace orrery
