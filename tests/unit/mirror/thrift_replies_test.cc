// The replies of Thrift servers: where they end, what they say, what is refused.
#include "mirror/thrift_replies.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "frames.h"
#include "mirror/copy_head.h"
#include "mirror/reply_reader.h"
#include "support/thrift_frames.h"
#include "unit/protocol/thrift_bytes.h"

namespace rpctee::mirror {
namespace {

using test::ThriftBytes;
using test::ThriftFrame;
using test::ThriftType;

constexpr uint8_t kReply = 2;
constexpr uint8_t kException = 3;

struct Seen {
  uint64_t id;
  Verdict verdict;
  bool operator==(const Seen&) const = default;
};

class Recorder final : public ReplySink {
 public:
  void OnAnswer(const Answer& answer) override { seen.push_back({answer.id, answer.verdict}); }
  void OnMessage(const protocol::FrameHeader& header, Bytes) override {
    EXPECT_EQ(header.kind, protocol::MessageKind::kRequest);
    ++calls;
  }
  std::vector<Seen> seen;
  size_t calls = 0;
};

// A reply whose result has one string, in this field; 0 = what the method returns.
ByteVector Result(bool compact, uint32_t id, uint16_t field, size_t bytes = 10) {
  ThriftBytes reply(compact);
  reply.Header("say", kReply, id);
  if (compact && field == 0) {
    reply.Raw("0800");  // an id that is no larger than the one before stands for itself
  } else {
    reply.Field(ThriftType::kString, field, 0);
  }
  return reply.Text(std::string(bytes, 'x')).Raw("00").bytes();
}
ByteVector Nothing(bool compact, uint32_t id) {
  return ThriftBytes(compact).Header("ping", kReply, id).Raw("00").bytes();
}
ByteVector ServerException(bool compact, uint32_t id) {
  ThriftBytes reply(compact);
  return reply.Header("say", kException, id).Field(ThriftType::kString, 1, 0).Text("no").Raw("00").bytes();
}

ByteVector Packed(const ByteVector& message) {
  ByteVector packed(compressBound(message.size()));
  uLongf bytes = packed.size();
  EXPECT_EQ(compress(packed.data(), &bytes, message.data(), message.size()), Z_OK);
  packed.resize(bytes);
  return packed;
}
// Behind a THeader with one transform (1 = zlib).
ByteVector Transformed(uint32_t id, uint8_t transform, const ByteVector& payload) {
  ThriftBytes header;
  header.Raw("0fff0000").Number(id, 4).Raw("00010001").Byte(transform).Byte(0).Append(payload);
  return ThriftFrame(header.bytes());
}

std::vector<Seen> ReadAll(Wire wire, const ByteVector& stream, size_t step = SIZE_MAX) {
  ReplyReader reader(wire);
  Recorder recorder;
  for (size_t at = 0; at < stream.size(); at += std::min(step, stream.size() - at)) {
    EXPECT_TRUE(reader.Read(Bytes(stream).subspan(at, std::min(step, stream.size() - at)), {}, recorder))
        << reader.error();
  }
  return recorder.seen;
}

struct Form {
  Wire wire;
  std::function<ByteVector(uint32_t id, const ByteVector& message)> wrap;
  bool compact;
};

std::vector<Form> Forms() {
  const auto bare = [](uint32_t, const ByteVector& message) { return message; };
  const auto framed = [](uint32_t, const ByteVector& message) { return ThriftFrame(message); };
  const auto with_header = [](uint32_t id, const ByteVector& message) {
    return ThriftFrame(test::ThriftHeader(id, message));
  };
  const auto with_header_compact = [](uint32_t id, const ByteVector& message) {
    ByteVector header = test::ThriftHeader(id, message);
    header[10] = 2;
    return ThriftFrame(header);
  };
  return {{Wire::kFramedBinary, framed, false},      {Wire::kFramedCompact, framed, true},
          {Wire::kHeaderBinary, with_header, false}, {Wire::kHeaderCompact, with_header_compact, true},
          {Wire::kUnframedBinary, bare, false},      {Wire::kUnframedCompact, bare, true}};
}

TEST(ThriftReplies, AnswersExceptionsAndErrorsAreToldApartInEveryForm) {
  for (const Form& form : Forms()) {
    ByteVector stream;
    stream += form.wrap(1, Result(form.compact, 1, 0));
    stream += form.wrap(2, Result(form.compact, 2, 1));
    stream += form.wrap(3, Nothing(form.compact, 3));
    stream += form.wrap(4, ServerException(form.compact, 4));
    stream += form.wrap(0x7ffffff1, Result(form.compact, 0x7ffffff1, 300, 100'000));
    const std::vector<Seen> expected = {{1, Verdict::kOk},
                                        {2, Verdict::kException},
                                        {3, Verdict::kOk},
                                        {4, Verdict::kError},
                                        {0x7ffffff1, Verdict::kException}};
    for (const size_t step : {size_t{1}, size_t{3}, size_t{511}, SIZE_MAX}) {
      EXPECT_EQ(ReadAll(form.wire, stream, step), expected) << static_cast<int>(form.wire) << " by " << step;
    }
  }
}

TEST(ThriftReplies, WhatAServerThatIsNotStrictAnswersIsRead) {
  ByteVector old = test::ThriftOldBinary(5, "say", {});
  old[7] = kReply;
  EXPECT_EQ(ReadAll(Wire::kFramedOldBinary, ThriftFrame(old)), (std::vector<Seen>{{5, Verdict::kException}}));
}

TEST(ThriftReplies, APackedReplyIsLookedInto) {
  ByteVector stream;
  stream += Transformed(7, 1, Packed(Result(false, 9, 0, 5000)));
  stream += Transformed(8, 1, Packed(Result(false, 9, 2)));
  stream += Transformed(9, 1, Packed(ServerException(false, 9)));
  EXPECT_EQ(ReadAll(Wire::kHeaderHidden, stream),
            (std::vector<Seen>{{7, Verdict::kOk}, {8, Verdict::kException}, {9, Verdict::kError}}));
}

TEST(ThriftReplies, AReplyThatCannotBeReadCountsAsAnAnswer) {
  EXPECT_EQ(ReadAll(Wire::kHeaderHidden, Transformed(7, 3, ByteVector(20, 'x'))),
            (std::vector<Seen>{{7, Verdict::kOk}}));
}

TEST(ThriftReplies, CallsOfTheMirrorAreNoAnswers) {
  ReplyReader reader(Wire::kFramedBinary);
  Recorder recorder;
  EXPECT_TRUE(reader.Read(ThriftFrame(test::ThriftBinary(1, "back", {})), {}, recorder));
  EXPECT_EQ(recorder.calls, 1U);
  EXPECT_TRUE(recorder.seen.empty());
}

TEST(ThriftReplies, WhatIsNoMessageIsRefusedWithAReason) {
  const std::string http = "HTTP/1.1 400 Bad Request\r\n\r\n";
  const ByteVector text(http.begin(), http.end());
  ByteVector bad_type = Result(false, 1, 0);
  bad_type[3] = 9;
  for (const auto& [wire, stream] :
       std::vector<std::pair<Wire, ByteVector>>{{Wire::kFramedBinary, text},
                                                {Wire::kUnframedBinary, text},
                                                {Wire::kUnframedCompact, text},
                                                {Wire::kHeaderBinary, ByteVector(4)},
                                                {Wire::kFramedBinary, ByteVector{0xff, 0xff, 0xff, 0xff}},
                                                {Wire::kFramedCompact, ThriftFrame(ByteVector{1, 2, 3})},
                                                {Wire::kFramedBinary, ThriftFrame(bad_type)},
                                                {Wire::kUnframedBinary, bad_type}}) {
    ReplyReader reader(wire);
    Recorder recorder;
    EXPECT_FALSE(reader.Read(stream, {}, recorder));
    EXPECT_FALSE(reader.error().empty());
  }
}

}  // namespace
}  // namespace rpctee::mirror
