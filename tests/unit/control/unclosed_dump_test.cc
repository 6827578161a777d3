#include "control/unclosed_dump.h"

#include <nlohmann/json.hpp>

#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

TEST(UnclosedDump, ClosersOfTheListAndOfWhatIsAroundItAreAdded) {
  EXPECT_EQ(CloseDump(R"({"dynamic_route_configs":[{"a":1})"), R"({"dynamic_route_configs":[{"a":1}]})");
  EXPECT_EQ(CloseDump(R"({"configs":[{"dynamic_route_configs":[{"a":{}},{"b":[]}  )"),
            R"({"configs":[{"dynamic_route_configs":[{"a":{}},{"b":[]}  ]}]})");
}

TEST(UnclosedDump, NothingElseIsMended) {
  const char* const texts[] = {
      "",
      "}",
      R"({"dynamic_route_configs":[{"a":1}]})",                 // whole
      R"({"dynamic_route_configs":[{"a":1}])",                  // the list is closed
      R"({"dynamic_route_configs":[{"a":1},)",                  // after a comma
      R"({"dynamic_route_configs":[)",                          // no element
      R"({"dynamic_route_configs":[{"a":1)",                    // inside an element
      R"({"dynamic_route_configs":[{"a":{"b":1})",              // inside an element, after a whole value
      R"({"dynamic_route_configs":[{"a":1},{"b":[{}})",         // closers that do not fit
      R"({"dynamic_route_configs":[{"a":1},{"b":[{})",          // another list inside
      R"({"dynamic_route_configs":[{"a":1}, "x})",              // a bracket inside a string
      R"({"static_route_configs":[{"a":1})",                    // another list
      R"([{"a":1})",                                            // a list without a name
      R"({"dynamic_route_configs":[{"a":1 "b":2}, {"c":3})",    // an error before the end
      R"({"dynamic_route_configs":[{"a":1}]}, {"x":[{"b":1})",  // another value
      "dynamic_route_configs:\n- {a: 1}",                       // YAML
  };
  for (const char* text : texts) {
    EXPECT_EQ(CloseDump(text), std::nullopt) << text;
  }
}

TEST(UnclosedDump, OfTheGuidesDumpNoOtherPrefixIsMended) {
  const std::string dump = ReadText(DataPath("guide_dump.json"));
  const size_t end = dump.find_last_of('}') + 1;
  for (size_t size = 0; size < end; ++size) {
    EXPECT_EQ(CloseDump(std::string_view(dump).substr(0, size)), std::nullopt) << size;
  }
  EXPECT_TRUE(CloseDump(dump.substr(0, end)));
  EXPECT_TRUE(CloseDump(dump));
}

}  // namespace
}  // namespace rpctee::control
