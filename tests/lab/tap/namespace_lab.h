// A network namespace and a bpffs of one's own for each test, gone when the test is over, whatever it did.
//
// One test at a time, on the main thread, which stands in the namespace during the test. Skips without root.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <string>

#include "base/fd.h"

namespace rpctee::test {

class NamespaceLab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Runs a shell command in the namespace; returns what it printed. The test fails when it fails.
  static std::string Run(const std::string& command);
  static uint32_t Index(const std::string& interface);
  // Two ends of a veth pair, both up.
  static void MakeVeth(const std::string& name, const std::string& peer);
  // Runs `work` in a child process that then dies at once, as by SIGKILL; returns its exit status. What must not be
  // cleaned up has to be leaked by `work`.
  static int RunAndDie(const std::function<int()>& work);

  // Where the test's bpffs is mounted.
  const std::string& bpffs() const { return bpffs_; }

 private:
  std::string bpffs_;
  Fd home_;
};

}  // namespace rpctee::test
