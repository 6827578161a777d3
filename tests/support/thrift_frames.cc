#include "support/thrift_frames.h"

namespace rpctee::test {
namespace {

void Append(std::vector<uint8_t>& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void Append(std::vector<uint8_t>& out, const std::string& text) { out.insert(out.end(), text.begin(), text.end()); }

void AppendBe32(std::vector<uint8_t>& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}

void AppendVarint(std::vector<uint8_t>& out, uint32_t value) {
  for (; value > 0x7f; value >>= 7) {
    out.push_back(static_cast<uint8_t>(value | 0x80));
  }
  out.push_back(static_cast<uint8_t>(value));
}

// Field 1, a string, and the end of the arguments.
void AppendBinaryArgument(std::vector<uint8_t>& out, Bytes argument) {
  Append(out, Bytes(std::vector<uint8_t>{0x0b, 0x00, 0x01}));
  AppendBe32(out, static_cast<uint32_t>(argument.size()));
  Append(out, argument);
  out.push_back(0);
}

}  // namespace

std::vector<uint8_t> ThriftBinary(uint32_t sequence_id, const std::string& method, Bytes argument) {
  std::vector<uint8_t> message = {0x80, 0x01, 0x00, 0x01};
  AppendBe32(message, static_cast<uint32_t>(method.size()));
  Append(message, method);
  AppendBe32(message, sequence_id);
  AppendBinaryArgument(message, argument);
  return message;
}

std::vector<uint8_t> ThriftOldBinary(uint32_t sequence_id, const std::string& method, Bytes argument) {
  std::vector<uint8_t> message;
  AppendBe32(message, static_cast<uint32_t>(method.size()));
  Append(message, method);
  message.push_back(1);
  AppendBe32(message, sequence_id);
  AppendBinaryArgument(message, argument);
  return message;
}

std::vector<uint8_t> ThriftCompact(uint32_t sequence_id, const std::string& method, Bytes argument) {
  std::vector<uint8_t> message = {0x82, 0x21};
  AppendVarint(message, sequence_id);
  AppendVarint(message, static_cast<uint32_t>(method.size()));
  Append(message, method);
  message.push_back(0x18);
  AppendVarint(message, static_cast<uint32_t>(argument.size()));
  Append(message, argument);
  message.push_back(0);
  return message;
}

std::vector<uint8_t> ThriftHeader(uint32_t sequence_id, Bytes message) {
  std::vector<uint8_t> framed = {0x0f, 0xff, 0x00, 0x00};
  AppendBe32(framed, sequence_id);
  Append(framed, Bytes(std::vector<uint8_t>{0x00, 0x01, 0x00, 0x00, 0x00, 0x00}));
  Append(framed, message);
  return framed;
}

std::vector<uint8_t> ThriftFrame(Bytes message) {
  std::vector<uint8_t> frame;
  AppendBe32(frame, static_cast<uint32_t>(message.size()));
  Append(frame, message);
  return frame;
}

}  // namespace rpctee::test
