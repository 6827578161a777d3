// What holds of any Dubbo request that takes one more attachment: it says what it said before, and that; and its bytes
// are those of the original in their order, but for the header, one number and a null.
#pragma once

#include "fuzz/dubbo_request_check.h"
#include "protocol/request_edit.h"

namespace rpctee::fuzz {

inline void CheckPieces(std::span<const Bytes> pieces, const std::vector<uint8_t>& frame) {
  constexpr size_t kMostRewritten = dubbo::kHeaderBytes + sizeof(uint32_t) + sizeof("null") - 1;
  size_t behind = 0;
  size_t kept = 0;
  for (const Bytes piece : pieces) {
    if (piece.data() >= frame.data() && piece.data() < frame.data() + frame.size()) {
      const auto at = static_cast<size_t>(piece.data() - frame.data());
      Require(at >= behind, "the bytes of the original stay in order");
      behind = at + piece.size();
      kept += piece.size();
    }
  }
  Require(kept + kMostRewritten >= frame.size(), "the bytes of the original are all there");
}

inline void CheckDubboEdit(const std::vector<uint8_t>& frame) {
  using Status = protocol::FieldValue::Status;
  static const protocol::Additions additions = protocol::Additions::Make({{"rpctee-mirror", "node-1"}}).value();
  protocol::Request request(Content::kDubbo, frame);
  protocol::RequestEdit edit;
  edit.Begin(Content::kDubbo, frame, request);
  if (!edit.Append(additions)) {
    Require(edit.pieces().size() <= 2, "what can't be edited stays as it is");
    return;
  }
  CheckPieces(edit.pieces(), frame);
  std::vector<uint8_t> edited;
  for (const Bytes piece : edit.pieces()) {
    edited.insert(edited.end(), piece.begin(), piece.end());
  }
  Require(dubbo::ParseHeader(edited).frame_bytes == edited.size(), "the header tells the new length");
  dubbo::DubboRequest before(frame);
  dubbo::DubboRequest after(edited);
  for (const char* name : {"interface", "method", "version", "group", "path", "timeout", "a", ""}) {
    const DubboAnswer answer = AskDubbo(before, name);
    Require(answer.status == Status::kUndecodable || AskDubbo(after, name) == answer, "all else stays as it was");
  }
  Require(AskDubbo(after, "rpctee-mirror") == DubboAnswer{Status::kPresent, "node-1"}, "the new attachment is there");
}

// One input of a fuzz target.
inline void FuzzDubboBody(Bytes input, std::initializer_list<uint8_t> serializations) {
  if (input.size() >= dubbo::kHeaderBytes && input.size() <= dubbo::DecodedBody::kMaxOwnedBytes / 4) {
    CheckDubboEdit(DubboRequestOf(input, serializations));
  }
  FuzzDubboRequest(input, serializations);
}

}  // namespace rpctee::fuzz
