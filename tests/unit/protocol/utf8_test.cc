#include "protocol/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace rpctee::protocol {
namespace {

// The code point in as many bytes as asked for, whether that is allowed or not.
std::string Written(uint32_t code, size_t bytes) {
  constexpr uint8_t kLeads[] = {0, 0, 0xc0, 0xe0, 0xf0, 0xf8};
  if (bytes == 1) {
    return {static_cast<char>(code)};
  }
  std::string text(bytes, '\0');
  for (size_t i = bytes; i-- > 1; code >>= 6) {
    text[i] = static_cast<char>(0x80 | (code & 0x3f));
  }
  text[0] = static_cast<char>(kLeads[bytes] | code);
  return text;
}

size_t FewestBytes(uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

TEST(Ascii, OneByteAbove7fIsSeenWhereverItStands) {
  for (size_t size = 0; size <= 40; ++size) {
    std::string text(size, '\x7f');
    EXPECT_TRUE(IsAscii(text)) << size;
    for (char& byte : text) {
      byte = '\x80';
      EXPECT_FALSE(IsAscii(text)) << size;
      byte = '\x7f';
    }
  }
}

TEST(Utf8, EveryCodePointInItsShortestFormIsTextUnlessItIsASurrogate) {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    const bool is_surrogate = code >= 0xd800 && code < 0xe000;
    ASSERT_EQ(IsUtf8(Written(code, FewestBytes(code))), !is_surrogate) << std::hex << code;
  }
}

TEST(Utf8, CodePointsAboveTheLastAreNot) {
  for (uint32_t code = 0x110000; code < 0x200000; ++code) {
    ASSERT_FALSE(IsUtf8(Written(code, 4))) << std::hex << code;
  }
  EXPECT_FALSE(IsUtf8(Written(0x200000, 5)));
}

TEST(Utf8, LongerFormsThanNeededAreNot) {
  for (uint32_t code = 0; code < 0x10000; ++code) {
    for (size_t bytes = FewestBytes(code) + 1; bytes <= 4; ++bytes) {
      ASSERT_FALSE(IsUtf8(Written(code, bytes))) << std::hex << code << " in " << bytes;
    }
  }
}

TEST(Utf8, CharacterCutShortOrWithoutItsLeadIsNot) {
  for (const std::string& character : {Written(0xe9, 2), Written(0x4e16, 3), Written(0x1f600, 4)}) {
    for (size_t bytes = 1; bytes < character.size(); ++bytes) {
      EXPECT_FALSE(IsUtf8("a" + character.substr(0, bytes)));
      EXPECT_FALSE(IsUtf8(character.substr(0, bytes) + "abc"));
      EXPECT_FALSE(IsUtf8(character.substr(bytes)));
    }
    EXPECT_TRUE(IsUtf8("a" + character + "b" + character));
  }
  EXPECT_TRUE(IsUtf8(""));
}

}  // namespace
}  // namespace rpctee::protocol
