// A request as its copy goes out, for the tests of edits.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "protocol/request_edit.h"
#include "support/codec_kit.h"

namespace rpctee::test {

inline protocol::Additions MakeAdditions(const std::vector<protocol::Attachment>& attachments) {
  return protocol::Additions::Make(attachments).value();
}

inline Frame Joined(const protocol::RequestEdit& edit) {
  Frame joined;
  for (const Bytes piece : edit.pieces()) {
    joined.insert(joined.end(), piece.begin(), piece.end());
  }
  return joined;
}

// The frame with these attachments; nothing where they can't be added, and then the pieces are the frame as it was.
inline std::optional<Frame> Appended(const Frame& frame, const std::vector<protocol::Attachment>& attachments,
                                     Content protocol = Content::kDubbo) {
  protocol::Request request(protocol, frame);
  const protocol::Additions additions = MakeAdditions(attachments);
  protocol::RequestEdit edit;
  edit.Begin(protocol, frame, request);
  const bool done = edit.Append(additions);
  EXPECT_LE(edit.pieces().size(), protocol::RequestEdit::kMaxPieces);
  const Frame joined = Joined(edit);
  if (!done) {
    EXPECT_EQ(joined, frame);
    return std::nullopt;
  }
  return joined;
}

// How many bytes both begin with, and how many they end with.
inline size_t CommonPrefix(const Frame& one, const Frame& other, size_t from = 0) {
  size_t at = from;
  while (at < std::min(one.size(), other.size()) && one[at] == other[at]) {
    ++at;
  }
  return at;
}

}  // namespace rpctee::test
