// Loads one program of a BPF object and keeps what the kernel says about it. The program itself does not stay loaded.
//
// Any thread. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (root on Linux 5.10).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/lint/instructions.h"

namespace rpctee::lint {

struct LoadedProgram {
  std::string name;
  Instructions object;      // as given to the kernel: subprograms joined, helper ids and subprogram distances in `imm`
  Instructions translated;  // as the kernel keeps them, before its compiler
  std::string log;          // the verifier's, level 2 with statistics
};

enum class Configuration {
  kAsBuilt,  // constants of .rodata have their values of the object; the verifier leaves out what they switch off
  kAny,      // their values are unknown to the verifier, so that it walks the code of every configuration
};

// `object` is an ELF file.
Result<std::vector<std::string>> ProgramNames(std::string_view object);
// The errors of both end with what the verifier said last.
//
// How many instructions the verifier walks. Fast: it prints nothing else.
Result<uint64_t> VerifiedInstructions(std::string_view object, const std::string& name, Configuration configuration);
// `verified_instructions`, if known, makes room for the log at the first attempt: some 700 bytes each.
Result<LoadedProgram> LoadProgram(std::string_view object, const std::string& name, Configuration configuration,
                                  uint64_t verified_instructions = 0);

}  // namespace rpctee::lint
