// Logs as Linux 5.10 and later kernels print them.
#include "bpf/lint/verifier_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rpctee::lint {
namespace {

using testing::ElementsAre;
using testing::Key;
using testing::Pair;
using testing::UnorderedElementsAre;
using Kind = RegisterKind;

constexpr uint8_t kMove = BPF_ALU64 | BPF_MOV | BPF_X;
constexpr uint8_t kStore32 = BPF_STX | BPF_MEM | BPF_W;
constexpr uint8_t kLoad64 = BPF_LDX | BPF_MEM | BPF_DW;

bpf_insn Insn(uint8_t code, int dst, int src, int32_t imm = 0) {
  bpf_insn insn{};
  insn.code = code;
  insn.dst_reg = static_cast<uint8_t>(dst & 0xf);
  insn.src_reg = static_cast<uint8_t>(src & 0xf);
  insn.imm = imm;
  return insn;
}

// r6 = r1; r1 = *(u64 *)(r10 - 8); *(u32 *)(r6 + 8) = r1; *(u32 *)(r1 + 0) = r1
Instructions FourInstructions() {
  return {Insn(kMove, 6, 1), Insn(kLoad64, 1, 10), Insn(kStore32, 6, 1), Insn(kStore32, 1, 1)};
}

TEST(VerifierLog, OfLinux510PrintsTheStateBeforeEachInstruction) {
  const LogFacts facts = ReadVerifierLog(
      "func#0 @0\n"
      "0: R1=ctx(id=0,off=0,imm=0) R10=fp0\n"
      "; int control(struct __sk_buff *skb)\n"
      "0: (bf) r6 = r1\n"
      "1: R1=ctx(id=0,off=0,imm=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0\n"
      "1: (79) r1 = *(u64 *)(r10 -8)\n"
      "2: R1_w=map_value(id=0,off=0,ks=4,vs=8,imm=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0 fp-8=map_value\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n"
      "3: R1_w=map_value(id=0,off=0,ks=4,vs=8,imm=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0\n"
      "3: (63) *(u32 *)(r1 +0) = r1\n"
      "verification time 20 usec\n"
      "stack depth 8+32\n"
      "processed 4 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
      FourInstructions());
  EXPECT_EQ(facts.mismatch, "");
  EXPECT_THAT(facts.bases, ElementsAre(Pair(1, ElementsAre(Kind::kOwnMemory)), Pair(2, ElementsAre(Kind::kContext)),
                                       Pair(3, ElementsAre(Kind::kOwnMemory))));
  EXPECT_EQ(facts.verified_instructions, 4U);
  EXPECT_THAT(facts.stack_depths, ElementsAre(8, 32));
}

TEST(VerifierLog, OfLaterKernelsPrintsWhatChangedBehindEachInstruction) {
  const LogFacts facts = ReadVerifierLog(
      "Live regs before insn:\n"
      "      0: .1........ (bf) r6 = r1\n"
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()\n"
      "1: (79) r1 = *(u64 *)(r10 -8)         ; R1=pkt(r=8) R10=fp0 fp-8=pkt\n"
      "2: (63) *(u32 *)(r6 +8) = r1          ; R6=ctx()\n"
      "3: (63) *(u32 *)(r1 +0) = r1\n"
      "processed 4 insns (limit 1000000)\n",
      FourInstructions());
  EXPECT_THAT(facts.bases, ElementsAre(Pair(1, ElementsAre(Kind::kOwnMemory)), Pair(2, ElementsAre(Kind::kContext)),
                                       Pair(3, ElementsAre(Kind::kPacket))));
}

TEST(VerifierLog, OfLinux7SaysWhatItFoundOutBeforehandInLinesLikeTheWalks) {
  const LogFacts facts = ReadVerifierLog(
      "0: (bf) r6 = r1\n"
      "123: (05) goto pc+0\n"
      "2: (63) *(u32 *)(r6 +8) = r1      ; def: fp0-240h\n"
      "3: (63) *(u32 *)(r1 +0) = r1 // r9=fp0-168 fp-232=fp0-168\n"
      "\n"
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n"
      "stack depth 0+280+48 max 304\n",
      FourInstructions());
  EXPECT_EQ(facts.mismatch, "");
  EXPECT_THAT(facts.bases, ElementsAre(Pair(2, ElementsAre(Kind::kContext))));
  EXPECT_THAT(facts.stack_depths, ElementsAre(0, 280, 48));
}

TEST(VerifierLog, OfLinux7ShowsABranchWithAKnownConditionAsAJump) {
  const Instructions object = {Insn(BPF_JMP32 | BPF_JNE | BPF_K, 1, 0), Insn(kStore32, 10, 1)};
  EXPECT_EQ(ReadVerifierLog("0: R1=ctx() R10=fp0\n0: (05) goto pc+0\n", object).mismatch, "");
  EXPECT_NE(ReadVerifierLog("0: R1=ctx() R10=fp0\n0: (05) goto pc+0\n1: (05) goto pc+0\n", object).mismatch, "");
}

TEST(VerifierLog, AllPathsCount) {
  const LogFacts facts = ReadVerifierLog(
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()\n"
      "2: (63) *(u32 *)(r6 +8) = r1          ; R6=ctx()\n"
      "\n"
      "from 1 to 2: R6=map_value(map=words,ks=4,vs=8) R10=fp0\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n",
      FourInstructions());
  EXPECT_THAT(facts.bases.at(2), UnorderedElementsAre(Kind::kContext, Kind::kOwnMemory));
}

TEST(VerifierLog, ALoadedValueIsUnknownUntilTheLogTells) {
  const LogFacts facts = ReadVerifierLog(
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1\n"
      "1: (79) r1 = *(u64 *)(r10 -8)\n"
      "3: (63) *(u32 *)(r1 +0) = r1\n",
      FourInstructions());
  EXPECT_THAT(facts.bases.at(3), ElementsAre(Kind::kUnknown));
}

TEST(VerifierLog, AMoveIsFollowedEvenWhenTheLogIsSilent) {
  const LogFacts facts = ReadVerifierLog(
      "0: R1=ctx() R6=fp-8 R10=fp0\n"
      "0: (bf) r6 = r1\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n",
      FourInstructions());
  EXPECT_THAT(facts.bases.at(2), ElementsAre(Kind::kContext));
}

TEST(VerifierLog, AnotherPathBringsNoRegistersAlong) {
  const LogFacts facts = ReadVerifierLog(
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1                       ; R1=ctx() R6=fp-8\n"
      "from 1 to 2: R1=scalar() R10=fp0\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n",
      FourInstructions());
  EXPECT_THAT(facts.bases.at(2), ElementsAre(Kind::kUnknown));
}

TEST(VerifierLog, ACalledSubprogramHasRegistersOfItsOwn) {
  const LogFacts facts = ReadVerifierLog(
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1                       ; R1=ctx() R6=fp-8\n"
      "caller:\n"
      " R6=fp-8 R10=fp0\n"
      "callee:\n"
      " frame1: R1=ctx() R6=ctx() R10=fp0\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n"
      "returning from callee:\n"
      " frame1: R0=0 R6=ctx() R10=fp0\n"
      "to caller at 3:\n"
      " R0=0 R1=fp-16 R6=fp-8 R10=fp0\n"
      "3: (63) *(u32 *)(r1 +0) = r1\n",
      FourInstructions());
  EXPECT_THAT(facts.bases.at(2), ElementsAre(Kind::kContext));
  EXPECT_THAT(facts.bases.at(3), ElementsAre(Kind::kOwnMemory));
}

TEST(VerifierLog, BacktrackingSaysNothingAboutRegisters) {
  const LogFacts facts = ReadVerifierLog(
      "0: R1=ctx() R10=fp0\n"
      "0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()\n"
      "mark_precise: frame0: parent state regs=r6 stack=:  R6=fp-8 R10=fp0\n"
      "parent didn't have regs=40 stack=0 marks: R6_rw=fp-8 R10=fp0\n"
      "last_idx 2 first_idx 0\n"
      "; R6=fp-8 in a line of source\n"
      "2: (63) *(u32 *)(r6 +8) = r1\n",
      FourInstructions());
  EXPECT_THAT(facts.bases.at(2), ElementsAre(Kind::kContext));
}

TEST(VerifierLog, AHelperCallNotesItsArgumentsAndForgetsThem) {
  const Instructions object = {Insn(BPF_JMP | BPF_CALL, 0, 0, 1), Insn(kStore32, 2, 0)};
  const LogFacts facts = ReadVerifierLog(
      "Validating f() func#1...\n"
      "0: R1=map_ptr(map=words,ks=4,vs=4) R2=pkt(r=4) R10=fp0\n"
      "0: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=words,ks=4,vs=4)\n"
      "1: (63) *(u32 *)(r2 +0) = r0\n",
      object);
  EXPECT_THAT(facts.arguments, ElementsAre(Key(0)));
  EXPECT_EQ(facts.arguments.at(0).count(Kind::kPacket), 1U);
  EXPECT_THAT(facts.bases.at(1), ElementsAre(Kind::kUnknown));
}

TEST(VerifierLog, CutAnywhereIsReadWithoutHarm) {
  const std::string log =
      "0: R1=ctx() R10=fp0\n0: (bf) r6 = r1 ; R6=ctx(off=0)\nfrom 0 to 2: R6=\n2: (63) x ; R99999999999999999999=fp "
      "R6\n"
      "stack depth 1+\nprocessed\n99999999999999999999: (bf)\n";
  for (size_t bytes = 0; bytes <= log.size(); ++bytes) {
    ReadVerifierLog(std::string_view(log).substr(0, bytes), FourInstructions());
  }
}

}  // namespace
}  // namespace rpctee::lint
