// The same calls in every serialization, written by Apache Dubbo itself: data/make says how.
#include <gtest/gtest.h>

#include "protocol/dubbo/dubbo_request.h"
#include "unit/protocol/dubbo_calls.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::Frame;
using Status = FieldValue::Status;

std::unique_ptr<RequestView> MakeView(Bytes frame) { return std::make_unique<DubboRequest>(frame); }

TEST(DubboSerializations, EveryCallIsReadAsItWasMade) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    DubboRequest request(frame);
    test::ExpectFields(request, test::FieldsOf(written, call));
    EXPECT_EQ(request.WireMethod().value, call.wire_method);
    EXPECT_EQ(request.Descriptor().status, Status::kPresent);
    EXPECT_EQ(request.Descriptor().value, call.descriptor);
  });
}

TEST(DubboSerializations, CutShortACallIsReadTheSameOrNotAtAll) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    test::ExpectTruncatedRequestNeverLies(MakeView, frame, test::FieldsOf(written, call));
  });
}

TEST(DubboSerializations, ChangedBytesAreOrdinaryInput) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    test::ExpectChangedRequestIsOrdinaryInput(MakeView, frame, test::FieldsOf(written, call), 16, 1000);
  });
}

TEST(DubboSerializations, WhatIsNeitherTextNorNumberIsUndecodable) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    if (call.attachments.contains("count")) {
      DubboRequest request(frame);
      EXPECT_EQ(request.Field("list").status, Status::kUndecodable);
      for (const std::string& name : written.unreadable) {
        EXPECT_EQ(request.Field(name).status, Status::kUndecodable) << name;
      }
    }
  });
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
