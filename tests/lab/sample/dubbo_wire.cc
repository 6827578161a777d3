#include "dubbo_wire.h"

#include <algorithm>

namespace rpctee::sample {
namespace {

constexpr uint8_t kFlagRequest = 0x80;
constexpr uint8_t kFlagTwoWay = 0x40;
constexpr uint8_t kFlagEvent = 0x20;
constexpr uint8_t kSerializationMask = 0x1f;
constexpr size_t kMaxChunkUnits = 0x8000;
constexpr std::string_view kDubboVersion = "2.0.2";
constexpr std::string_view kOneString = "Ljava/lang/String;";
constexpr std::string_view kOneObject = "Ljava/lang/Object;";
constexpr uint8_t kNull = 'N';
constexpr uint8_t kMapBegin = 'H';
constexpr uint8_t kMapEnd = 'Z';
constexpr uint8_t kValue = 0x91;                 // the int 1
constexpr uint8_t kValueWithAttachments = 0x94;  // the int 4

void AppendByte(std::string& out, size_t value) { out.push_back(static_cast<char>(value & 0xff)); }

void PutBe32(std::string& out, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) {
    out[at + i] = static_cast<char>(value >> (24 - 8 * i));
  }
}

// Bytes of one UTF-16 unit as Hessian2 writes it, by its first byte; 0 when no unit starts so.
size_t UnitBytes(uint8_t first) {
  if (first < 0x80) {
    return 1;
  }
  if ((first & 0xe0) == 0xc0) {
    return 2;
  }
  return (first & 0xf0) == 0xe0 ? 3 : 0;
}

bool AppendUnits(ByteReader& reader, size_t units, std::string& text) {
  for (size_t i = 0; i < units; ++i) {
    const size_t bytes = UnitBytes(reader.Peek());
    if (reader.failed() || bytes == 0) {
      return false;
    }
    text += AsText(reader.Take(bytes));
  }
  return !reader.failed();
}

// Plain ASCII, nearly always: one copy instead of a walk over units.
bool AppendChunk(ByteReader& reader, size_t units, std::string& text) {
  ByteReader ahead = reader;
  const Bytes plain = ahead.Take(units);
  if (!ahead.failed() && std::none_of(plain.begin(), plain.end(), [](uint8_t byte) { return byte >= 0x80; })) {
    text += AsText(plain);
    reader = ahead;
    return true;
  }
  return AppendUnits(reader, units, text);
}

void AppendMap(std::string& out, const Attachments& attachments) {
  AppendByte(out, kMapBegin);
  for (const auto& [key, value] : attachments) {
    AppendString(out, key);
    AppendString(out, value);
  }
  AppendByte(out, kMapEnd);
}

bool ReadStringOrNull(ByteReader& reader, std::string& text) {
  if (reader.Peek() == kNull) {
    text.clear();
    reader.Skip(1);
    return true;
  }
  return ReadString(reader, text);
}

}  // namespace

std::optional<FrameHeader> ReadHeader(Bytes bytes) {
  ByteReader reader(bytes);
  if (reader.Be16() != 0xdabb) {
    return std::nullopt;
  }
  const uint8_t flags = reader.U8();
  FrameHeader header;
  header.request = (flags & kFlagRequest) != 0;
  header.two_way = (flags & kFlagTwoWay) != 0;
  header.event = (flags & kFlagEvent) != 0;
  header.serialization = flags & kSerializationMask;
  header.status = reader.U8();
  header.id = reader.Be64();
  header.body_bytes = reader.Be32();
  if (reader.failed() || header.body_bytes > kMaxBodyBytes) {
    return std::nullopt;
  }
  return header;
}

size_t BeginFrame(std::string& out, const FrameHeader& header) {
  const size_t begin = out.size();
  AppendByte(out, 0xda);
  AppendByte(out, 0xbb);
  const int flags = (header.request ? kFlagRequest : 0) | (header.two_way ? kFlagTwoWay : 0) |
                    (header.event ? kFlagEvent : 0) | header.serialization;
  AppendByte(out, static_cast<size_t>(flags));
  AppendByte(out, header.status);
  for (int shift = 56; shift >= 0; shift -= 8) {
    AppendByte(out, header.id >> shift);
  }
  out.append(4, '\0');
  return begin;
}

void EndFrame(std::string& out, size_t begin) {
  PutBe32(out, begin + 12, static_cast<uint32_t>(out.size() - begin - kHeaderBytes));
}

void AppendString(std::string& out, std::string_view text) {
  size_t units = static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
  while (units > kMaxChunkUnits) {
    size_t end = 0;
    for (size_t i = 0; i < kMaxChunkUnits; ++i) {
      end += std::max<size_t>(1, UnitBytes(static_cast<uint8_t>(text[end])));
    }
    AppendByte(out, 'R');
    AppendByte(out, kMaxChunkUnits >> 8);
    AppendByte(out, kMaxChunkUnits);
    out += text.substr(0, end);
    text.remove_prefix(end);
    units -= kMaxChunkUnits;
  }
  if (units < 32) {
    AppendByte(out, units);
  } else if (units < 1024) {
    AppendByte(out, 0x30 + (units >> 8));
    AppendByte(out, units);
  } else {
    AppendByte(out, 'S');
    AppendByte(out, units >> 8);
    AppendByte(out, units);
  }
  out += text;
}

bool ReadString(ByteReader& reader, std::string& text) {
  text.clear();
  for (;;) {
    const uint8_t code = reader.U8();
    if (reader.failed()) {
      return false;
    }
    if (code < 0x20) {
      return AppendChunk(reader, code, text);
    }
    if (code >= 0x30 && code <= 0x33) {
      return AppendChunk(reader, (code - 0x30U) * 256U + reader.U8(), text);
    }
    if (code != 'R' && code != 'S') {
      return false;
    }
    if (!AppendChunk(reader, reader.Be16(), text)) {
      return false;
    }
    if (code == 'S') {
      return true;
    }
  }
}

std::string CallPrefix(std::string_view interface_name, std::string_view version, std::string_view method) {
  std::string out;
  AppendString(out, kDubboVersion);
  AppendString(out, interface_name);
  AppendString(out, version);
  AppendString(out, method);
  AppendString(out, method == "$echo" ? kOneObject : kOneString);
  return out;
}

std::string CallSuffix(const Attachments& attachments) {
  std::string out;
  AppendMap(out, attachments);
  return out;
}

bool ReadCall(Bytes body, Call& call) {
  ByteReader reader(body);
  std::string dubbo_version;
  std::string descriptor;
  if (!ReadStringOrNull(reader, dubbo_version) || !ReadStringOrNull(reader, call.interface_name) ||
      !ReadStringOrNull(reader, call.version) || !ReadStringOrNull(reader, call.method) ||
      !ReadStringOrNull(reader, descriptor)) {
    return false;
  }
  if (descriptor != kOneString && descriptor != kOneObject) {
    call.argument.clear();
    return true;
  }
  return ReadStringOrNull(reader, call.argument);
}

void AppendAnswer(std::string& out, std::string_view text) {
  AppendByte(out, kValueWithAttachments);
  AppendString(out, text);
  AppendMap(out, {{"dubbo", std::string(kDubboVersion)}});
}

bool ReadAnswer(Bytes body, std::string& text) {
  ByteReader reader(body);
  const uint8_t flag = reader.U8();
  return (flag == kValue || flag == kValueWithAttachments) && ReadString(reader, text);
}

}  // namespace rpctee::sample
