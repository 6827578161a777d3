// What makes two logs of packets differ, and what does not.
#include "packet_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace rpctee::watch {
namespace {

constexpr uint16_t kPort = 20'880;
constexpr size_t kTtl = 8;
constexpr size_t kProtocol = 9;
constexpr size_t kChecksum = 10;
constexpr size_t kPayload = 40;

std::vector<uint8_t> Packet(uint8_t payload) {
  std::vector<uint8_t> packet(kPayload + 1);
  packet[0] = 0x45;
  packet[kProtocol] = 6;
  packet[22] = kPort >> 8;
  packet[23] = kPort & 0xff;
  packet[kPayload] = payload;
  return packet;
}

Direction Only(const std::vector<std::vector<uint8_t>>& packets) {
  PacketLog log(kPort);
  for (const auto& packet : packets) {
    log.Add(packet);
  }
  EXPECT_EQ(log.directions().size(), 1U);
  return log.directions().begin()->second;
}

TEST(PacketLog, TheOrderCountsForOneOfTheTwoHashes) {
  const Direction one = Only({Packet(1), Packet(2), Packet(3)});
  const Direction other = Only({Packet(2), Packet(1), Packet(3)});
  EXPECT_EQ(one.packets, 3U);
  EXPECT_EQ(one.any_order, other.any_order);
  EXPECT_NE(one.in_order, other.in_order);
}

TEST(PacketLog, OneByteMakesADifference) {
  const Direction one = Only({Packet(1)});
  const Direction other = Only({Packet(2)});
  EXPECT_NE(one.any_order, other.any_order);
  EXPECT_NE(one.in_order, other.in_order);
}

TEST(PacketLog, WhatRoutersChangeMakesNone) {
  std::vector<uint8_t> routed = Packet(1);
  routed[kTtl] = 63;
  routed[kChecksum] = routed[kChecksum + 1] = 7;
  EXPECT_EQ(Only({Packet(1)}).in_order, Only({routed}).in_order);
}

TEST(PacketLog, OtherPortsProtocolsAndScrapsAreNotLogged) {
  std::vector<uint8_t> other_port = Packet(1);
  other_port[23] ^= 1;
  std::vector<uint8_t> udp = Packet(1);
  udp[kProtocol] = 17;
  PacketLog log(kPort);
  log.Add(other_port);
  log.Add(udp);
  log.Add({});
  for (size_t bytes = 1; bytes < kPayload - 16; ++bytes) {
    log.Add(Bytes(Packet(1)).first(bytes));
  }
  EXPECT_TRUE(log.directions().empty());
}

}  // namespace
}  // namespace rpctee::watch
