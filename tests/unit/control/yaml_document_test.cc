#include "control/yaml_document.h"

#include <gtest/gtest.h>

#include "control/scalar.h"

namespace rpctee::control {
namespace {

std::string ErrorOf(const std::string& text, const YamlLimits& limits = {}) {
  const auto file = YamlFile::Parse(text, limits);
  if (file) {
    return "no error";
  }
  return std::to_string(file.error().line) + ":" + std::to_string(file.error().column) + " " + file.error().message;
}

YamlNode Scalar(const std::string& text, bool quoted = false) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  node.quoted = quoted;
  return node;
}

TEST(YamlDocument, NodesKnowTheirLinesAndColumns) {
  const auto file = YamlFile::Parse("a: 1\nb:\n  - x\n  - \"y\"\n");
  ASSERT_TRUE(file);
  const YamlNode& root = *file->documents().at(0);
  const YamlNode& list = *root.Find("b");
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[1]->line, 4);
  EXPECT_EQ(list.items[1]->column, 5);
  EXPECT_TRUE(list.items[1]->quoted);
  EXPECT_FALSE(list.items[0]->quoted);
}

TEST(YamlDocument, JsonIsYamlPrettyOrCompactWithSpacesOrTabs) {
  for (const char* text : {R"({"a":{"b":[1,2]}})", "{\n\t\"a\": {\n\t\t\"b\": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t}\n}\n",
                           "  {\n \"a\" : {\"b\":[1 , 2]}}"}) {
    const auto file = YamlFile::Parse(text);
    ASSERT_TRUE(file) << text;
    EXPECT_EQ(file->documents().at(0)->Find("a")->Find("b")->items.size(), 2U) << text;
  }
}

TEST(YamlDocument, EmptyDocumentsAreLeftOut) {
  const auto file = YamlFile::Parse("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->documents().size(), 2U);
  EXPECT_EQ(YamlFile::Parse("")->documents().size(), 0U);
}

TEST(YamlDocument, KeyThatStandsTwiceIsAnErrorAtTheSecond) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"), "3:1 the key \"a\" stands twice");
}

TEST(YamlDocument, KeyThatIsNotPlainIsAnError) {
  EXPECT_EQ(ErrorOf("? [1, 2]\n: 3\n"), "1:3 a key that is not a plain value");
}

TEST(YamlDocument, DepthIsLimited) {
  YamlLimits limits;
  limits.max_depth = 8;
  EXPECT_EQ(ErrorOf("[[[[[[[[1]]]]]]]]", limits), "no error");
  EXPECT_EQ(ErrorOf("[[[[[[[[[1]]]]]]]]]", limits), "1:9 nested more than 8 levels deep");
  EXPECT_NE(ErrorOf(std::string(200'000, '[')), "no error");
  EXPECT_EQ(ErrorOf(std::string(200, '[') + std::string(200, ']')), "1:65 nested more than 64 levels deep");
}

TEST(YamlDocument, NumberOfValuesAndDocumentsIsLimited) {
  YamlLimits limits;
  limits.max_nodes = 4;
  EXPECT_EQ(ErrorOf("[1, 2, 3]", limits), "no error");
  EXPECT_EQ(ErrorOf("[1, 2, 3, 4]", limits), "1:11 more than 4 values in one file");
  limits = {};
  limits.max_documents = 1;
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 1\n", limits), "2:1 more than 1 documents in one file");
}

TEST(YamlDocument, TextThatTheParserNeverComesToTheEndOfIsRefusedAtOnce) {
  const std::string endless = "more values than the text has room for: a comma, bracket or quote is out of place";
  EXPECT_EQ(ErrorOf(","), "1:1 " + endless);
  EXPECT_EQ(ErrorOf("a: 1\n---\n{b: 2},\n"), "3:7 " + endless);
  std::string dense = "{k";
  for (int i = 0; i < 1'000; ++i) {
    dense += "," + std::to_string(i);
  }
  EXPECT_EQ(ErrorOf(dense + "}"), "no error");
}

TEST(YamlDocument, AliasesShareTheirAnchorsNode) {
  const auto file = YamlFile::Parse("a: &x {k: v}\nb: *x\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->documents().at(0)->Find("a"), file->documents().at(0)->Find("b"));
}

TEST(YamlDocument, AliasInsideItsOwnAnchorIsAnError) {
  EXPECT_EQ(ErrorOf("a: &x [1, *x]\n"), "1:11 an alias inside its own anchor");
}

TEST(YamlDocument, SyntaxErrorsHaveAPlace) { EXPECT_EQ(ErrorOf("a: 1\nb: [1,\n").substr(0, 2), "3:"); }

TEST(Scalar, WholeNumbers) {
  EXPECT_EQ(*ToUint(Scalar("42"), 100), 42U);
  EXPECT_EQ(*ToUint(Scalar("42", true), 100), 42U);
  EXPECT_EQ(*ToUint(Scalar("0x2a"), 100), 42U);
  EXPECT_EQ(*ToUint(Scalar("42.0"), 100), 42U);
  EXPECT_EQ(*ToUint(Scalar("18446744073709551615"), UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(*ToInt(Scalar("-9223372036854775808"), INT64_MIN, INT64_MAX), INT64_MIN);
  for (const char* bad : {"", "101", "-1", "1.5", "010", "0x", "1e400", "ten", "4 2", "0x10000000000000000"}) {
    EXPECT_FALSE(ToUint(Scalar(bad), 100)) << bad;
  }
}

TEST(Scalar, Reals) {
  EXPECT_EQ(*ToDouble(Scalar("0.5")), 0.5);
  EXPECT_EQ(*ToDouble(Scalar("1e-4")), 1e-4);
  EXPECT_EQ(*ToDouble(Scalar("-3")), -3);
  for (const char* bad : {"", ".nan", "nan", ".inf", "inf", "1e999", "0x10", "half", "007"}) {
    EXPECT_FALSE(ToDouble(Scalar(bad))) << bad;
  }
}

TEST(Scalar, StringsThatLookLikeOtherThingsNeedQuotes) {
  EXPECT_EQ(*ToText(Scalar("v1")), "v1");
  EXPECT_EQ(*ToText(Scalar("1", true)), "1");
  EXPECT_EQ(ToText(Scalar("1")).error().message, "expected a string, found 1 without quotes");
  EXPECT_FALSE(ToText(Scalar("true")));
  EXPECT_FALSE(ToText(YamlNode{}));
}

TEST(Scalar, Durations) {
  EXPECT_EQ(*ToDurationNs(Scalar("1.5s")), 1'500'000'000);
  EXPECT_EQ(*ToDurationNs(Scalar("500ms")), 500'000'000);
  EXPECT_EQ(*ToDurationNs(Scalar("2m")), 120'000'000'000);
  EXPECT_EQ(*ToDurationNs(Scalar("0s")), 0);
  for (const char* bad : {"", "s", "1", "-1s", "1.2.3s", "1 s", "1d", "9999999999999s"}) {
    EXPECT_FALSE(ToDurationNs(Scalar(bad))) << bad;
  }
}

TEST(Scalar, ByteSizes) {
  EXPECT_EQ(*ToByteSize(Scalar("4096")), 4096U);
  EXPECT_EQ(*ToByteSize(Scalar("64KiB")), 65'536U);
  EXPECT_EQ(*ToByteSize(Scalar("8MiB")), 8'388'608U);
  EXPECT_EQ(*ToByteSize(Scalar("0.5GiB")), 536'870'912U);
  for (const char* bad : {"", "MiB", "8MB", "8 MiB", "-1", "99999999GiB"}) {
    EXPECT_FALSE(ToByteSize(Scalar(bad))) << bad;
  }
}

}  // namespace
}  // namespace rpctee::control
