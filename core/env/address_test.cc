// Goal: addresses print and parse back, and nothing else parses. Method: tables.
#include "core/env/address.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(NetworkAddressTest, RoundTrip) {
  for (const char* text :
       {"10.1.2.3:4500", "0.0.0.0:0", "255.255.255.255:65535", "[::]:1", "[::1]:80",
        "[2001:db8::1]:4500", "[2001:db8:0:1:1:1:1:1]:9", "[1:0:0:2::3]:7", "[fe80::]:5"}) {
    const auto address = NetworkAddress::Parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(NetworkAddressTest, RefusesTheRest) {
  for (const char* text :
       {"", ":", "10.1.2.3", "10.1.2.3:", "10.1.2.3:65536", "10.1.2:1", "10.1.2.256:1",
        "10.1.2.3.4:1", "localhost:1", "[::1]", "[:::1]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1:2]:1",
        "[12345::]:1", "10.1.2.3:-1", " 10.1.2.3:1", "10.1.2.3:1 ", "1.2.3.+4:1"}) {
    EXPECT_FALSE(NetworkAddress::Parse(text).has_value()) << text;
  }
}

TEST(NetworkAddressTest, V4) {
  const NetworkAddress a = NetworkAddress::V4(0x0a010203, 4500);
  EXPECT_EQ(a.ToString(), "10.1.2.3:4500");
  EXPECT_EQ(a.v4(), 0x0a010203u);
  EXPECT_EQ(a.WithPort(1).port(), 1);
}

}  // namespace
}  // namespace orrery
