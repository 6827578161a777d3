#include "bpf/lint/loaded_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "bpf/lint/verifier_log.h"

namespace rpctee::lint {
namespace {

constexpr uint32_t kStatistics = 4;                      // BPF_LOG_STATS
constexpr uint32_t kEveryInstruction = 2 | kStatistics;  // BPF_LOG_LEVEL2
constexpr size_t kStatisticsBytes = 64U << 10;
// The kernel refuses a program whose log does not fit. Measured, a walked instruction: 590 bytes on Linux 6.18, 670 on
// 5.10, 970 on 7.2.
constexpr size_t kLogBytesAtLeast = 16U << 20;
constexpr size_t kLogBytesEach = 1200;
constexpr size_t kLastLogBytes = 1U << 30;
constexpr size_t kQuotedLogBytes = 600;

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, CloseObject>;

Result<Object> Open(std::string_view bytes) {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  errno = 0;
  bpf_object* object = bpf_object__open_mem(bytes.data(), bytes.size(), nullptr);
  if (object == nullptr) {
    return FailErrno("open the BPF object", errno);
  }
  return Object(object);
}

void MakeConstantsUnknown(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string_view(bpf_map__name(map)).find(".rodata") != std::string_view::npos) {
      // The verifier knows the values of a map that neither side can write.
      bpf_map__set_map_flags(map, bpf_map__map_flags(map) & ~static_cast<uint32_t>(BPF_F_RDONLY_PROG));
    }
  }
}

Result<Instructions> Translated(int program_fd) {
  bpf_prog_info info{};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(program_fd, &info, &bytes) != 0) {
    return FailErrno("ask for the program's size", errno);
  }
  Instructions code(info.xlated_prog_len / sizeof(bpf_insn));
  info = {};
  info.xlated_prog_len = static_cast<uint32_t>(code.size() * sizeof(bpf_insn));
  info.xlated_prog_insns = reinterpret_cast<uintptr_t>(code.data());
  bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(program_fd, &info, &bytes) != 0) {
    return FailErrno("ask for the translated program", errno);
  }
  if (info.xlated_prog_insns == 0 || info.xlated_prog_len != code.size() * sizeof(bpf_insn)) {
    return Fail("the kernel does not show the translated program");
  }
  return code;
}

std::string_view Tail(std::string_view log) {
  return log.substr(log.size() > kQuotedLogBytes ? log.size() - kQuotedLogBytes : 0);
}

// One program of an object, on its way into the kernel. Pages of the log that the kernel does not write cost nothing.
struct Loading {
  Object object;
  bpf_program* program;
  std::unique_ptr<char[]> log;
  size_t log_bytes;

  int Load(uint32_t log_level) {
    log[0] = '\0';
    bpf_program__set_log_level(program, log_level);
    bpf_program__set_log_buf(program, log.get(), log_bytes);
    return bpf_object__load(object.get());
  }
  std::string_view Said() const { return {log.get(), ::strnlen(log.get(), log_bytes)}; }
  tl::unexpected<Error> Refused(int error) const {
    return FailErrno("load " + std::string(bpf_program__name(program)) + " (" + std::string(Tail(Said())) + ")",
                     -error);
  }
};

Result<Loading> Prepare(std::string_view bytes, const std::string& name, Configuration configuration,
                        size_t log_bytes) {
  Result<Object> object = Open(bytes);
  if (!object) {
    return tl::unexpected(object.error());
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object->get()) {
    bpf_program__set_autoload(program, name == bpf_program__name(program));
  }
  program = bpf_object__find_program_by_name(object->get(), name.c_str());
  if (program == nullptr) {
    return Fail("the BPF object has no program " + name);
  }
  if (configuration == Configuration::kAny) {
    MakeConstantsUnknown(object->get());
  }
  return Loading{.object = *std::move(object),
                 .program = program,
                 .log = std::unique_ptr<char[]>(new char[log_bytes]),
                 .log_bytes = log_bytes};
}

Result<LoadedProgram> Describe(const Loading& loaded) {
  const std::string name = bpf_program__name(loaded.program);
  Result<Instructions> translated = Translated(bpf_program__fd(loaded.program));
  if (!translated) {
    return WithContext(name, translated.error());
  }
  const bpf_insn* first = bpf_program__insns(loaded.program);
  return LoadedProgram{.name = name,
                       .object = Instructions(first, first + bpf_program__insn_cnt(loaded.program)),
                       .translated = *std::move(translated),
                       .log = std::string(loaded.Said())};
}

}  // namespace

Result<std::vector<std::string>> ProgramNames(std::string_view object) {
  const Result<Object> opened = Open(object);
  if (!opened) {
    return tl::unexpected(opened.error());
  }
  std::vector<std::string> names;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, opened->get()) { names.emplace_back(bpf_program__name(program)); }
  return names;
}

Result<uint64_t> VerifiedInstructions(std::string_view object, const std::string& name, Configuration configuration) {
  Result<Loading> loading = Prepare(object, name, configuration, kStatisticsBytes);
  if (!loading) {
    return tl::unexpected(loading.error());
  }
  if (const int error = loading->Load(kStatistics); error != 0) {
    return loading->Refused(error);
  }
  return ReadVerifierLog(loading->Said(), {}).verified_instructions;
}

Result<LoadedProgram> LoadProgram(std::string_view object, const std::string& name, Configuration configuration,
                                  uint64_t verified_instructions) {
  for (size_t log_bytes = kLogBytesAtLeast + verified_instructions * kLogBytesEach;; log_bytes *= 2) {
    Result<Loading> loading = Prepare(object, name, configuration, log_bytes);
    if (!loading) {
      return tl::unexpected(loading.error());
    }
    const int error = loading->Load(kEveryInstruction);
    if (error == 0) {
      return Describe(*loading);
    }
    if (error != -ENOSPC || log_bytes * 2 > kLastLogBytes) {
      return loading->Refused(error);
    }
  }
}

}  // namespace rpctee::lint
