#include "model/requests.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "support/dubbo_frames.h"
#include "support/thrift_frames.h"

namespace rpctee::test {
namespace {

constexpr size_t kSamples = 128;  // of each protocol; the first of them are small
constexpr size_t kSmallSamples = 16;
constexpr size_t kIdBytes = 8;
constexpr size_t kDubboIdAt = 4;
constexpr std::string_view kIdMark = "id=";  // in the argument of a Thrift call, before its id

using Samples = std::vector<SampleRequest>;

// A body that holds whole requests, as that of a recorder or a gateway may: but neither so many in a row nor at such a
// place that nobody could tell them from true ones, see stream/join_search.h.
ByteVector Body(std::mt19937& random, size_t bytes, std::vector<size_t>& planted) {
  ByteVector body(kIdMark.begin(), kIdMark.end());
  body.resize(kRequestHeadBytes);
  for (uint32_t i = random() % 4; i > 0 && bytes > 300; --i) {
    const ByteVector inner = random() % 2 == 0
                                 ? DubboFrame(kDubboTwoWay, random(), Bytes(Join({{5, '2', '.', '0', 'x'}})))
                                 : ThriftFrame(ThriftBinary(7, "inner", Bytes(body).first(20)));
    planted.push_back(body.size());
    body = Join({body, inner});
    planted.push_back(body.size());
  }
  while (body.size() < bytes) {
    body.push_back(static_cast<uint8_t>(random()));
  }
  return body;
}

ByteVector Around(Speech speech, std::mt19937& random, const ByteVector& body) {
  if (speech == Speech::kDubbo) {
    // What the strict test looks at, and an argument.
    return DubboFrame(random() % 4 == 0 ? kDubboOneWay : kDubboTwoWay, 0,
                      Bytes(Join({{5, '2', '.', '0', '.', '2'}, body})));
  }
  const uint32_t form = speech == Speech::kThriftUnframed ? random() % 2 : random() % 4;
  const auto id = static_cast<uint32_t>(random());
  ByteVector message = form == 0   ? ThriftBinary(id, "sayHello", body)
                       : form == 1 ? ThriftCompact(id, "sayHello", body)
                       : form == 2 ? ThriftOldBinary(id, "sayHello", body)
                                   : ThriftHeader(id, ThriftBinary(id, "sayHello", body));
  return speech == Speech::kThriftUnframed ? message : ThriftFrame(message);
}

SampleRequest MakeRequest(std::mt19937& random, Speech speech, size_t body_bytes) {
  SampleRequest made;
  const ByteVector body = Body(random, body_bytes, made.planted);
  made.bytes = Around(speech, random, body);
  const auto body_at = std::search(made.bytes.begin(), made.bytes.end(), body.begin(), body.end()) - made.bytes.begin();
  for (size_t& place : made.planted) {
    place += static_cast<size_t>(body_at);
  }
  made.id_at = speech == Speech::kDubbo ? kDubboIdAt : static_cast<size_t>(body_at) + kIdMark.size();
  return made;
}

const Samples& SamplesOf(Speech speech) {
  static const std::array<Samples, 3> samples = [] {
    std::mt19937 random(1);
    std::array<Samples, 3> made;
    for (const Speech each : {Speech::kDubbo, Speech::kThriftFramed, Speech::kThriftUnframed}) {
      for (size_t i = 0; i < kSamples; ++i) {
        const size_t bytes = i < kSmallSamples ? 100 + random() % 100 : 200 + random() % (i % 10 == 0 ? 6'000 : 400);
        made.at(static_cast<size_t>(each)).push_back(MakeRequest(random, each, bytes));
      }
    }
    return made;
  }();
  return samples.at(static_cast<size_t>(speech));
}

}  // namespace

const SampleRequest& RandomRequest(std::mt19937& random, Speech speech, bool is_small) {
  return SamplesOf(speech)[random() % (is_small ? kSmallSamples : kSamples)];
}

uint64_t IdOf(Bytes request) {
  const Bytes head = request.first(std::min(request.size(), 2 * kRequestHeadBytes));
  size_t at = kDubboIdAt;
  if (head.size() < 2 || head[0] != 0xda || head[1] != 0xbb) {
    const auto mark = std::search(head.begin(), head.end(), kIdMark.begin(), kIdMark.end());
    at = static_cast<size_t>(mark - head.begin()) + kIdMark.size();
  }
  uint64_t id = 0;
  for (size_t i = 0; i < kIdBytes && at + kIdBytes <= head.size(); ++i) {
    id = id << 8 | head[at + i];
  }
  return id;
}

void SetId(ByteVector& bytes, size_t at, uint64_t id) {
  for (size_t i = 0; i < kIdBytes; ++i) {
    bytes[at + i] = static_cast<uint8_t>(id >> (8 * (kIdBytes - 1 - i)));
  }
}

}  // namespace rpctee::test
