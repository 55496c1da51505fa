// Goal: two ends agree on a version or both refuse, and say why.
// Method: ranges and clusters by table; every truncation of a Hello.
#include "core/rpc/handshake.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

RpcIdentity Speaks(uint32_t min, uint32_t max, std::string cluster = "") {
  return {std::move(cluster), "p", 1, min, max};
}

TEST(HandshakeTest, HighestInCommon) {
  EXPECT_EQ(*Agree(Speaks(1, 1), Speaks(1, 1)), 1u);
  EXPECT_EQ(*Agree(Speaks(1, 5), Speaks(3, 9)), 5u);
  EXPECT_EQ(*Agree(Speaks(3, 9), Speaks(1, 5)), 5u);
  EXPECT_EQ(*Agree(Speaks(2, 2), Speaks(1, 5)), 2u);
  EXPECT_EQ(CodeOf(Agree(Speaks(1, 2), Speaks(3, 4)).status()), ErrorCode::protocol_mismatch);
  EXPECT_EQ(CodeOf(Agree(Speaks(3, 4), Speaks(1, 2)).status()), ErrorCode::protocol_mismatch);
}

TEST(HandshakeTest, AnUnknownClusterMatchesAny) {
  EXPECT_TRUE(Agree(Speaks(1, 1, "a"), Speaks(1, 1, "a")).ok());
  EXPECT_TRUE(Agree(Speaks(1, 1, ""), Speaks(1, 1, "a")).ok());
  EXPECT_TRUE(Agree(Speaks(1, 1, "a"), Speaks(1, 1, "")).ok());
  EXPECT_EQ(CodeOf(Agree(Speaks(1, 1, "a"), Speaks(1, 1, "b")).status()), ErrorCode::wrong_cluster);
}

TEST(HandshakeTest, HelloComesBack) {
  const Buffer bytes = EncodeHello({{"c1", "server", 99, 2, 7}, Lane::kHeartbeat});
  FrameDecoder decoder(4096);
  decoder.Feed(bytes);
  const auto frame = decoder.Next();
  ASSERT_TRUE(frame.has_value());
  const auto hello = DecodeHello(*frame);
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->identity.cluster_id, "c1");
  EXPECT_EQ(hello->identity.process, "server");
  EXPECT_EQ(hello->identity.incarnation, 99u);
  EXPECT_EQ(hello->identity.protocol_min, 2u);
  EXPECT_EQ(hello->identity.protocol_max, 7u);
  EXPECT_EQ(hello->lane, Lane::kHeartbeat);
}

TEST(HandshakeTest, WhatIsNoHelloIsRefused) {
  Frame frame;
  frame.header.type = FrameType::kHello;
  frame.body = Buffer::Copy("\xff\xff\xff");
  frame.header.message_bytes = frame.header.body_bytes = 3;
  EXPECT_FALSE(DecodeHello(frame).has_value());
  frame.header.type = FrameType::kPing;
  EXPECT_FALSE(DecodeHello(frame).has_value());
  const Buffer inverted = EncodeHello({Speaks(3, 2), Lane::kData});
  FrameDecoder decoder(4096);
  decoder.Feed(inverted);
  EXPECT_FALSE(DecodeHello(*decoder.Next()).has_value());
}

}  // namespace
}  // namespace orrery
