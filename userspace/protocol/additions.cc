#include "protocol/additions.h"

#include <algorithm>
#include <string_view>

#include "base/big_endian.h"
#include "protocol/thrift/varint.h"
#include "protocol/utf8.h"

namespace rpctee::protocol {
namespace {

using Out = std::vector<uint8_t>;

void Add(std::string_view text, Out& out) { out.insert(out.end(), text.begin(), text.end()); }

void AddBigEndian(size_t value, size_t bytes, Out& out) {
  out.resize(out.size() + bytes);
  WriteBe(value, std::span(out).last(bytes));
}

// Each UTF-16 unit by itself: characters of four bytes become two of three.
struct Units {
  Out bytes;
  size_t count = 0;
};

void AddUnit(uint32_t unit, Units& units) {
  units.bytes.insert(units.bytes.end(),
                     {static_cast<uint8_t>(0xe0 | unit >> 12), static_cast<uint8_t>(0x80 | (unit >> 6 & 0x3f)),
                      static_cast<uint8_t>(0x80 | (unit & 0x3f))});
}

// `text` is valid UTF-8.
Units ToUnits(std::string_view text) {
  Units units;
  for (size_t at = 0; at < text.size();) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[at + i])); };
    const uint32_t lead = byte(0);
    if (lead >= 0xf0) {
      const uint32_t character =
          (lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
      AddUnit(0xd800 + ((character - 0x10000) >> 10), units);
      AddUnit(0xdc00 + ((character - 0x10000) & 0x3ff), units);
      units.count += 2;
      at += 4;
      continue;
    }
    const size_t bytes = lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    Add(text.substr(at, bytes), units.bytes);
    ++units.count;
    at += bytes;
  }
  return units;
}

// Dubbo's hessian-lite: short forms up to 1023 units. kMaxTextBytes is far from where chunks begin.
void AddHessian2(std::string_view text, Out& out) {
  const Units units = ToUnits(text);
  if (units.count < 0x20) {
    out.push_back(static_cast<uint8_t>(units.count));
  } else if (units.count < 0x400) {
    out.push_back(static_cast<uint8_t>(0x30 + (units.count >> 8)));
    out.push_back(static_cast<uint8_t>(units.count));
  } else {
    out.push_back('S');
    AddBigEndian(units.count, 2, out);
  }
  out.insert(out.end(), units.bytes.begin(), units.bytes.end());
}

void AddJson(std::string_view text, Out& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(static_cast<uint8_t>(c));
  }
  out.push_back('"');
}

// fastjson2: the short forms of integers of 8, 12 and 19 bits.
void AddJsonbLength(size_t length, Out& out) {
  if (length <= 0x2f) {
    out.push_back(static_cast<uint8_t>(length));
  } else if (length <= 0x7ff) {
    AddBigEndian(0x3800 + length, 2, out);
  } else {
    AddBigEndian(0x440000 + length, 3, out);
  }
}

void AddJsonb(std::string_view text, Out& out) {
  constexpr size_t kLongestShort = 47;
  const bool is_ascii = IsAscii(text);
  if (is_ascii && text.size() <= kLongestShort) {
    out.push_back(static_cast<uint8_t>(0x49 + text.size()));
  } else {
    out.push_back(is_ascii ? 0x79 : 0x7a);
    AddJsonbLength(text.size(), out);
  }
  Add(text, out);
}

void AddJava(std::string_view text, Out& out) {
  const Units units = ToUnits(text);
  out.push_back(0x74);
  AddBigEndian(units.bytes.size(), 2, out);
  out.insert(out.end(), units.bytes.begin(), units.bytes.end());
}

void AddThriftInfo(std::string_view text, Out& out) {
  const auto length = static_cast<uint32_t>(text.size());
  const size_t length_bytes = thrift::VarintBytes(length);
  out.resize(out.size() + length_bytes);
  thrift::WriteVarint(length, std::span(out).last(length_bytes));
  Add(text, out);
}

Out WriteAll(AttachmentStyle style, std::span<const Attachment> attachments) {
  Out out;
  for (const Attachment& attachment : attachments) {
    if (style == AttachmentStyle::kJson && !out.empty()) {
      out.push_back(',');
    }
    for (const std::string_view text : {std::string_view(attachment.key), std::string_view(attachment.value)}) {
      switch (style) {
        case AttachmentStyle::kHessian2:
          AddHessian2(text, out);
          break;
        case AttachmentStyle::kJson:
          AddJson(text, out);
          if (text.data() == attachment.key.data()) {
            out.push_back(':');
          }
          break;
        case AttachmentStyle::kJsonb:
          AddJsonb(text, out);
          break;
        case AttachmentStyle::kJava:
          AddJava(text, out);
          break;
        case AttachmentStyle::kThriftInfo:
          AddThriftInfo(text, out);
          break;
        case AttachmentStyle::kCount:
          break;
      }
    }
  }
  return out;
}

}  // namespace

std::string Additions::CheckValue(std::string_view value) {
  if (value.size() > kMaxTextBytes) {
    return "is longer than " + std::to_string(kMaxTextBytes) + " bytes";
  }
  const auto is_control = [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; };
  if (!IsUtf8(value) || std::any_of(value.begin(), value.end(), is_control)) {
    return "is not plain text in UTF-8";
  }
  return {};
}

std::string Additions::CheckKey(std::string_view key) { return key.empty() ? "is empty" : CheckValue(key); }

Result<Additions> Additions::Make(const std::vector<Attachment>& attachments) {
  Additions additions;
  for (const Attachment& attachment : attachments) {
    for (const auto& [what, wrong] :
         {std::pair("name", CheckKey(attachment.key)), std::pair("value", CheckValue(attachment.value))}) {
      if (!wrong.empty()) {
        return Fail("attachment \"" + attachment.key.substr(0, 64) + "\": its " + what + " " + wrong);
      }
    }
    std::erase_if(additions.attachments_, [&](const Attachment& earlier) { return earlier.key == attachment.key; });
    additions.attachments_.push_back(attachment);
  }
  if (additions.attachments_.size() > kMaxEntries) {
    return Fail("more than " + std::to_string(kMaxEntries) + " attachments to add");
  }
  for (size_t style = 0; style < additions.written_.size(); ++style) {
    additions.written_[style] = WriteAll(static_cast<AttachmentStyle>(style), additions.attachments_);
  }
  return additions;
}

}  // namespace rpctee::protocol
