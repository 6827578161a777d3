// The proof that a tap program can't harm a packet: rules on what the kernel made of it.
//
// Any thread. Depends on no kernel version: what it can't prove on the running kernel is a finding, not a pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/lint/kernel_symbols.h"
#include "bpf/lint/loaded_program.h"

namespace rpctee::lint {

enum class Rule {
  kEntry,           // the translated entry is not `call; r0 = -1; exit`
  kVerdict,         // an exit of the entry, maybe a hidden one, does not return the constant -1
  kPrologue,        // the kernel put code of its own before the entry
  kHelper,          // a helper that is not on the list
  kTranslatedCall,  // the translated program calls a kernel function that no helper on the list becomes
  kKfunc,           // a kernel function called directly
  kTailCall,        // the verdict would be another program's
  kContextStore,    // a store to the context
  kPacketStore,     // a store to the packet
  kPacketAccess,    // the packet is read other than by a helper
  kUnproven,        // the kernel does not tell enough
};
std::string_view RuleName(Rule rule);

struct Finding {
  Rule rule;
  std::string text;  // where and what
};

struct Report {
  std::vector<Finding> findings;
  uint64_t verified_instructions = 0;
  // Of the deepest chain of calls; empty when the kernel does not print it.
  std::optional<uint32_t> stack_bytes;
  size_t object_instructions = 0;
  size_t translated_instructions = 0;
  // Stores of the object, and those that the verifier walked: it removes the rest.
  size_t stores = 0;
  size_t walked_stores = 0;

  // One line of numbers, then a line for each finding.
  std::string Text() const;
};

Report Lint(const LoadedProgram& program, const KernelSymbols& symbols);

}  // namespace rpctee::lint
