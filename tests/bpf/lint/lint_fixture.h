// Root and the kernel's symbols, or a reason to skip.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bpf/lint/lint.h"

namespace rpctee::lint {

class LintTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "needs root to load a BPF program";
    }
    ASSERT_TRUE(Symbols()) << Symbols().error().message;
  }

  static const Result<KernelSymbols>& Symbols() {
    static const Result<KernelSymbols> symbols = KernelSymbols::Read();
    return symbols;
  }

  // Names of the rules that were broken, each once, sorted.
  static std::vector<std::string> Broken(const Report& report) {
    std::vector<std::string> rules;
    for (const Finding& finding : report.findings) {
      rules.emplace_back(RuleName(finding.rule));
    }
    std::sort(rules.begin(), rules.end());
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    return rules;
  }
};

}  // namespace rpctee::lint
