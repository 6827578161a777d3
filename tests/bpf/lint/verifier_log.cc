#include "bpf/lint/verifier_log.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace rpctee::lint {
namespace {

constexpr size_t kRegisters = 11;
constexpr size_t kCallerSaved = 6;  // r0 to r5
constexpr size_t kStackRegister = 10;
constexpr int32_t kFetch = 0x01;            // BPF_FETCH
constexpr int32_t kCompareExchange = 0xf1;  // BPF_CMPXCHG

bool StartsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool IsNameChar(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The number at `text`'s start, which is removed from it. False without one.
bool TakeNumber(std::string_view& text, uint64_t& number, int base = 10) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) {
    return false;
  }
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return true;
}

// `name` is a register type as the log prints it: "ctx", "map_value_or_null", "" before a plain number.
RegisterKind KindOf(std::string_view name) {
  constexpr std::string_view kOrNull = "_or_null";
  if (name.size() > kOrNull.size() && name.substr(name.size() - kOrNull.size()) == kOrNull) {
    name.remove_suffix(kOrNull.size());
  }
  if (name.empty() || name == "inv" || name == "invP" || name == "scalar" || name == "P" || name == "Pscalar") {
    return RegisterKind::kScalar;
  }
  if (name == "fp" || name == "map_value" || name == "mem" || name == "ringbuf_mem" || name == "alloc_mem") {
    return RegisterKind::kOwnMemory;
  }
  if (name == "ctx") {
    return RegisterKind::kContext;
  }
  if (name == "pkt" || name == "pkt_meta" || name == "pkt_end") {
    return RegisterKind::kPacket;
  }
  return RegisterKind::kOther;
}

class LogReader {
 public:
  LogReader(const Instructions& object, LogFacts& facts) : object_(object), facts_(facts) {
    facts_.visited.assign(object.size(), false);
    Forget();
  }

  void Line(std::string_view line);

 private:
  bool TakeStatistics(std::string_view line);
  bool Started(std::string_view line);
  void Forget();
  void State(std::string_view text);
  void Numbered(std::string_view line);
  bool Fits(size_t index, uint64_t code) const;
  void Visit(size_t index, uint64_t code);
  void Note(size_t index, const bpf_insn& insn);
  void Step(const bpf_insn& insn);
  void StepAtomic(const bpf_insn& insn);
  void StepArithmetic(const bpf_insn& insn);
  void StackDepths(std::string_view text);

  const Instructions& object_;
  LogFacts& facts_;
  std::array<RegisterKind, kRegisters> registers_{};
  bool started_ = false;
  bool frame_follows_ = false;
};

void LogReader::Forget() {
  registers_.fill(RegisterKind::kUnknown);
  registers_[kStackRegister] = RegisterKind::kOwnMemory;
}

// Linux 7 prints what it found out beforehand, in lines that look like the walk's, which starts at the entry or at a
// subprogram that is verified for itself.
bool LogReader::Started(std::string_view line) {
  started_ = started_ || StartsWith(line, "0: R1=ctx") || StartsWith(line, "Validating ");
  return started_;
}

void LogReader::Line(std::string_view line) {
  if (TakeStatistics(line) || !Started(line)) {
    return;
  }
  const bool is_frame = std::exchange(frame_follows_, false);
  if (line.empty()) {
    return;
  }
  if (is_frame && line.front() == ' ') {
    Forget();
    State(line);
  } else if (line == "callee:" || StartsWith(line, "to caller at ")) {
    frame_follows_ = true;
  } else if (StartsWith(line, "from ")) {
    Forget();
    State(line);
  } else if (StartsWith(line, "Validating ")) {
    Forget();
  } else if (IsDigit(line.front())) {
    Numbered(line);
  }
}

bool LogReader::TakeStatistics(std::string_view line) {
  constexpr std::string_view kProcessed = "processed ";
  constexpr std::string_view kStackDepth = "stack depth ";
  if (StartsWith(line, kProcessed)) {
    line.remove_prefix(kProcessed.size());
    TakeNumber(line, facts_.verified_instructions);
    return true;
  }
  if (StartsWith(line, kStackDepth)) {
    StackDepths(line.substr(kStackDepth.size()));
    return true;
  }
  return false;
}

// "280" or "0+280+48", to which Linux 7 adds " max 304".
void LogReader::StackDepths(std::string_view text) {
  facts_.stack_depths.clear();
  uint64_t bytes = 0;
  while (TakeNumber(text, bytes)) {
    facts_.stack_depths.push_back(static_cast<uint32_t>(bytes));
    if (text.empty() || text.front() != '+') {
      break;
    }
    text.remove_prefix(1);
  }
}

// Takes every "R1=ctx(" and "R1_w=ctx(" of `text`. Stack slots are "fp-8=...".
void LogReader::State(std::string_view text) {
  for (size_t at = text.find('R'); at != std::string_view::npos; at = text.find('R', at + 1)) {
    if (at > 0 && text[at - 1] != ' ') {
      continue;
    }
    std::string_view rest = text.substr(at + 1);
    uint64_t number = 0;
    if (!TakeNumber(rest, number) || number >= kRegisters) {
      continue;
    }
    const auto* equals = std::find_if_not(rest.begin(), rest.end(), IsNameChar);
    if (equals == rest.end() || *equals != '=') {
      continue;
    }
    const auto* name = equals + 1;
    const auto* end = std::find_if_not(name, rest.end(), IsNameChar);
    registers_[number] = KindOf(rest.substr(static_cast<size_t>(name - rest.begin()), static_cast<size_t>(end - name)));
  }
}

// "12: (7b) *(u64 *)(r10 -8) = r1 ; R1=..." is an instruction, "12: R1=..." the state before it.
void LogReader::Numbered(std::string_view line) {
  uint64_t index = 0;
  if (!TakeNumber(line, index) || !StartsWith(line, ":")) {
    return;
  }
  if (!StartsWith(line, ": (")) {
    State(line);
    return;
  }
  line.remove_prefix(3);
  uint64_t code = 0;
  if (!TakeNumber(line, code, 16) || !StartsWith(line, ")")) {
    return;
  }
  Visit(index, code);
  if (const size_t state = line.find(';'); state != std::string_view::npos) {
    State(line.substr(state + 1));
  }
}

// Linux 7 makes plain jumps of branches whose condition it knows, before it walks.
bool LogReader::Fits(size_t index, uint64_t code) const {
  return index < object_.size() &&
         (object_[index].code == code || (code == (BPF_JMP | BPF_JA) && IsJump(object_[index])));
}

void LogReader::Visit(size_t index, uint64_t code) {
  if (!Fits(index, code)) {
    facts_.mismatch = "instruction " + std::to_string(index) + " of the log is not that of the object";
    return;
  }
  facts_.visited[index] = true;
  Note(index, object_[index]);
  Step(object_[index]);
}

void LogReader::Note(size_t index, const bpf_insn& insn) {
  if (IsStore(insn)) {
    facts_.bases[index].insert(registers_[insn.dst_reg]);
  } else if (IsLoad(insn)) {
    facts_.bases[index].insert(registers_[insn.src_reg]);
  } else if (IsHelperCall(insn)) {
    facts_.arguments[index].insert(registers_.begin() + 1, registers_.begin() + kCallerSaved);
  }
}

// What the instruction does to the table if the log is silent about it. A loaded value is unknown until the log tells.
void LogReader::Step(const bpf_insn& insn) {
  switch (Class(insn)) {
    case BPF_LDX:
      registers_[insn.dst_reg] = RegisterKind::kUnknown;
      break;
    case BPF_LD:
      if (IsLegacyPacketLoad(insn)) {
        std::fill_n(registers_.begin(), kCallerSaved, RegisterKind::kUnknown);
      } else {
        registers_[insn.dst_reg] = RegisterKind::kUnknown;
      }
      break;
    case BPF_STX:
      StepAtomic(insn);
      break;
    case BPF_ALU:
    case BPF_ALU64:
      StepArithmetic(insn);
      break;
    default:
      // A subprogram's frame is printed whole when it is entered and left.
      if (IsCall(insn) && !IsSubprogramCall(insn)) {
        std::fill_n(registers_.begin(), kCallerSaved, RegisterKind::kUnknown);
      }
  }
}

void LogReader::StepAtomic(const bpf_insn& insn) {
  if ((insn.code & kModeMask) != BPF_ATOMIC) {
    return;
  }
  if (insn.imm == kCompareExchange) {
    registers_[0] = RegisterKind::kUnknown;
  } else if ((insn.imm & kFetch) != 0) {
    registers_[insn.src_reg] = RegisterKind::kUnknown;
  }
}

void LogReader::StepArithmetic(const bpf_insn& insn) {
  const bool wide = Class(insn) == BPF_ALU64;
  const bool from_register = (insn.code & kSourceMask) != 0;
  RegisterKind& target = registers_[insn.dst_reg];
  const RegisterKind source = from_register ? registers_[insn.src_reg] : RegisterKind::kScalar;
  const uint8_t operation = insn.code & kOperationMask;
  if (!wide) {
    target = RegisterKind::kScalar;
  } else if (operation == BPF_MOV) {
    target = source;
  } else if (operation == BPF_ADD && from_register && target == RegisterKind::kScalar) {
    target = source;
  }
}

}  // namespace

LogFacts ReadVerifierLog(std::string_view log, const Instructions& object) {
  LogFacts facts;
  LogReader reader(object, facts);
  while (!log.empty() && facts.mismatch.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    reader.Line(log.substr(0, end));
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  if (facts.mismatch.empty() && (object.empty() || !facts.visited.front())) {
    facts.mismatch = "the log does not show the program's first instruction";
  }
  return facts;
}

}  // namespace rpctee::lint
