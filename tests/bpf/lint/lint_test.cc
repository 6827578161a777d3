// Every program of the tap's object, as it is built and with the constants of any configuration.
#include <bpf/libbpf.h>

#include <iostream>

#include "bpf/lint/lint_fixture.h"
#include "rpctee_tap.skel.h"

namespace rpctee::lint {
namespace {

constexpr uint64_t kVerifiedInstructionsMax = 200'000;
// Above it the log of a program that the kernel at hand never runs is not worth its 100 MB and more.
constexpr uint64_t kJudgedInstructionsMax = 200'000;
constexpr uint32_t kStackBytesMax = 416;

std::string_view TapObject() {
  size_t size = 0;
  const auto* bytes = static_cast<const char*>(rpctee_tap__elf_bytes(&size));
  return {bytes, size};
}

// As tap/load.cc chooses.
bool IsForThisKernel(const std::string& name) {
  const bool has_loop = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_loop, nullptr) == 1;
  return name.ends_with("_old") != has_loop;
}

class TapPrograms : public LintTest, public testing::WithParamInterface<Configuration> {
 protected:
  // A program that the agent never loads on this kernel is judged too, where the kernel takes it at a bearable cost.
  static void CheckOther(const std::string& name) {
    const Result<uint64_t> verified = VerifiedInstructions(TapObject(), name, GetParam());
    if (!verified) {
      std::cout << name << ": not for this kernel: " << verified.error().message << "\n";
    } else if (*verified > kJudgedInstructionsMax) {
      std::cout << name << ": not for this kernel, and not judged: verified instructions " << *verified << "\n";
    } else {
      Judge(name, *verified);
    }
  }

  static void CheckOwn(const std::string& name) {
    const Result<uint64_t> verified = VerifiedInstructions(TapObject(), name, GetParam());
    ASSERT_TRUE(verified) << verified.error().message;
    Judge(name, *verified);
  }

 private:
  static void Judge(const std::string& name, uint64_t verified) {
    const Result<LoadedProgram> program = LoadProgram(TapObject(), name, GetParam(), verified);
    ASSERT_TRUE(program) << program.error().message;
    const Report report = Lint(*program, *Symbols());
    std::cout << name << ": " << report.Text() << "\n";
    EXPECT_EQ(Broken(report), std::vector<std::string>()) << name;
    EXPECT_EQ(report.verified_instructions, verified) << name;
    EXPECT_LE(report.stack_bytes.value_or(0), kStackBytesMax) << name;
    // A program of which the verifier walked little proves little.
    EXPECT_GE(report.walked_stores * 10, report.stores * 9) << name;
  }
};

TEST_P(TapPrograms, CanNotHarmAPacket) {
  const Result<std::vector<std::string>> names = ProgramNames(TapObject());
  ASSERT_TRUE(names) << names.error().message;
  int own = 0;
  for (const std::string& name : *names) {
    if (IsForThisKernel(name)) {
      CheckOwn(name);
      ++own;
    } else {
      CheckOther(name);
    }
  }
  EXPECT_EQ(own, 2) << "the object has not two programs for each kernel, for requests and for answers";
}

TEST_P(TapPrograms, KeepToTheVerifiersBudget) {
  const Result<std::vector<std::string>> names = ProgramNames(TapObject());
  ASSERT_TRUE(names) << names.error().message;
  for (const std::string& name : *names) {
    if (IsForThisKernel(name)) {
      const Result<uint64_t> verified = VerifiedInstructions(TapObject(), name, GetParam());
      ASSERT_TRUE(verified) << verified.error().message;
      EXPECT_LE(*verified, kVerifiedInstructionsMax) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lint, TapPrograms, testing::Values(Configuration::kAsBuilt, Configuration::kAny),
                         [](const testing::TestParamInfo<Configuration>& row) {
                           return std::string(row.param == Configuration::kAny ? "AnyConfiguration" : "AsBuilt");
                         });

TEST_F(LintTest, AProgramThatTheObjectDoesNotHaveIsAnError) {
  const Result<LoadedProgram> program = LoadProgram(TapObject(), "nobody", Configuration::kAsBuilt);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, testing::HasSubstr("nobody"));
}

TEST_F(LintTest, BytesThatAreNoObjectAreAnError) {
  EXPECT_FALSE(ProgramNames("not an ELF file"));
  EXPECT_FALSE(LoadProgram("not an ELF file", "control", Configuration::kAsBuilt));
}

}  // namespace
}  // namespace rpctee::lint
