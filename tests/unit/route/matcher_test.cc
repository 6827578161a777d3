#include "route/matcher.h"

#include <gtest/gtest.h>

#include "unit/route/fake_request.h"

namespace rpctee::route {
namespace {

using Kind = FieldMatch::Kind;

FieldMatch On(Kind kind, const std::string& text = "") {
  FieldMatch match;
  match.name = "x";
  match.kind = kind;
  match.text = text;
  return match;
}

FieldMatch Range(int64_t start, int64_t end) {
  FieldMatch match = On(Kind::kRange);
  match.range_start = start;
  match.range_end = end;
  return match;
}

FieldMatch Present(bool present) {
  FieldMatch match = On(Kind::kPresent);
  match.present = present;
  return match;
}

FieldMatch Inverted(FieldMatch match) {
  match.invert = true;
  return match;
}

FieldMatch AnyCase(FieldMatch match) {
  match.ignore_case = true;
  return match;
}

FieldMatch MissingIsEmpty(FieldMatch match) {
  match.treat_missing_as_empty = true;
  return match;
}

MatchResult TestOn(const FieldMatch& match, FakeRequest request) {
  const auto matcher = Matcher::Compile(match);
  EXPECT_TRUE(matcher) << (matcher ? "" : matcher.error().message);
  return matcher ? matcher->Test(request) : MatchResult::kUndecodable;
}

bool Holds(const FieldMatch& match, const std::string& value) {
  return TestOn(match, FakeRequest({{"x", value}})) == MatchResult::kMatch;
}

bool HoldsWhenMissing(const FieldMatch& match) { return TestOn(match, FakeRequest()) == MatchResult::kMatch; }

TEST(Matcher, EachKindOfTextComparison) {
  EXPECT_TRUE(Holds(On(Kind::kExact, "say"), "say"));
  EXPECT_FALSE(Holds(On(Kind::kExact, "say"), "sayHello"));
  EXPECT_FALSE(Holds(On(Kind::kExact, "say"), "SAY"));
  EXPECT_TRUE(Holds(On(Kind::kPrefix, "say"), "sayHello"));
  EXPECT_FALSE(Holds(On(Kind::kPrefix, "say"), "sa"));
  EXPECT_TRUE(Holds(On(Kind::kSuffix, "Hello"), "sayHello"));
  EXPECT_FALSE(Holds(On(Kind::kSuffix, "Hello"), "Hellos"));
  EXPECT_TRUE(Holds(On(Kind::kContains, "yHe"), "sayHello"));
  EXPECT_FALSE(Holds(On(Kind::kContains, "yhe"), "sayHello"));
}

TEST(Matcher, CaseIsIgnoredWhereAsked) {
  EXPECT_TRUE(Holds(AnyCase(On(Kind::kExact, "Say")), "sAY"));
  EXPECT_FALSE(Holds(AnyCase(On(Kind::kExact, "Say")), "sAYs"));
  EXPECT_TRUE(Holds(AnyCase(On(Kind::kPrefix, "SAY")), "sayHello"));
  EXPECT_FALSE(Holds(AnyCase(On(Kind::kPrefix, "SAY")), "sa"));
  EXPECT_TRUE(Holds(AnyCase(On(Kind::kSuffix, "hELLO")), "sayHello"));
  EXPECT_FALSE(Holds(AnyCase(On(Kind::kSuffix, "hELLO")), "ello"));
  EXPECT_TRUE(Holds(AnyCase(On(Kind::kContains, "YHE")), "sayHello"));
  EXPECT_FALSE(Holds(AnyCase(On(Kind::kContains, "YHX")), "sayHello"));
  EXPECT_TRUE(Holds(AnyCase(On(Kind::kContains, "")), ""));
  EXPECT_FALSE(Holds(AnyCase(On(Kind::kExact, "[")), "{"));  // 0x20 apart, but no letters
}

TEST(Matcher, IgnoringCaseDoesNotChangeARegularExpression) {
  EXPECT_FALSE(Holds(AnyCase(On(Kind::kRegex, "SAY")), "say"));
  EXPECT_TRUE(Holds(AnyCase(On(Kind::kRegex, "\\D+")), "say"));
}

TEST(Matcher, RegularExpressionsMatchTheWholeValue) {
  EXPECT_TRUE(Holds(On(Kind::kRegex, "say.*"), "sayHello"));
  EXPECT_FALSE(Holds(On(Kind::kRegex, "say"), "sayHello"));
  EXPECT_FALSE(Holds(On(Kind::kRegex, "Hello"), "sayHello"));
  EXPECT_TRUE(Holds(On(Kind::kRegex, "a|ab"), "ab"));
  EXPECT_TRUE(Holds(On(Kind::kRegex, ""), ""));
}

TEST(Matcher, ABadRegularExpressionIsNamed) {
  const auto matcher = Matcher::Compile(On(Kind::kRegex, "say(("));
  ASSERT_FALSE(matcher);
  EXPECT_NE(matcher.error().message.find("'say(('"), std::string::npos);
  EXPECT_NE(matcher.error().message.find("'x'"), std::string::npos);
}

TEST(Matcher, ARegularExpressionThatIsTooLargeIsRefused) {
  EXPECT_FALSE(Matcher::Compile(On(Kind::kRegex, "((a{1,100}){1,100}){1,100}")));
  EXPECT_FALSE(Matcher::Compile(On(Kind::kRegex, "(\\pL{1,20}){1,20}")));
  EXPECT_TRUE(Matcher::Compile(On(Kind::kRegex, "(com|org)\\.example\\.[a-z.]{1,200}Service")));
}

TEST(Matcher, RangesTakeDecimalNumbersFromStartToBelowEnd) {
  EXPECT_TRUE(Holds(Range(10, 20), "10"));
  EXPECT_TRUE(Holds(Range(10, 20), "19"));
  EXPECT_FALSE(Holds(Range(10, 20), "20"));
  EXPECT_FALSE(Holds(Range(10, 20), "9"));
  EXPECT_TRUE(Holds(Range(-5, 0), "-5"));
  EXPECT_TRUE(Holds(Range(0, 10), "+7"));
  EXPECT_TRUE(Holds(Range(INT64_MIN, 0), "-9223372036854775808"));
}

TEST(Matcher, RangesRefuseWhatIsNotWhollyANumber) {
  for (const char* value : {"", "12x", "x12", " 12", "0x0c", "12.0", "+", "-", "+-12", "99999999999999999999"}) {
    EXPECT_FALSE(Holds(Range(INT64_MIN, INT64_MAX), value)) << value;
    EXPECT_TRUE(Holds(Inverted(Range(INT64_MIN, INT64_MAX)), value)) << value;
  }
}

TEST(Matcher, PresenceAndAbsence) {
  EXPECT_TRUE(Holds(Present(true), ""));
  EXPECT_FALSE(Holds(Present(false), ""));
  EXPECT_FALSE(HoldsWhenMissing(Present(true)));
  EXPECT_TRUE(HoldsWhenMissing(Present(false)));
}

TEST(Matcher, InvertedPresenceIsTheOpposite) {
  EXPECT_FALSE(Holds(Inverted(Present(true)), "v"));
  EXPECT_TRUE(Holds(Inverted(Present(false)), "v"));
  EXPECT_TRUE(HoldsWhenMissing(Inverted(Present(true))));
  EXPECT_FALSE(HoldsWhenMissing(Inverted(Present(false))));
}

TEST(Matcher, AMissingFieldFulfilsNoConditionOnItsValueNotEvenAnInvertedOne) {
  for (const FieldMatch& match : {On(Kind::kExact, "a"), On(Kind::kPrefix, "a"), On(Kind::kSuffix, "a"),
                                  On(Kind::kContains, "a"), On(Kind::kRegex, "a"), Range(1, 2), On(Kind::kExact, "")}) {
    EXPECT_FALSE(HoldsWhenMissing(match));
    EXPECT_FALSE(HoldsWhenMissing(Inverted(match)));
    EXPECT_FALSE(HoldsWhenMissing(AnyCase(match)));
  }
}

TEST(Matcher, AMissingFieldThatCountsAsEmptyIsComparedAsEmpty) {
  EXPECT_FALSE(HoldsWhenMissing(MissingIsEmpty(On(Kind::kExact, "a"))));
  EXPECT_TRUE(HoldsWhenMissing(MissingIsEmpty(Inverted(On(Kind::kExact, "a")))));
  EXPECT_TRUE(HoldsWhenMissing(MissingIsEmpty(On(Kind::kExact, ""))));
  EXPECT_TRUE(HoldsWhenMissing(MissingIsEmpty(On(Kind::kRegex, "a*"))));
  EXPECT_TRUE(HoldsWhenMissing(MissingIsEmpty(Present(true))));
  EXPECT_FALSE(HoldsWhenMissing(MissingIsEmpty(Present(false))));
}

TEST(Matcher, InvertingAPresentValueIsTheOpposite) {
  EXPECT_TRUE(Holds(Inverted(On(Kind::kExact, "a")), "b"));
  EXPECT_FALSE(Holds(Inverted(On(Kind::kExact, "a")), "a"));
  EXPECT_FALSE(Holds(Inverted(On(Kind::kRegex, "a+")), "aa"));
}

TEST(Matcher, AFieldThatCannotBeReadIsNeitherMatchNorMismatch) {
  for (const FieldMatch& match : {On(Kind::kExact, "a"), Inverted(On(Kind::kExact, "a")), Present(true), Present(false),
                                  MissingIsEmpty(On(Kind::kExact, ""))}) {
    EXPECT_EQ(TestOn(match, FakeRequest().Undecodable("x")), MatchResult::kUndecodable);
  }
}

TEST(Matcher, ACopySharesThePatternAndMatchesTheSame) {
  const auto original = Matcher::Compile(On(Kind::kRegex, "a+"));
  ASSERT_TRUE(original);
  const Matcher copy = *original;
  FakeRequest request({{"x", std::string("aaa")}});
  EXPECT_EQ(copy.Test(request), MatchResult::kMatch);
}

}  // namespace
}  // namespace rpctee::route
