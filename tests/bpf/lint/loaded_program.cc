#include "bpf/lint/loaded_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace rpctee::lint {
namespace {

// Level 2 prints every instruction on every path. The kernel refuses a program whose log does not fit.
constexpr size_t kFirstLogBytes = 16U << 20;
constexpr size_t kLastLogBytes = 512U << 20;
constexpr uint32_t kLogLevel = 2 | 4;  // BPF_LOG_LEVEL2 | BPF_LOG_STATS
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

// One attempt; `log` is the verifier's buffer. Sets `retry` when the log was too small.
Result<LoadedProgram> TryLoad(std::string_view bytes, const std::string& name, Configuration configuration,
                              std::string& log, bool& retry) {
  const Result<Object> object = Open(bytes);
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
  bpf_program__set_log_level(program, kLogLevel);
  bpf_program__set_log_buf(program, log.data(), log.size());
  const int error = bpf_object__load(object->get());
  const std::string_view said(log.data(), ::strnlen(log.data(), log.size()));
  retry = error == -ENOSPC;
  if (error != 0) {
    return WithContext("load " + name, Error{std::string(std::strerror(-error)) + "\n" + std::string(Tail(said))});
  }
  Result<Instructions> translated = Translated(bpf_program__fd(program));
  if (!translated) {
    return WithContext(name, translated.error());
  }
  const bpf_insn* first = bpf_program__insns(program);
  return LoadedProgram{.name = name,
                       .object = Instructions(first, first + bpf_program__insn_cnt(program)),
                       .translated = *std::move(translated),
                       .log = std::string(said)};
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

Result<LoadedProgram> LoadProgram(std::string_view object, const std::string& name, Configuration configuration) {
  for (size_t log_bytes = kFirstLogBytes;; log_bytes *= 2) {
    std::string log(log_bytes, '\0');
    bool retry = false;
    Result<LoadedProgram> program = TryLoad(object, name, configuration, log, retry);
    if (program || !retry || log_bytes >= kLastLogBytes) {
      return program;
    }
  }
}

}  // namespace rpctee::lint
