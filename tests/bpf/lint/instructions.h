// What one BPF instruction is, for untranslated and translated code alike.
//
// Translated code is what BPF_OBJ_GET_INFO_BY_FD gives: a call of a subprogram keeps its distance in `off` there, where
// the object has it in `imm`.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rpctee::lint {

using Instructions = std::vector<bpf_insn>;

inline constexpr uint8_t kClassMask = 0x07;
inline constexpr uint8_t kModeMask = 0xe0;
inline constexpr uint8_t kOperationMask = 0xf0;
inline constexpr uint8_t kSourceMask = 0x08;
inline constexpr uint8_t kCall = BPF_JMP | BPF_CALL;

inline uint8_t Class(const bpf_insn& insn) { return insn.code & kClassMask; }
inline bool IsWideImmediate(const bpf_insn& insn) { return insn.code == (BPF_LD | BPF_DW | BPF_IMM); }
inline bool IsExit(const bpf_insn& insn) { return insn.code == (BPF_JMP | BPF_EXIT); }
// Also the call through a register, which is no call of anything that can be named.
inline bool IsCall(const bpf_insn& insn) { return (insn.code | kSourceMask) == (kCall | kSourceMask); }
inline bool IsHelperCall(const bpf_insn& insn) { return insn.code == kCall && insn.src_reg == 0; }
inline bool IsSubprogramCall(const bpf_insn& insn) { return insn.code == kCall && insn.src_reg == BPF_PSEUDO_CALL; }
inline bool IsSubprogramAddress(const bpf_insn& insn) {
  return IsWideImmediate(insn) && insn.src_reg == BPF_PSEUDO_FUNC;
}
// A branch, with or without a condition.
inline bool IsJump(const bpf_insn& insn) {
  return (Class(insn) == BPF_JMP || Class(insn) == BPF_JMP32) && !IsCall(insn) && !IsExit(insn);
}
inline bool IsStore(const bpf_insn& insn) { return Class(insn) == BPF_ST || Class(insn) == BPF_STX; }
inline bool IsLoad(const bpf_insn& insn) { return Class(insn) == BPF_LDX; }
// LD_ABS and LD_IND read the packet without a pointer, and end the program with 0 when they can't.
inline bool IsLegacyPacketLoad(const bpf_insn& insn) {
  const uint8_t mode = insn.code & kModeMask;
  return Class(insn) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND);
}
// `r0 = -1` or `w0 = -1`: TC_ACT_UNSPEC as the kernel reads it, an int.
inline bool IsVerdict(const bpf_insn& insn) {
  const bool moves = insn.code == (BPF_ALU64 | BPF_MOV | BPF_K) || insn.code == (BPF_ALU | BPF_MOV | BPF_K);
  return moves && insn.dst_reg == BPF_REG_0 && insn.imm == -1;
}

// Calls fn(index, instruction) for each instruction; one with a 64-bit immediate takes two places and counts once.
template <typename Function>
void ForEachInstruction(const Instructions& code, Function fn) {
  for (size_t i = 0; i < code.size(); i += IsWideImmediate(code[i]) ? 2 : 1) {
    fn(i, code[i]);
  }
}

}  // namespace rpctee::lint
