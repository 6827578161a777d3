#include "bpf/differential/contents.h"

#include <array>
#include <string>
#include <string_view>

#include "support/dubbo_frames.h"

namespace rpctee::test {
namespace {

uint32_t Below(std::mt19937& random, uint32_t limit) { return static_cast<uint32_t>(random() % limit); }

void Append(ByteVector& bytes, std::string_view text) { bytes.insert(bytes.end(), text.begin(), text.end()); }

void Append32(ByteVector& bytes, size_t value) {
  for (const int shift : {24, 16, 8, 0}) {
    bytes.push_back(static_cast<uint8_t>(value >> shift));
  }
}

void Set32(ByteVector& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) {
    bytes[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  }
}

// A frame whose header says what no honest one does, mostly.
ByteVector DamagedDubbo(std::mt19937& random) {
  constexpr std::array<uint32_t, 7> kLengths = {0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 256 << 20, (256 << 20) + 1};
  ByteVector frame = DubboRequest(random(), 240);
  switch (Below(random, 4)) {
    case 0:
      frame[Below(random, 2)] ^= static_cast<uint8_t>(1 << Below(random, 8));
      break;
    case 1:
      Set32(frame, 12, kLengths.at(Below(random, kLengths.size())));
      break;
    case 2:
      frame[2 + Below(random, 17)] = static_cast<uint8_t>(random());
      break;
    default:
      frame.resize(16 + Below(random, 224));
  }
  return frame;
}

ByteVector DubboMessage(std::mt19937& random) {
  const uint64_t id = random();
  const uint32_t dice = Below(random, 100);
  if (dice < 60) {
    return DubboRequest(id, 230 + Below(random, 700), dice < 5 ? kDubboOneWay : kDubboTwoWay);
  }
  if (dice < 66) {
    return DubboRequest(id, 1'000 + Below(random, kContentMaxRequestBytes - 1'000));
  }
  if (dice < 68) {
    return DubboRequest(id, kContentMaxRequestBytes + Below(random, 2'000));
  }
  if (dice < 78) {
    return DubboFrame(kDubboTwoWay, id, {});
  }
  if (dice < 86) {
    return DubboHeartbeat(id);
  }
  if (dice < 90) {
    return DubboReadonly(id);
  }
  if (dice < 94) {
    return DubboResponse(id);
  }
  // Other serializations, whose bodies say nothing.
  ByteVector frame = DubboRequest(id, 240);
  frame[2] = static_cast<uint8_t>(0xc0 | Below(random, 32));
  return frame;
}

ByteVector ThriftBinary(std::mt19937& random) {
  ByteVector message = {0x80, 0x01, 0x00, static_cast<uint8_t>(Below(random, 4) == 0 ? 4 : 1)};
  const std::string name(1 + Below(random, 20), static_cast<char>('a' + Below(random, 26)));
  if (Below(random, 4) == 0) {
    message.clear();  // not strict: the name comes first
  }
  Append32(message, name.size());
  Append(message, name);
  message.resize(message.size() + 6 + Below(random, 400), 0x0b);
  return message;
}

ByteVector ThriftCompact(std::mt19937& random) {
  ByteVector message = {0x82, 0x21};
  for (uint32_t i = Below(random, 5); i > 0; --i) {
    message.push_back(static_cast<uint8_t>(0x80 | Below(random, 128)));
  }
  message.push_back(static_cast<uint8_t>(Below(random, 128)));
  message.push_back(4);
  Append(message, "ping");
  message.resize(message.size() + 1 + Below(random, 300), 0x18);
  return message;
}

ByteVector ThriftHeader(std::mt19937& random) {
  ByteVector message = {0x0f, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, static_cast<uint8_t>(2 * Below(random, 2)), 0, 0, 0};
  const ByteVector body = ThriftBinary(random);
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

ByteVector ThriftMessage(std::mt19937& random) {
  switch (Below(random, 3)) {
    case 0:
      return ThriftBinary(random);
    case 1:
      return ThriftCompact(random);
    default:
      return ThriftHeader(random);
  }
}

ByteVector Framed(const ByteVector& message, std::mt19937& random) {
  constexpr std::array<uint32_t, 5> kLengths = {0, 7, 0x00ffffff, 0x01000000, 0xffffffff};
  ByteVector frame;
  Append32(frame, Below(random, 30) == 0 ? kLengths.at(Below(random, kLengths.size())) : message.size());
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

ByteVector NotMirrored(std::mt19937& random) {
  constexpr std::array<std::string_view, 12> kStarts = {
      std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
      std::string_view("\x16\x02", 2),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /x HTTP/1.1\r\n",
      "GETX",
      "ls\r\n",
      "\r\n",
      "\xff\xfd\x01",
      std::string_view("\x00\x00\x00\x00", 4),
      "\xda",
      "\xda\xbb",
  };
  ByteVector bytes;
  Append(bytes, kStarts.at(Below(random, kStarts.size())));
  for (uint32_t i = Below(random, 200); i > 0; --i) {
    bytes.push_back(static_cast<uint8_t>(random()));
  }
  return bytes;
}

}  // namespace

Content RandomContent(std::mt19937& random) {
  Content content;
  const uint32_t kind = Below(random, 100);
  const uint32_t messages = 3 + Below(random, 18);
  for (uint32_t i = 0; i < messages; ++i) {
    ByteVector message;
    if (kind < 55) {
      message = DubboMessage(random);
    } else if (kind < 65) {
      message = Below(random, 5) == 0 ? DamagedDubbo(random) : DubboMessage(random);
    } else if (kind < 85) {
      message = Framed(ThriftMessage(random), random);
    } else if (kind < 92) {
      message = Below(random, 2) == 0 ? ThriftBinary(random) : ThriftCompact(random);
    } else {
      message = NotMirrored(random);
    }
    content.heads.push_back(content.bytes.size());
    content.bytes.insert(content.bytes.end(), message.begin(), message.end());
  }
  return content;
}

}  // namespace rpctee::test
