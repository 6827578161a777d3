#include "replay/capture_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "support/packet_builder.h"

namespace rpctee::replay {
namespace {

using test::ByteVector;
using test::Join;
using test::TcpPacket;
using ::testing::AllOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

void Append32(ByteVector& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}

class CaptureReaderTest : public ::testing::Test {
 protected:
  CaptureReaderTest()
      : path_(std::filesystem::temp_directory_path() / ("rpctee-capture-" + std::to_string(::getpid()) + ".pcap")) {}
  ~CaptureReaderTest() override { std::filesystem::remove(path_); }

  void WriteFile(Bytes bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  // A little-endian pcap file with microseconds; link types by their numbers in files, which differ from DLT_RAW.
  static ByteVector FileHeader(uint32_t link_type) {
    ByteVector file;
    for (const uint32_t field : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 262144U, link_type}) {
      Append32(file, field);
    }
    return file;
  }
  static ByteVector Record(Bytes packet, size_t original_bytes) {
    ByteVector record;
    Append32(record, 1'700'000'000);
    Append32(record, 123'456);
    Append32(record, static_cast<uint32_t>(packet.size()));
    Append32(record, static_cast<uint32_t>(original_bytes));
    record.insert(record.end(), packet.begin(), packet.end());
    return record;
  }
  void WriteOne(uint32_t link_type, const ByteVector& packet) const {
    WriteFile(Join({FileHeader(link_type), Record(packet, packet.size())}));
  }

  // The only frame of the file; empty if there is none.
  ByteVector OnlyFrame(CaptureStats* stats = nullptr) const {
    auto reader = CaptureReader::Open(path_);
    if (!reader) {
      ADD_FAILURE() << reader.error().message;
      return {};
    }
    const auto first = reader->Next();
    ByteVector frame;
    if (first && *first) {
      frame.assign((*first)->frame.begin(), (*first)->frame.end());
      const auto end = reader->Next();
      EXPECT_TRUE(end && !*end);
    }
    if (stats != nullptr) {
      *stats = reader->stats();
    }
    return frame;
  }
  std::string OpenError() const {
    const auto reader = CaptureReader::Open(path_);
    return reader ? "no error" : reader.error().message;
  }

  std::string path_;
};

// What a frame of ours looks like when the capture brought no Ethernet header.
ByteVector ZeroMacs(uint16_t ethertype, const ByteVector& ip) {
  ByteVector frame(12, 0);
  frame.push_back(static_cast<uint8_t>(ethertype >> 8));
  frame.push_back(static_cast<uint8_t>(ethertype));
  return Join({frame, ip});
}

const ByteVector kV4 = TcpPacket("10.0.0.1:1", "10.0.0.2:2").Payload("abc").WithoutEthernet().Build();
const ByteVector kV6 = TcpPacket("[fd00::1]:1", "[fd00::2]:2").Payload("abc").WithoutEthernet().Build();

TEST_F(CaptureReaderTest, EthernetFramesComeAsTheyAre) {
  const ByteVector frame = TcpPacket("10.0.0.1:1", "10.0.0.2:2").Vlan(7).Payload("abc").EthernetPadding(3).Build();
  WriteOne(1, frame);
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(frame));
}

TEST_F(CaptureReaderTest, NumberTimeAndLengthAreThoseOfTheFile) {
  const ByteVector frame = TcpPacket("10.0.0.1:1", "10.0.0.2:2").Payload("abc").Build();
  WriteFile(Join({FileHeader(1), Record(frame, frame.size()), Record(frame, frame.size() + 5)}));
  auto reader = CaptureReader::Open(path_);
  ASSERT_TRUE(reader);
  const auto first = reader->Next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->number, 1U);
  EXPECT_EQ((*first)->time_ns, 1'700'000'000'123'456'000U);
  EXPECT_FALSE((*first)->is_cut);
  const auto second = reader->Next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->number, 2U);
  EXPECT_EQ((*second)->original_bytes, frame.size() + 5);
  EXPECT_TRUE((*second)->is_cut);
  EXPECT_EQ(reader->stats().packets, 2U);
  EXPECT_EQ(reader->stats().cut_by_snaplen, 1U);
}

TEST_F(CaptureReaderTest, IpPacketsWithoutALinkHeaderGetAnEthernetHeader) {
  for (const uint32_t link_type : {101U, 228U}) {  // RAW, IPV4
    WriteOne(link_type, kV4);
    EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x0800, kV4))) << link_type;
  }
  for (const uint32_t link_type : {101U, 229U}) {  // RAW, IPV6
    WriteOne(link_type, kV6);
    EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x86dd, kV6))) << link_type;
  }
}

TEST_F(CaptureReaderTest, LinuxCookedHeadersGiveWayToAnEthernetHeader) {
  const ByteVector sll = {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00};
  WriteOne(113, Join({sll, kV4}));
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x0800, kV4)));
  const ByteVector sll2 = {0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0};
  WriteOne(276, Join({sll2, kV6}));
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x86dd, kV6)));
}

TEST_F(CaptureReaderTest, LinuxCookedHeaderKeepsAVlanTagThatFollows) {
  const ByteVector sll = {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0x00};
  const ByteVector tag = {0, 5, 0x08, 0x00};
  WriteOne(113, Join({sll, tag, kV4}));
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x8100, Join({tag, kV4}))));
}

TEST_F(CaptureReaderTest, LoopbackFamiliesOfAllSystemsAndByteOrdersAreKnown) {
  WriteOne(0, Join({{2, 0, 0, 0}, kV4}));
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x0800, kV4)));
  WriteOne(0, Join({{0, 0, 0, 2}, kV4}));
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x0800, kV4)));
  WriteOne(108, Join({{0, 0, 0, 24}, kV6}));
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x86dd, kV6)));
  for (const uint8_t family : ByteVector{10, 24, 28, 30}) {
    WriteOne(0, Join({{family, 0, 0, 0}, kV6}));
    EXPECT_THAT(OnlyFrame(), ElementsAreArray(ZeroMacs(0x86dd, kV6))) << int{family};
  }
}

TEST_F(CaptureReaderTest, PacketsThatAreNoIpOrTooShortAreCountedAndLeftOut) {
  CaptureStats stats;
  WriteOne(101, {0x12, 0x34});
  EXPECT_TRUE(OnlyFrame(&stats).empty());
  EXPECT_EQ(stats.not_ip, 1U);
  WriteOne(0, Join({{7, 0, 0, 0}, kV4}));
  EXPECT_TRUE(OnlyFrame(&stats).empty());
  EXPECT_EQ(stats.not_ip, 1U);
  for (const auto& [link_type, packet] : std::vector<std::pair<uint32_t, ByteVector>>{
           {1, ByteVector(13, 0)}, {101, {}}, {113, ByteVector(16, 0)}, {276, ByteVector(19, 0)}, {0, {2, 0, 0}}}) {
    WriteOne(link_type, packet);
    EXPECT_TRUE(OnlyFrame(&stats).empty()) << link_type;
    EXPECT_EQ(stats.runts, 1U) << link_type;
    EXPECT_EQ(stats.packets, 1U) << link_type;
  }
}

TEST_F(CaptureReaderTest, AFileCutInsideAPacketNamesFileAndPacket) {
  const ByteVector frame = TcpPacket("10.0.0.1:1", "10.0.0.2:2").Payload("abc").Build();
  ByteVector file = Join({FileHeader(1), Record(frame, frame.size()), Record(frame, frame.size())});
  file.pop_back();
  WriteFile(file);
  auto reader = CaptureReader::Open(path_);
  ASSERT_TRUE(reader);
  EXPECT_TRUE(reader->Next());
  const auto cut = reader->Next();
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, AllOf(HasSubstr(path_), HasSubstr("packet 2"), HasSubstr("truncated")));
  const auto after = reader->Next();
  EXPECT_TRUE(after && !*after);
}

TEST_F(CaptureReaderTest, APacketLengthThatNoPacketHasIsAnErrorAndNoAllocation) {
  ByteVector file = FileHeader(1);
  for (const uint32_t field : {1U, 2U, 0xfffffff0U, 0xfffffff0U}) {
    Append32(file, field);
  }
  WriteFile(file);
  auto reader = CaptureReader::Open(path_);
  ASSERT_TRUE(reader);
  const auto packet = reader->Next();
  ASSERT_FALSE(packet);
  EXPECT_THAT(packet.error().message, HasSubstr("packet 1"));
}

TEST_F(CaptureReaderTest, AnUnsupportedLinkTypeIsNamedNextToThoseThatAreSupported) {
  WriteOne(105, kV4);  // IEEE 802.11
  EXPECT_THAT(OpenError(), AllOf(HasSubstr(path_), HasSubstr("IEEE802_11"), HasSubstr("105"), HasSubstr("Ethernet"),
                                 HasSubstr("SLL2")));
}

TEST_F(CaptureReaderTest, FilesThatAreNoCapturesAreRefusedWithTheReason) {
  EXPECT_THAT(OpenError(), AllOf(HasSubstr(path_), HasSubstr("No such file")));
  WriteFile({});
  EXPECT_THAT(OpenError(), HasSubstr("truncated"));
  WriteFile(ByteVector{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  EXPECT_THAT(OpenError(), HasSubstr("must be unpacked"));
}

TEST_F(CaptureReaderTest, PcapngFilesAreRead) {
  const ByteVector frame = TcpPacket("10.0.0.1:1", "10.0.0.2:2").Payload("ab").Build();
  ByteVector file;
  // Section header block, interface description block (Ethernet), enhanced packet block.
  for (const uint32_t field : {0x0a0d0d0aU, 28U, 0x1a2b3c4dU, 1U, 0xffffffffU, 0xffffffffU, 28U,  //
                               1U, 20U, 1U, 262144U, 20U}) {
    Append32(file, field);
  }
  ASSERT_EQ(frame.size() % 4, 0U);  // so that the block needs no padding
  const auto size = static_cast<uint32_t>(frame.size());
  for (const uint32_t field : {6U, 32 + size, 0U, 0U, 5U, size, size}) {
    Append32(file, field);
  }
  file.insert(file.end(), frame.begin(), frame.end());
  Append32(file, 32 + size);
  WriteFile(file);
  EXPECT_THAT(OnlyFrame(), ElementsAreArray(frame));
}

}  // namespace
}  // namespace rpctee::replay
