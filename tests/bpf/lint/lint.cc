#include "bpf/lint/lint.h"

#include <algorithm>
#include <array>

#include "bpf/lint/allowed_calls.h"
#include "bpf/lint/call_tree.h"
#include "bpf/lint/verifier_log.h"

namespace rpctee::lint {
namespace {

constexpr size_t kEntryInstructions = 3;

// Where a subprogram call of translated code goes. Its distance is in `off`; `imm` is the subprogram's number there.
size_t TranslatedTarget(size_t index, const bpf_insn& insn) {
  return static_cast<size_t>(static_cast<int64_t>(index) + 1 + insn.off);
}

std::string At(size_t index) { return "instruction " + std::to_string(index) + ": "; }

class Linter {
 public:
  Linter(const LoadedProgram& program, const KernelSymbols& symbols)
      : object_(program.object),
        translated_(program.translated),
        symbols_(symbols),
        facts_(ReadVerifierLog(program.log, program.object)) {}

  Report Run();

 private:
  void CheckEntry();
  void CheckVerdicts();
  void CheckPrologue();
  void CheckObjectCalls();
  void CheckTranslatedCalls();
  void CheckAccesses();
  void CheckAccess(size_t index, const bpf_insn& insn);
  void Measure();
  size_t TranslatedEntryEnd() const;
  bool IsPullData(const bpf_insn& insn) const;
  void Find(Rule rule, std::string text) { report_.findings.push_back({.rule = rule, .text = std::move(text)}); }

  const Instructions& object_;
  const Instructions& translated_;
  const KernelSymbols& symbols_;
  const LogFacts facts_;
  Report report_;
};

Report Linter::Run() {
  CheckEntry();
  CheckVerdicts();
  CheckPrologue();
  CheckObjectCalls();
  CheckTranslatedCalls();
  CheckAccesses();
  Measure();
  return std::move(report_);
}

// These three instructions hold no jump, so they are all of the entry that can run.
void Linter::CheckEntry() {
  const bool is_trampoline = translated_.size() > kEntryInstructions && IsSubprogramCall(translated_[0]) &&
                             TranslatedTarget(0, translated_[0]) >= kEntryInstructions && IsVerdict(translated_[1]) &&
                             IsExit(translated_[2]);
  if (!is_trampoline) {
    Find(Rule::kEntry, "the translated program does not start with `call; r0 = -1; exit`");
  }
}

size_t Linter::TranslatedEntryEnd() const {
  size_t end = translated_.size();
  ForEachInstruction(translated_, [&](size_t i, const bpf_insn& insn) {
    if (IsSubprogramCall(insn)) {
      end = std::min(end, TranslatedTarget(i, insn));
    } else if (IsSubprogramAddress(insn)) {
      end = std::min(end, static_cast<size_t>(static_cast<int64_t>(i) + 1 + insn.imm));
    }
  });
  return end;
}

// An exit returns -1 for sure when the instruction before it sets that, and nothing jumps between the two.
void Linter::CheckVerdicts() {
  const size_t end = TranslatedEntryEnd();
  std::vector<bool> is_target(end, false);
  ForEachInstruction(translated_, [&](size_t i, const bpf_insn& insn) {
    const bool is_long = insn.code == (BPF_JMP32 | BPF_JA);
    const auto target = static_cast<size_t>(static_cast<int64_t>(i) + 1 + (is_long ? insn.imm : insn.off));
    if (IsJump(insn) && target < end) {
      is_target[target] = true;
    }
  });
  for (size_t i = 0; i < end; ++i) {
    if (IsExit(translated_[i]) && (i == 0 || is_target[i] || !IsVerdict(translated_[i - 1]))) {
      Find(Rule::kVerdict, At(i) + "this exit of the translated entry does not return the constant -1");
    }
  }
}

bool Linter::IsPullData(const bpf_insn& insn) const {
  if (!IsHelperCall(insn)) {
    return false;
  }
  const std::vector<std::string> names = symbols_.NamesAt(insn.imm);
  return std::find(names.begin(), names.end(), kPullDataFunction) != names.end();
}

void Linter::CheckPrologue() {
  const auto own = std::count_if(object_.begin(), object_.end(), [](const bpf_insn& insn) {
    return IsHelperCall(insn) && insn.imm == kPullDataHelper;
  });
  const auto all =
      std::count_if(translated_.begin(), translated_.end(), [this](const bpf_insn& insn) { return IsPullData(insn); });
  if (all > own) {
    Find(Rule::kPrologue, "the kernel added a call of bpf_skb_pull_data");
  }
  // The kernel translates loads, wide immediates and helper calls; it leaves the rest as it is.
  if (object_.empty() || translated_.empty() || IsLoad(object_[0]) || IsWideImmediate(object_[0]) ||
      IsHelperCall(object_[0])) {
    return;
  }
  if (object_[0].code != translated_[0].code || object_[0].dst_reg != translated_[0].dst_reg) {
    Find(Rule::kPrologue, "the translated program does not start with the object's first instruction");
  }
}

void Linter::CheckObjectCalls() {
  ForEachInstruction(object_, [this](size_t i, const bpf_insn& insn) {
    if (!IsCall(insn) || IsSubprogramCall(insn)) {
      return;
    }
    if (!IsHelperCall(insn)) {
      Find(Rule::kKfunc, At(i) + "calls what is neither helper nor subprogram");
    } else if (insn.imm == kTailCallHelper) {
      Find(Rule::kTailCall, At(i) + "tail call");
    } else if (!IsAllowedHelper(insn.imm)) {
      Find(Rule::kHelper, At(i) + "calls helper " + std::to_string(insn.imm));
    }
  });
}

void Linter::CheckTranslatedCalls() {
  ForEachInstruction(translated_, [this](size_t i, const bpf_insn& insn) {
    if (!IsCall(insn) || IsSubprogramCall(insn)) {
      return;
    }
    if (!IsHelperCall(insn)) {
      Find(Rule::kKfunc, At(i) + "the translated program calls what is neither helper nor subprogram");
      return;
    }
    // The kernel shows a tail call by its helper's number, any other call by its distance.
    if (insn.imm == kTailCallHelper) {
      Find(Rule::kTailCall, At(i) + "the translated program has a tail call");
      return;
    }
    const std::vector<std::string> names = symbols_.NamesAt(insn.imm);
    if (insn.imm == 0 || names.empty()) {
      Find(Rule::kUnproven, At(i) + "the translated program calls a function without a name");
    } else if (!IsAllowedFunction(names)) {
      Find(Rule::kTranslatedCall, At(i) + "the translated program calls " + names.front());
    }
  });
}

void Linter::CheckAccesses() {
  if (!facts_.mismatch.empty()) {
    Find(Rule::kUnproven, "verifier log: " + facts_.mismatch);
    return;
  }
  ForEachInstruction(object_, [this](size_t i, const bpf_insn& insn) {
    if (IsLegacyPacketLoad(insn)) {
      Find(Rule::kPacketAccess, At(i) + "reads the packet by LD_ABS or LD_IND");
    }
    CheckAccess(i, insn);
  });
}

void Linter::CheckAccess(size_t index, const bpf_insn& insn) {
  const auto arguments = facts_.arguments.find(index);
  if (arguments != facts_.arguments.end() && arguments->second.count(RegisterKind::kPacket) != 0) {
    Find(Rule::kPacketAccess, At(index) + "gives a packet pointer to a helper");
  }
  const auto bases = facts_.bases.find(index);
  if (bases == facts_.bases.end()) {
    return;
  }
  const bool store = IsStore(insn);
  for (const RegisterKind kind : bases->second) {
    if (kind == RegisterKind::kPacket) {
      Find(store ? Rule::kPacketStore : Rule::kPacketAccess, At(index) + (store ? "writes" : "reads") + " the packet");
    } else if (kind == RegisterKind::kContext && store) {
      Find(Rule::kContextStore, At(index) + "writes the context at offset " + std::to_string(insn.off));
    } else if (kind != RegisterKind::kOwnMemory && (store || kind == RegisterKind::kUnknown)) {
      Find(Rule::kUnproven, At(index) + "the verifier log does not tell that the address is the program's own");
    }
  }
}

void Linter::Measure() {
  report_.verified_instructions = facts_.verified_instructions;
  report_.stack_bytes = ChainStackBytes(object_, facts_.stack_depths);
  report_.object_instructions = object_.size();
  report_.translated_instructions = translated_.size();
  ForEachInstruction(object_, [this](size_t i, const bpf_insn& insn) {
    report_.stores += IsStore(insn) ? 1 : 0;
    report_.walked_stores += IsStore(insn) && facts_.bases.count(i) != 0 ? 1 : 0;
  });
}

}  // namespace

std::string_view RuleName(Rule rule) {
  constexpr std::array<std::string_view, 11> kNames = {"entry",           "verdict",       "prologue",  "helper",
                                                       "translated-call", "kfunc",         "tail-call", "context-store",
                                                       "packet-store",    "packet-access", "unproven"};
  return kNames[static_cast<size_t>(rule)];
}

std::string Report::Text() const {
  std::string text = "verified instructions " + std::to_string(verified_instructions) + ", stack bytes " +
                     (stack_bytes ? std::to_string(*stack_bytes) : "unknown") + ", object " +
                     std::to_string(object_instructions) + ", translated " + std::to_string(translated_instructions) +
                     ", stores " + std::to_string(stores) + " (walked " + std::to_string(walked_stores) + ")";
  for (const Finding& finding : findings) {
    text += "\n  " + std::string(RuleName(finding.rule)) + ": " + finding.text;
  }
  return text;
}

Report Lint(const LoadedProgram& program, const KernelSymbols& symbols) { return Linter(program, symbols).Run(); }

}  // namespace rpctee::lint
