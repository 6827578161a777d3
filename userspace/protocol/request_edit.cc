#include "protocol/request_edit.h"

#include <algorithm>
#include <limits>

#include "base/big_endian.h"
#include "protocol/dubbo/attachments_place.h"
#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/thrift/envelope.h"
#include "protocol/thrift/info_pairs.h"

namespace rpctee::protocol {
namespace {

constexpr size_t kLengthBytes = 4;

constexpr size_t kDubboFlagsAt = 2;
constexpr uint8_t kTwoWayFlag = 0x40;
constexpr size_t kDubboLengthAt = 12;

constexpr size_t kThriftWordsAt = 12;
constexpr size_t kThriftWordsBytes = 2;
constexpr size_t kWordBytes = 4;
constexpr size_t kMostThriftWords = 16'383;
constexpr std::array<uint8_t, kWordBytes> kPadding = {};

size_t ReadBe32(Bytes bytes, size_t at) { return ByteReader(bytes.subspan(at)).Be32(); }

bool HasAny(RequestView& fields, const Additions& additions) {
  return std::any_of(additions.attachments().begin(), additions.attachments().end(), [&](const Attachment& one) {
    return fields.Field(one.key).status != FieldValue::Status::kAbsent;
  });
}

}  // namespace

void RequestEdit::Begin(Content protocol, Bytes frame, Request& request) {
  protocol_ = protocol;
  frame_ = frame;
  request_ = &request;
  count_ = 0;
  head_bytes_ = 0;
  if (protocol == Content::kDubbo && frame.size() >= dubbo::kHeaderBytes) {
    (void)AddToHead(frame.first(dubbo::kHeaderBytes));
    AddPiece(Bytes(head_).first(head_bytes_));
  }
  AddPiece(frame.subspan(head_bytes_));
}

bool RequestEdit::AddToHead(Bytes bytes) {
  if (bytes.size() > kMaxHeadBytes - head_bytes_) {
    return false;
  }
  std::copy(bytes.begin(), bytes.end(), head_.begin() + static_cast<std::ptrdiff_t>(head_bytes_));
  head_bytes_ += bytes.size();
  return true;
}

void RequestEdit::AddPiece(Bytes bytes) {
  if (!bytes.empty()) {
    pieces_[count_++] = bytes;
  }
}

void RequestEdit::AddPiece(std::string_view text) {
  AddPiece(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

bool RequestEdit::MakeOneway() {
  if (protocol_ != Content::kDubbo || head_bytes_ == 0) {
    return false;
  }
  head_[kDubboFlagsAt] &= static_cast<uint8_t>(~kTwoWayFlag);
  return true;
}

bool RequestEdit::Append(const Additions& additions) {
  if (additions.empty()) {
    return true;
  }
  if (frame_.size() > kMaxFrameBytes) {
    return false;
  }
  return protocol_ == Content::kDubbo ? AppendToDubbo(additions) : AppendToThrift(additions);
}

bool RequestEdit::AppendToDubbo(const Additions& additions) {
  const dubbo::AttachmentsPlace* const place = request_->PlaceForMore();
  if (head_bytes_ == 0 || place == nullptr || (place->keys_must_be_new && HasAny(request_->fields(), additions))) {
    return false;
  }
  const Bytes body = frame_.subspan(dubbo::kHeaderBytes);
  const Bytes written = additions.Written(place->style);
  const size_t more = place->before.size() + written.size() + place->after.size() - place->replaced;
  if (body.size() + more > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return false;
  }
  size_t from = 0;
  count_ = 1;
  if (place->number) {
    const bool is_bytes = place->number->counts == dubbo::GrowingNumber::Counts::kBytes;
    const size_t at = place->number->at;
    AddPiece(body.first(at));
    WriteBe(ReadBe32(body, at) + (is_bytes ? more : additions.attachments().size()), number_);
    AddPiece(Bytes(number_).first(kLengthBytes));
    from = at + kLengthBytes;
  }
  AddPiece(body.subspan(from, place->at - from));
  AddPiece(place->before);
  AddPiece(written);
  AddPiece(place->after);
  AddPiece(body.subspan(place->at + place->replaced));
  WriteBe(body.size() + more, std::span(head_).subspan(kDubboLengthAt, kLengthBytes));
  return true;
}

// Only a THeader has pairs. They stand in front of what the transforms are for, and are filled up to whole words.
bool RequestEdit::AppendToThrift(const Additions& additions) {
  const thrift::Envelope envelope = thrift::OpenEnvelope(frame_);
  if (envelope.wrapping != thrift::Wrapping::kHeader || envelope.transport.status != FrameStatus::kFrame ||
      envelope.frame_bytes != frame_.size()) {
    return false;
  }
  const Bytes info = envelope.transport.info;
  size_t pairs = additions.attachments().size();
  const auto end = thrift::ForEachPair(info, [&pairs](std::string_view, std::string_view) { ++pairs; });
  if (!end || pairs > thrift::kMaxInfoKeys) {
    return false;
  }
  static_assert(thrift::kMaxInfoKeys < 0x80, "a varint of one byte");
  const std::array block = {static_cast<uint8_t>(thrift::kInfoPairs),
                            static_cast<uint8_t>(additions.attachments().size())};
  const Bytes written = additions.Written(AttachmentStyle::kThriftInfo);
  const size_t message_at = envelope.transport.message_at;
  const size_t pairs_end = message_at - info.size() + *end;
  const size_t unpadded = pairs_end + block.size() + written.size() - thrift::kHeaderFixedBytes;
  const size_t words = (unpadded + kWordBytes - 1) / kWordBytes;
  const size_t message_header = envelope.is_hidden ? 0 : envelope.message.header_bytes;
  const size_t body_at = message_at + message_header;
  head_bytes_ = 0;
  if (words > kMostThriftWords || !AddToHead(frame_.first(pairs_end)) || !AddToHead(block) || !AddToHead(written) ||
      !AddToHead(Bytes(kPadding).first(words * kWordBytes - unpadded)) ||
      !AddToHead(frame_.subspan(message_at, message_header))) {
    return false;
  }
  WriteBe(head_bytes_ + frame_.size() - body_at - kLengthBytes, std::span(head_).first(kLengthBytes));
  WriteBe(words, std::span(head_).subspan(kThriftWordsAt, kThriftWordsBytes));
  count_ = 0;
  AddPiece(Bytes(head_).first(head_bytes_));
  AddPiece(frame_.subspan(body_at));
  return true;
}

}  // namespace rpctee::protocol
