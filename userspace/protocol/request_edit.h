// A request as its copy shall go out: with more attachments, or asking for no answer. As pieces of the original and of
// what was added, one after another; the body is neither decoded nor copied.
//
// One thread. Owns the few bytes that change; the pieces point to these, the frame and the additions, which must
// outlive the use of them. Made once and used for one request after another; never allocates.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/capture.h"
#include "protocol/additions.h"
#include "protocol/request.h"

namespace rpctee::protocol {

class RequestEdit {
 public:
  static constexpr size_t kMaxPieces = 8;
  // Longer requests are not edited: what is in front of the attachments has to be stepped over.
  static constexpr size_t kMaxFrameBytes = size_t{16} << 20;

  // `request` is the view of `frame`, one whole request. The pieces are the frame as it is. The first piece always
  // holds all that stands in front of the body: Dubbo's header; of Thrift the length, THeader and the message's header.
  void Begin(Content protocol, Bytes frame, Request& request);
  // False when the body has no place for them, or can't be read: nothing is changed then. Once for each Begin.
  bool Append(const Additions& additions);
  // The copy asks for no answer. False where that would change what the server does, which is with all but Dubbo.
  bool MakeOneway();

  std::span<const Bytes> pieces() const { return {pieces_.data(), count_}; }

 private:
  bool AppendToDubbo(const Additions& additions);
  bool AppendToThrift(const Additions& additions);
  void AddPiece(Bytes bytes);
  void AddPiece(std::string_view text);

  bool AddToHead(Bytes bytes);

  // The longest head of a message of Thrift that is written anew: THeader with all its pairs, and the message's header.
  static constexpr size_t kMaxHeadBytes = 4096;
  static constexpr size_t kNumberBytes = 4;

  Content protocol_ = Content::kDubbo;
  Bytes frame_;
  Request* request_ = nullptr;
  std::array<Bytes, kMaxPieces> pieces_;
  size_t count_ = 0;
  std::array<uint8_t, kMaxHeadBytes> head_;  // stands for the first bytes of the frame
  size_t head_bytes_ = 0;
  std::array<uint8_t, kNumberBytes> number_;
};

}  // namespace rpctee::protocol
