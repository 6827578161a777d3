// Which copies go out, and that no copy is copied again.
#include "agent/copy_maker.h"

#include <gtest/gtest.h>

#include "protocol/dubbo/dubbo_codec.h"
#include "unit/protocol/edited.h"
#include "unit/protocol/vectors.h"

namespace rpctee::agent {
namespace {

const route::Mark kMark{.attachment = "rpctee-mirror", .value = "node-1"};

route::Rule MakeRule(const route::CopyPolicy& policy = {}, const route::Mark& mark = kMark) {
  route::Rule rule;
  rule.policy = policy;
  rule.methods = route::MethodFilter(policy);
  rule.additions = test::MakeAdditions({{mark.attachment, mark.value}});
  return rule;
}

class CopyMakerTest : public testing::Test {
 protected:
  std::optional<CopyOutcome> Make(const route::Rule& rule, const test::Frame& bytes, const route::Mark& mark = kMark) {
    rule_ = rule;
    bytes_ = bytes;
    frame_.bytes = bytes_;
    request_.emplace(Content::kDubbo, frame_.bytes);
    return maker_.Make(rule_, mark, frame_, *request_);
  }
  test::Frame Sent() const {
    test::Frame joined;
    for (const Bytes piece : maker_.pieces()) {
      joined.insert(joined.end(), piece.begin(), piece.end());
    }
    return joined;
  }
  static bool IsMarked(const test::Frame& bytes, const route::Mark& mark = kMark) {
    protocol::Request request(Content::kDubbo, bytes);
    return CarriesMark(mark, bytes, request);
  }
  test::Frame Kryo() const {
    test::Frame frame = say_hello_;
    frame[2] = 0xc0 | 8;
    return frame;
  }

  test::Frame say_hello_ = test::RealFrame("dubbo2723/hessian2_say_hello");
  route::Rule rule_;
  test::Frame bytes_;
  stream::Frame frame_;
  std::optional<protocol::Request> request_;
  CopyMaker maker_;
};

TEST_F(CopyMakerTest, ACopyIsKnownByItsMarkWhateverNodeMadeIt) {
  EXPECT_FALSE(IsMarked(say_hello_));
  EXPECT_EQ(Make(MakeRule(), say_hello_), std::nullopt);
  EXPECT_TRUE(maker_.is_complete());
  EXPECT_TRUE(IsMarked(Sent()));
  EXPECT_TRUE(IsMarked(Sent(), {.attachment = "rpctee-mirror", .value = "node-2"}));
  EXPECT_FALSE(IsMarked(Sent(), {.attachment = "other", .value = "node-1"}));
  EXPECT_FALSE(IsMarked(Sent(), {.attachment = "", .value = ""})) << "no marks";
}

TEST_F(CopyMakerTest, AMarkThatAnApplicationPassedOnStandsAnywhereAmongTheAttachments) {
  const test::Frame frame = test::Hessian2()
                                .Prefix("hi", "")
                                .Raw("48")
                                .String("rpctee-mirror")
                                .String("x")
                                .String("a")
                                .String("b")
                                .Raw("5a")
                                .Request();
  EXPECT_TRUE(IsMarked(frame));
}

TEST_F(CopyMakerTest, TextInAnArgumentIsNoMark) {
  EXPECT_FALSE(
      IsMarked(test::Hessian2().Prefix("hi", "Ljava/lang/String;").String("rpctee-mirror").Raw("485a").Request()));
}

TEST_F(CopyMakerTest, WhereNothingCanBeReadTheNameOfTheMarkIsEnough) {
  test::Frame frame = Kryo();
  EXPECT_FALSE(IsMarked(frame));
  const std::string_view name = "rpctee-mirror";
  frame.insert(frame.end(), name.begin(), name.end());
  EXPECT_TRUE(IsMarked(frame));
  frame.back() |= 0x80;  // kryo's way to end a text
  EXPECT_TRUE(IsMarked(frame));
  frame.back() = 'x';
  EXPECT_FALSE(IsMarked(frame));
}

TEST_F(CopyMakerTest, WhatCannotBeMarkedGoesOutAsItIsOrNotAtAll) {
  EXPECT_EQ(Make(MakeRule(), Kryo()), std::nullopt);
  EXPECT_FALSE(maker_.is_complete());
  EXPECT_EQ(Sent(), Kryo());
  route::Mark required = kMark;
  required.required = true;
  EXPECT_EQ(Make(MakeRule(), Kryo(), required), CopyOutcome::unmarkable);
  EXPECT_EQ(Make(MakeRule(), say_hello_, required), std::nullopt);
}

TEST_F(CopyMakerTest, ThePolicyOfARuleKeepsCopiesBack) {
  EXPECT_EQ(Make(MakeRule({.deny_methods = {"say*"}}), say_hello_), CopyOutcome::method_denied);
  EXPECT_EQ(Make(MakeRule({.deny_methods = {"add"}}), say_hello_), std::nullopt);
  EXPECT_EQ(Make(MakeRule({.dry_run = true}), say_hello_), CopyOutcome::rule_dry_run);
  EXPECT_EQ(Make(MakeRule({.deny_methods = {"say*"}, .dry_run = true}), say_hello_), CopyOutcome::method_denied);
}

TEST_F(CopyMakerTest, ACopyAsksForNoAnswerWhereThePolicySaysSo) {
  EXPECT_EQ(Make(MakeRule(), say_hello_), std::nullopt);
  EXPECT_FALSE(maker_.is_oneway());
  EXPECT_EQ(Make(MakeRule({.oneway = true}), say_hello_), std::nullopt);
  EXPECT_TRUE(maker_.is_oneway());
  EXPECT_EQ(protocol::dubbo::ParseHeader(Sent()).kind, protocol::MessageKind::kOneway);
  EXPECT_EQ(Make(MakeRule(), test::RealFrame("dubbo278_fire_oneway")), std::nullopt);
  EXPECT_TRUE(maker_.is_oneway()) << "the request itself asked for none";
}

}  // namespace
}  // namespace rpctee::agent
