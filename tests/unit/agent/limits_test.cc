// The least memory that a configuration may give is enough for a longest request, however it comes.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

#include "agent/options.h"
#include "support/thrift_frames.h"
#include "unit/stream/reassembler_fixture.h"

namespace rpctee::agent {
namespace {

using stream::Start;
using test::ByteVector;
using testing::ElementsAre;

constexpr uint32_t kLongest = 4U << 20;
constexpr size_t kSegmentBytes = 536;  // the least that every receiver takes (RFC 9293, 3.7.1)

class LeastMemoryTest : public stream::ReassemblerTest {
 protected:
  LeastMemoryTest() {
    control::AgentConfig config;
    config.tap.max_request_bytes = kLongest;
    config.limits.max_reassembly_bytes = control::LeastReassemblyBytes(kLongest);
    const AgentOptions options = FromConfig(config, 1);
    limited_.emplace(*this, options.worker.pipeline.limits);
    reassembler_.emplace(*limited_, *this, options.worker.pipeline.stream_limits);
  }
  // In segments, from this byte on.
  void Send(Bytes bytes, size_t from) {
    for (size_t at = from; at < bytes.size(); at += kSegmentBytes) {
      Data(1000 + static_cast<uint32_t>(at), bytes.subspan(at, std::min(kSegmentBytes, bytes.size() - at)));
    }
  }

  std::optional<stream::Assembler> limited_;
};

TEST_F(LeastMemoryTest, HoldsALongestRequestThatComesInOrder) {
  const ByteVector request = test::DubboRequest(1, kLongest);
  Begin(1000);
  Send(request, 0);
  EXPECT_THAT(frames_, ElementsAre(request));
}

TEST_F(LeastMemoryTest, HoldsALongestRequestBehindItsFirstBytes) {
  const ByteVector request = test::DubboRequest(1, kLongest);
  Begin(1000);
  Send(request, kSegmentBytes);
  Data(1000, Bytes(request).first(kSegmentBytes));
  EXPECT_THAT(frames_, ElementsAre(request));
}

TEST_F(LeastMemoryTest, HoldsALongestRequestWithoutFrames) {
  const size_t rest = test::ThriftBinary(1, "say", {}).size();
  const ByteVector request = test::ThriftBinary(1, "say", ByteVector(kLongest - rest, 'x'));
  Begin(1000, Start::kFirstByte);
  Send(request, 0);
  EXPECT_THAT(frames_, ElementsAre(request));
}

}  // namespace
}  // namespace rpctee::agent
