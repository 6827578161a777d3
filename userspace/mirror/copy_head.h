// The head of a copy: what it speaks, and where its id stands.
//
// Any thread; owns nothing. A connection carries one wire only, since a Thrift server speaks one on a connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mirror/copy.h"

namespace rpctee::mirror {

enum class Wire : uint8_t {
  kDubbo,
  kFramedBinary,
  kFramedOldBinary,  // without a version in front, as the first Thrift wrote it
  kFramedCompact,
  kHeaderBinary,
  kHeaderCompact,
  kHeaderHidden,  // the THeader's transforms hide the message, and with it the id
  kUnframedBinary,
  kUnframedCompact,
};
inline constexpr size_t kWires = 9;

// Answers on this wire carry no id that we chose, and are matched in the order of the requests.
inline bool IsOrdered(Wire wire) { return wire == Wire::kHeaderHidden; }

std::string_view ProtocolName(Wire wire);

// Ids on this wire have so many bits at most. Thrift's are signed numbers of 32 bits.
inline unsigned IdBits(Wire wire) { return wire == Wire::kDubbo ? 52 : 31; }

struct CopyHead {
  Wire wire = Wire::kDubbo;
  size_t bytes = 0;     // of the whole copy, as it was given
  size_t id_at = 0;     // of the message's id; not for kHeaderHidden
  size_t id_bytes = 0;  // 0: hidden
};

// Nothing when the pieces are not one whole request. Where an unframed message ends is not looked for.
std::optional<CopyHead> ReadHead(const Copy& copy);

// How long the copy is with this id.
size_t BytesWithId(const CopyHead& head, uint64_t id);

// Writes the copy with this id. `out` has BytesWithId bytes.
void WriteCopy(const Copy& copy, const CopyHead& head, uint64_t id, std::span<uint8_t> out);

}  // namespace rpctee::mirror
