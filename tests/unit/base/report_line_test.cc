#include "base/report_line.h"

#include <gtest/gtest.h>

#include "bpf/abi/reasons.h"

namespace rpctee {
namespace {

TEST(ReportLine, NoNameReachesTheColumnOfTheValues) {
#define RPCTEE_NAME(name, ...) #name,
  for (const char* name :
       {RPCTEE_REQUEST_OUTCOMES(RPCTEE_NAME) RPCTEE_COPY_OUTCOMES(RPCTEE_NAME) RPCTEE_TAP_COUNTERS(RPCTEE_NAME)}) {
    EXPECT_EQ(ReportLine(name, "7").size(), ReportLine("", "7").size()) << name;
    EXPECT_EQ(ReportLine(name, "7").find(std::string(name) + " "), 2U);
  }
#undef RPCTEE_NAME
}

TEST(ReportLine, ALongerNameIsStillParted) {
  EXPECT_EQ(ReportLine("a name that is longer than any other", "7"), "  a name that is longer than any other 7\n");
}

}  // namespace
}  // namespace rpctee
