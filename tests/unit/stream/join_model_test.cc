// Streams of requests whose bodies try to look like requests, joined at every offset: exactly those come out whose
// heads stand at or behind it.
//
// Left out is what nobody could tell from a request: a planted header that announces exactly the way to a true one. A
// single message without a frame is not believed, since the message of a framed one looks the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/thrift_frames.h"
#include "unit/stream/reassembler_fixture.h"

namespace rpctee::stream {
namespace {

using test::Join;
using test::Slice;

enum class Kind { kDubbo, kThrift, kUnframed };

class StreamMaker {
 public:
  struct Request {
    size_t at;  // of its head in the stream
    ByteVector bytes;
  };

  StreamMaker(Kind kind, uint32_t seed) : kind_(kind), random_(seed) {
    do {
      bytes_.clear();
      requests_.clear();
      planted_.clear();
      ends_.clear();
      const uint32_t frames = 3 + Below(8);
      for (uint32_t id = 0; id < frames; ++id) {
        AddFrame(id);
      }
    } while (PlantedHeaderMeetsATrueOne());
  }

  const ByteVector& bytes() const { return bytes_; }
  std::vector<ByteVector> RequestsFrom(size_t offset) const {
    std::vector<ByteVector> found;
    for (const Request& request : requests_) {
      if (request.at >= offset) {
        found.push_back(request.bytes);
      }
    }
    if (kind_ == Kind::kUnframed && found.size() == 1) {
      found.clear();
    }
    return found;
  }
  uint32_t Below(size_t limit) { return static_cast<uint32_t>(random_() % limit); }

 private:
  struct Planted {
    size_t at;
    size_t frame_bytes;
  };

  void AddFrame(uint32_t id) {
    if (kind_ == Kind::kDubbo && Below(5) == 0) {
      Append(Below(2) == 0 ? test::DubboHeartbeat(id) : test::DubboResponse(id));
    } else {
      planted_in_body_.clear();
      const ByteVector body = Body();
      const ByteVector request = Make(kind_, id, body);
      const auto body_at = std::search(request.begin(), request.end(), body.begin(), body.end()) - request.begin();
      for (const Planted& planted : planted_in_body_) {
        planted_.push_back({bytes_.size() + static_cast<size_t>(body_at) + planted.at, planted.frame_bytes});
      }
      requests_.push_back({bytes_.size(), request});
      Append(request);
    }
    ends_.push_back(bytes_.size());
  }
  void Append(const ByteVector& bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  ByteVector Make(Kind kind, uint32_t id, const ByteVector& argument) {
    switch (kind) {
      case Kind::kDubbo:
        return Dubbo(id, argument);
      case Kind::kThrift:
        return Thrift(id, argument);
      default:
        return Unframed(id, argument);
    }
  }
  // What the strict test looks at, the argument, and the attachments that stand behind it.
  ByteVector Dubbo(uint32_t id, const ByteVector& argument) {
    const uint8_t flags = Below(2) == 0 ? test::kDubboTwoWay : test::kDubboOneWay;
    return test::DubboFrame(flags, id, Join({{5, '2', '.', '0', '.', '2'}, argument, {'H', 'Z'}}));
  }
  ByteVector Thrift(uint32_t id, const ByteVector& argument) {
    switch (Below(4)) {
      case 0:
        return test::ThriftFrame(test::ThriftBinary(id, "sayHello", argument));
      case 1:
        return test::ThriftFrame(test::ThriftOldBinary(id, "sayHello", argument));
      case 2:
        return test::ThriftFrame(test::ThriftCompact(id, "sayHello", argument));
      default:
        return test::ThriftFrame(test::ThriftHeader(id, test::ThriftBinary(id, "sayHello", argument)));
    }
  }

  ByteVector Unframed(uint32_t id, const ByteVector& argument) {
    return Below(2) == 0 ? test::ThriftBinary(id, "sayHello", argument) : test::ThriftCompact(id, "sayHello", argument);
  }

  ByteVector Body() {
    ByteVector body = Noise();
    for (uint32_t i = Below(4); i != 0; --i) {
      const ByteVector decoy = Decoy(body.size());
      body = Join({body, decoy, {'x'}, Noise()});
    }
    // No message that is planted at the end may be made whole by the end of the true one.
    return Join({body, ByteVector(8, 'x')});
  }
  ByteVector Noise() {
    static constexpr uint8_t kLikely[] = {0xda, 0xbb, 0xc2, 0x00, 0x80, 0x01, 0x82, 0x21, 0x0f, 0xff, 0x05, '2'};
    ByteVector noise(Below(80));
    const bool is_likely = Below(2) == 0;
    for (uint8_t& byte : noise) {
      byte = is_likely ? kLikely[Below(std::size(kLikely))] : static_cast<uint8_t>(random_());
    }
    return noise;
  }
  // A header that announces anything, or up to three whole requests in a row, of any protocol.
  ByteVector Decoy(size_t at) {
    if (Below(2) == 0) {
      const size_t announced[] = {20 + Below(60), 60 + Below(1'000), 100'000, 5'000'000};
      return Header(at, announced[Below(4)]);
    }
    const Kind kind = static_cast<Kind>(Below(3));
    ByteVector row;
    for (uint32_t i = 1 + Below(3); i != 0; --i) {
      const ByteVector request = Make(kind, i, {'y'});
      planted_in_body_.push_back({at + row.size(), request.size()});
      row = Join({row, request});
    }
    return row;
  }
  ByteVector Header(size_t at, size_t frame_bytes) {
    planted_in_body_.push_back({at, frame_bytes});
    const bool is_dubbo = Below(2) == 0;
    const size_t length_at = is_dubbo ? 12 : 0;
    const size_t length = frame_bytes - (is_dubbo ? 16 : 4);
    ByteVector header = Slice(is_dubbo ? Dubbo(1, {'y'}) : Thrift(1, {'y'}), 0, 20);
    for (size_t i = 0; i < 4; ++i) {
      header[length_at + i] = static_cast<uint8_t>(length >> (24 - 8 * i));
    }
    return header;
  }
  bool PlantedHeaderMeetsATrueOne() const {
    return std::any_of(planted_.begin(), planted_.end(), [this](const Planted& planted) {
      return std::find(ends_.begin(), ends_.end(), planted.at + planted.frame_bytes) != ends_.end();
    });
  }

  Kind kind_;
  std::mt19937 random_;
  ByteVector bytes_;
  std::vector<Request> requests_;
  std::vector<Planted> planted_;
  std::vector<Planted> planted_in_body_;
  std::vector<size_t> ends_;
};

Content ProtocolOf(Kind kind) {
  switch (kind) {
    case Kind::kDubbo:
      return Content::kDubbo;
    case Kind::kThrift:
      return Content::kThriftFramed;
    default:
      return Content::kThriftUnframed;
  }
}

enum class Cut { kWhole, kEvenly, kShuffled };

class JoinModelTest : public ReassemblerTest, public testing::WithParamInterface<std::tuple<Kind, Cut>> {
 protected:
  struct Segment {
    size_t from;
    size_t to;
  };

  static std::vector<Segment> Segments(Cut cut, size_t from, size_t to, StreamMaker& random) {
    std::vector<Segment> segments;
    for (size_t at = from; at < to;) {
      const size_t bytes = cut == Cut::kWhole ? to - at : cut == Cut::kEvenly ? 100 : 1 + random.Below(200);
      segments.push_back({at, std::min(to, at + bytes)});
      at = segments.back().to;
    }
    if (cut == Cut::kShuffled) {
      for (size_t i = 0; i + 1 < segments.size(); ++i) {
        std::swap(segments[i], segments[std::min(segments.size() - 1, i + random.Below(3))]);
      }
    }
    return segments;
  }

  void JoinAt(size_t offset, StreamMaker& stream, Cut cut) {
    ++flow_id_;
    Forget();
    const uint32_t first = 0xfffff800U;
    const auto seq = [first](size_t at) { return first + static_cast<uint32_t>(at); };
    Begin(seq(offset), Start::kUnknown);
    for (const Segment& segment : Segments(cut, offset, stream.bytes().size(), stream)) {
      Data(seq(segment.from), Bytes(stream.bytes()).subspan(segment.from, segment.to - segment.from));
    }
    Silence();
  }
};

TEST_P(JoinModelTest, AtEveryOffsetExactlyTheRequestsFromThereOnComeOut) {
  const auto [kind, cut] = GetParam();
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    StreamMaker stream(kind, seed);
    for (size_t offset = 0; offset < stream.bytes().size(); ++offset) {
      JoinAt(offset, stream, cut);
      const std::vector<ByteVector> expected = stream.RequestsFrom(offset);
      ASSERT_EQ(frames_, expected) << "stream " << seed << ", offset " << offset;
      ASSERT_EQ(given_up_, 0) << "stream " << seed << ", offset " << offset;
      ASSERT_LE(mended_.size(), 1U);
      if (!expected.empty()) {
        ASSERT_EQ(mended_.size(), kind == Kind::kUnframed ? 0U : 1U) << "stream " << seed << ", offset " << offset;
        ASSERT_EQ(frame_protocol_, ProtocolOf(kind));
      }
      outcomes_.clear();
      reassembler().Finish(now_);
      ASSERT_EQ(lost_.size(), 0U);
      ASSERT_EQ(outcomes_.size(), 0U) << "what a silence did not tell, the end does not tell either";
      ExpectNothingHeld();
    }
  }
}

std::string NameOf(const testing::TestParamInfo<std::tuple<Kind, Cut>>& row) {
  const auto [kind, cut] = row.param;
  const std::string name = kind == Kind::kDubbo ? "Dubbo" : kind == Kind::kThrift ? "Thrift" : "Unframed";
  return name + (cut == Cut::kWhole ? "Whole" : cut == Cut::kEvenly ? "Evenly" : "Shuffled");
}

INSTANTIATE_TEST_SUITE_P(All, JoinModelTest,
                         testing::Combine(testing::Values(Kind::kDubbo, Kind::kThrift, Kind::kUnframed),
                                          testing::Values(Cut::kWhole, Cut::kEvenly, Cut::kShuffled)),
                         NameOf);

}  // namespace
}  // namespace rpctee::stream
