// Rules on code that no kernel need take: made by hand, with a log to match.
#include <algorithm>

#include "bpf/lint/call_tree.h"
#include "bpf/lint/lint_fixture.h"

namespace rpctee::lint {
namespace {

using testing::ElementsAre;

constexpr bpf_insn Insn(uint8_t code, int32_t imm = 0, uint8_t dst = 0, uint8_t src = 0, int16_t off = 0) {
  bpf_insn insn{};
  insn.code = code;
  insn.dst_reg = static_cast<uint8_t>(dst & 0xf);
  insn.src_reg = static_cast<uint8_t>(src & 0xf);
  insn.off = off;
  insn.imm = imm;
  return insn;
}

constexpr uint8_t kMove = BPF_ALU | BPF_MOV | BPF_K;
constexpr bpf_insn kExit = Insn(BPF_JMP | BPF_EXIT);
constexpr bpf_insn kReturn = Insn(kMove, -1);
constexpr int32_t kLoadBytes = 0x100;  // distances in MadeSymbols
constexpr int32_t kPullData = 0x200;
constexpr int32_t kRedirect = 0x300;

KernelSymbols MadeSymbols() {
  return *KernelSymbols::Parse(
      "ffffffff81000000 T __bpf_call_base\n"
      "ffffffff81000100 T bpf_skb_load_bytes\n"
      "ffffffff81000200 T bpf_skb_pull_data\n"
      "ffffffff81000300 T bpf_redirect\n"
      "ffffffff81000400 t bpf_skb_load_bytes\t[some_module]\n");
}

// `call body; w0 = -1; exit`, then `body` as the object and as the kernel have it. The log shows the entry's start.
LoadedProgram Tap(const Instructions& object_body, const Instructions& translated_body) {
  LoadedProgram program;
  program.object = {Insn(kCall, 2, 0, BPF_PSEUDO_CALL), kReturn, kExit};
  program.translated = {Insn(kCall, 1, 0, BPF_PSEUDO_CALL, 2), kReturn, kExit};
  program.object.insert(program.object.end(), object_body.begin(), object_body.end());
  program.translated.insert(program.translated.end(), translated_body.begin(), translated_body.end());
  program.log = "0: R1=ctx() R10=fp0\n0: (85) call pc+2\ncallee:\n frame1: R1=ctx() R10=fp0\n";
  return program;
}

class MadeCode : public LintTest {
 protected:
  void SetUp() override {}

  static std::vector<std::string> BrokenBy(const LoadedProgram& program) {
    return Broken(Lint(program, MadeSymbols()));
  }
};

TEST_F(MadeCode, AnAllowedHelperPasses) {
  EXPECT_THAT(BrokenBy(Tap({Insn(kCall, 26), kReturn, kExit}, {Insn(kCall, kLoadBytes), kReturn, kExit})),
              ElementsAre());
}

TEST_F(MadeCode, OnlyTheEntrysExitsMustReturnTheConstant) {
  EXPECT_THAT(BrokenBy(Tap({Insn(kMove, 2), kExit}, {Insn(kMove, 2), kExit})), ElementsAre());
}

TEST_F(MadeCode, AFunctionThatOnlyTheKernelAddedIsFound) {
  EXPECT_THAT(BrokenBy(Tap({kReturn, kExit}, {Insn(kCall, kRedirect), kReturn, kExit})),
              ElementsAre("translated-call"));
}

TEST_F(MadeCode, ACallOfPullDataThatOnlyTheKernelAddedIsAPrologue) {
  EXPECT_THAT(BrokenBy(Tap({kReturn, kExit}, {Insn(kCall, kPullData), kReturn, kExit})),
              ElementsAre("prologue", "translated-call"));
}

TEST_F(MadeCode, AFunctionWithoutANameIsUnproven) {
  EXPECT_THAT(BrokenBy(Tap({kReturn, kExit}, {Insn(kCall, 0x104), kReturn, kExit})), ElementsAre("unproven"));
}

TEST_F(MadeCode, AFunctionOfAModuleHasNoName) {
  EXPECT_THAT(BrokenBy(Tap({kReturn, kExit}, {Insn(kCall, 0x400), kReturn, kExit})), ElementsAre("unproven"));
}

TEST_F(MadeCode, AHiddenAddressIsUnproven) {
  EXPECT_THAT(BrokenBy(Tap({Insn(kCall, 26), kExit}, {Insn(kCall, 0), kExit})), ElementsAre("unproven"));
}

TEST_F(MadeCode, AKernelFunctionIsFound) {
  const bpf_insn kfunc = Insn(kCall, 4711, 0, BPF_PSEUDO_KFUNC_CALL);
  EXPECT_THAT(BrokenBy(Tap({kfunc, kExit}, {kfunc, kExit})), ElementsAre("kfunc"));
}

TEST_F(MadeCode, ACallThroughARegisterIsFound) {
  const bpf_insn call = Insn(kCall | BPF_X, 0, 1);
  EXPECT_THAT(BrokenBy(Tap({call, kExit}, {call, kExit})), ElementsAre("kfunc"));
}

TEST_F(MadeCode, TheSecondHalfOfAWideImmediateIsNoInstruction) {
  const bpf_insn wide = Insn(BPF_LD | BPF_DW | BPF_IMM, 0, 1);
  const bpf_insn second = Insn(0, kCall);
  EXPECT_THAT(BrokenBy(Tap({wide, second, kExit}, {wide, second, kExit})), ElementsAre());
  // Taken for an instruction, this one would be a forbidden call.
  const bpf_insn looks_like_a_call = Insn(kCall, kRedirect);
  EXPECT_THAT(BrokenBy(Tap({wide, looks_like_a_call, kExit}, {wide, looks_like_a_call, kExit})), ElementsAre());
}

TEST_F(MadeCode, AnExitThatIsJumpedToIsNoConstantVerdict) {
  LoadedProgram program = Tap({kExit}, {kExit});
  const bpf_insn jump = Insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0, 1);
  program.translated.insert(program.translated.begin(), jump);
  program.translated[1].off = 2;
  EXPECT_THAT(BrokenBy(program), ElementsAre("entry", "prologue"));
  program.translated[0].off = 2;
  EXPECT_THAT(BrokenBy(program), ElementsAre("entry", "prologue", "verdict"));
}

TEST_F(MadeCode, ALogOfAnotherProgramProvesNothing) {
  LoadedProgram program = Tap({kExit}, {kExit});
  program.log = "0: R1=ctx() R10=fp0\n0: (bf) r6 = r1\n";
  EXPECT_THAT(BrokenBy(program), ElementsAre("unproven"));
  program.log = "";
  EXPECT_THAT(BrokenBy(program), ElementsAre("unproven"));
}

TEST(ChainStackBytes, IsThatOfTheDeepestChainAndCountsCallbacks) {
  // Entry calls the subprograms at 4 and 7; the one at 4 takes the address of the one at 9.
  const Instructions object = {Insn(kCall, 3, 0, BPF_PSEUDO_CALL),
                               Insn(kCall, 5, 0, BPF_PSEUDO_CALL),
                               kReturn,
                               kExit,
                               Insn(BPF_LD | BPF_DW | BPF_IMM, 4, 2, BPF_PSEUDO_FUNC),
                               Insn(0),
                               kExit,
                               kReturn,
                               kExit,
                               kExit};
  EXPECT_THAT(SubprogramStarts(object), ElementsAre(0, 4, 7, 9));
  EXPECT_EQ(ChainStackBytes(object, {8, 100, 120, 30}), 138U);
  EXPECT_EQ(ChainStackBytes(object, {8, 100, 140, 30}), 148U);
  EXPECT_EQ(ChainStackBytes(object, {8, 100}), std::nullopt);
}

TEST(KernelSymbols, HiddenAddressesAreAnError) {
  EXPECT_FALSE(KernelSymbols::Parse("0000000000000000 T __bpf_call_base\n"));
  EXPECT_FALSE(KernelSymbols::Parse("ffffffff81000100 T bpf_skb_load_bytes\nnonsense\n\n12"));
}

}  // namespace
}  // namespace rpctee::lint
