// What decoding asks of the heap: nothing where the text stands in the body as it is, and never more than a fixed
// amount beyond the body.
#include <gtest/gtest.h>

#include "protocol/dubbo/dubbo_request.h"
#include "protocol/request_edit.h"
#include "support/counted_heap.h"
#include "unit/protocol/dubbo_calls.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::Frame;
using test::Hessian2;

// Entries of the table of attachments, twice for its growth, and text that was made.
constexpr size_t kFixedBytes = 384 * 1024;

size_t BytesToRead(Bytes frame, const std::vector<std::string>& names) {
  const size_t before = rpctee::test::HeapBytesAskedFor();
  DubboRequest request(frame);
  for (const std::string& name : names) {
    (void)request.Field(name);
  }
  return rpctee::test::HeapBytesAskedFor() - before;
}

TEST(DubboAllocation, TextThatStandsInTheBodyCostsNothing) {
  const std::vector<std::string> names = {"interface", "method", "version", "path", "trace-id", "group"};
  for (const char* name : {"dubbo2723/hessian2_rich", "dubbo3216/hessian2_say_hello", "dubbo2723/fastjson_rich",
                           "dubbo3216/fastjson2_rich"}) {
    EXPECT_EQ(BytesToRead(test::RealFrame(name), names), 0U) << name;
  }
}

TEST(DubboAllocation, AddingAttachmentsCostsNothing) {
  const Additions additions = Additions::Make({{"rpctee-mirror", "node-1"}, {"stage", "shadow"}}).value();
  RequestEdit edit;
  for (const char* name : {"dubbo2723/hessian2_rich", "dubbo3216/hessian2_say_hello", "dubbo2723/fastjson_rich",
                           "dubbo3216/fastjson2_rich", "dubbo2723/nativejava_say_hello"}) {
    const Frame frame = test::RealFrame(name);
    const size_t before = rpctee::test::HeapBytesAskedFor();
    Request request(Content::kDubbo, frame);
    edit.Begin(Content::kDubbo, frame, request);
    EXPECT_TRUE(edit.Append(additions)) << name;
    EXPECT_EQ(rpctee::test::HeapBytesAskedFor(), before) << name;
  }
}

TEST(DubboAllocation, NoCallCostsMuchMoreThanItsText) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : test::FieldsOf(written, call)) {
      names.push_back(name);
    }
    EXPECT_LE(BytesToRead(frame, names), 2 * frame.size());
  });
}

// As many attachments as there may be, all of them to be converted, and their text as long as it may be in all.
TEST(DubboAllocation, HostileAttachmentsCostAFixedAmount) {
  Hessian2 message = Hessian2().Prefix("hi", "").Raw("48");
  std::vector<std::string> names;
  for (size_t i = 0; i < DecodedBody::kMaxAttachments; ++i) {
    names.push_back("k" + std::to_string(i));
    message.String(names.back()).Chunk("").String(std::string(200, 'x'));
  }
  const Frame frame = message.Raw("5a").Request();
  EXPECT_LE(BytesToRead(frame, names), frame.size() + kFixedBytes);
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
