// What the running kernel's verifier makes of one of the tap's programs.
//
//   verifier_report PROGRAM [replies]    rpctee_tap, rpctee_reply, rpctee_tap_old or rpctee_reply_old
//
// With `replies`, the program for requests as it is when answers are tapped too.
// Loads it, attached to nothing, and prints `insns=N states=N ms=N`: the instructions that the verifier walked (its
// limit is 1,000,000; newer kernels also tell it as bpf_prog_info.verified_insns, the log has it on all), and how long
// loading took. When it is refused, exit status 1, with the reason and the end of the verifier's log.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "rpctee_tap.skel.h"

namespace {

constexpr size_t kLogBytes = 16 << 20;
constexpr size_t kShownLines = 25;
constexpr uint32_t kStatistics = 4;  // BPF_LOG_STATS, Linux 5.2
constexpr uint32_t kInstructions = 1;

// libbpf's own words, kept for the case that the program is refused before the verifier sees it.
std::string libbpf_words;

int KeepWords(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_DEBUG) {
    char line[4'096];
    std::vsnprintf(line, sizeof(line), format, arguments);
    libbpf_words += line;
  }
  return 0;
}

std::string_view LastLines(std::string_view text, size_t lines) {
  size_t start = text.size();
  while (start > 0 && (lines > 0 || text[start - 1] != '\n')) {
    --start;
    if (start > 0 && text[start - 1] == '\n') {
      --lines;
    }
  }
  return text.substr(start);
}

struct Attempt {
  int error = 0;
  int64_t milliseconds = 0;
  std::string log;
};

Attempt Load(const char* name, bool replies, uint32_t log_level) {
  Attempt attempt;
  rpctee_tap* const skeleton = rpctee_tap__open();
  if (skeleton == nullptr) {
    attempt.error = -errno;
    return attempt;
  }
  // As the agent loads it: what is constant decides which instructions the verifier walks.
  skeleton->rodata->cfg_socket_mark = 0x7270'6374;
  skeleton->rodata->cfg_replies = replies ? 1 : 0;
  std::vector<char> log(kLogBytes);
  attempt.error = -ENOENT;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->obj) {
    const bool chosen = std::strcmp(bpf_program__name(program), name) == 0;
    bpf_program__set_autoload(program, chosen);
    if (chosen) {
      attempt.error = 0;
      bpf_program__set_log_level(program, log_level);
      bpf_program__set_log_buf(program, log.data(), log.size());
    }
  }
  if (attempt.error == 0) {
    const auto start = std::chrono::steady_clock::now();
    attempt.error = rpctee_tap__load(skeleton);
    const auto took = std::chrono::steady_clock::now() - start;
    attempt.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  }
  attempt.log = log.data();
  rpctee_tap__destroy(skeleton);
  return attempt;
}

int Refused(const Attempt& attempt) {
  const std::string_view end = LastLines(attempt.log.empty() ? libbpf_words : attempt.log, kShownLines);
  std::printf("refused: %s\n%.*s\n", std::strerror(-attempt.error), static_cast<int>(end.size()), end.data());
  return 1;
}

int Accepted(const Attempt& attempt) {
  unsigned insns = 0;
  unsigned states = 0;
  // From 7.x on, a line "insns processed N" comes before.
  const size_t at = attempt.log.rfind("\nprocessed ");
  if (at == std::string::npos ||
      std::sscanf(attempt.log.c_str() + at + 1,
                  "processed %u insns (limit %*u) max_states_per_insn %*u total_states %u", &insns, &states) != 2) {
    std::printf("the verifier's log has no statistics: %s\n", attempt.log.c_str());
    return 1;
  }
  std::printf("insns=%u states=%u ms=%lld\n", insns, states, static_cast<long long>(attempt.milliseconds));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool replies = argc == 3 && std::strcmp(argv[2], "replies") == 0;
  if (argc != 2 && !replies) {
    std::fputs("usage: verifier_report PROGRAM [replies]\n", stderr);
    return 2;
  }
  libbpf_set_print(KeepWords);
  const Attempt attempt = Load(argv[1], replies, kStatistics);
  // A refused program is tried again, with each instruction in the log.
  return attempt.error == 0 ? Accepted(attempt) : Refused(Load(argv[1], replies, kInstructions | kStatistics));
}
