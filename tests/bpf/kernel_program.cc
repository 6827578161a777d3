#include "bpf/kernel_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <map>

#include "rpctee_tap.skel.h"

namespace rpctee::test {
namespace {

using Programs = std::vector<std::unique_ptr<KernelProgram>>;

// Those that nobody uses now.
Programs& IdlePrograms(const LoadOptions& options) {
  static std::map<LoadOptions, Programs> idle;
  return idle[options];
}

size_t ElementBytes(const bpf_map* map) {
  const size_t bytes = bpf_map__value_size(map);
  const bool is_per_cpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
  return is_per_cpu ? (bytes + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus()) : bytes;
}

bool FillWithZeros(const bpf_map* map) {
  const std::vector<uint8_t> zeros(ElementBytes(map));
  bool is_done = true;
  for (uint32_t i = 0; i < bpf_map__max_entries(map); ++i) {
    is_done = bpf_map_update_elem(bpf_map__fd(map), &i, zeros.data(), BPF_ANY) == 0 && is_done;
  }
  return is_done;
}

bool DeleteAll(const bpf_map* map) {
  const int fd = bpf_map__fd(map);
  // All keys first: each look for the first one would go through the whole table.
  std::vector<std::vector<uint8_t>> keys = {std::vector<uint8_t>(bpf_map__key_size(map))};
  const void* last = nullptr;
  while (bpf_map_get_next_key(fd, last, keys.back().data()) == 0) {
    keys.push_back(keys.back());
    last = keys[keys.size() - 2].data();
  }
  keys.pop_back();
  bool is_done = true;
  for (const std::vector<uint8_t>& key : keys) {
    is_done = bpf_map_delete_elem(fd, key.data()) == 0 && is_done;
  }
  return is_done;
}

// False when it can't be brought back to what loading gives.
bool Empty(const bpf_map* map) {
  switch (bpf_map__type(map)) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return FillWithZeros(map);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
      return DeleteAll(map);
    default:
      return false;
  }
}

bool IsConstant(const bpf_map* map) { return (bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) != 0; }
bool HasRings(const bpf_map* map) { return bpf_map__type(map) == BPF_MAP_TYPE_ARRAY_OF_MAPS; }

// The tables that the program writes are least-recently-used ones and per-CPU arrays; all others are the agent's.
bool IsOfProgram(const bpf_map* map) {
  return bpf_map__type(map) == BPF_MAP_TYPE_LRU_HASH || bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
}

}  // namespace

KernelProgram::KernelProgram(const LoadOptions& options) : options_(options) {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  skeleton_ = rpctee_tap__open();
  if (skeleton_ == nullptr) {
    error_ = "can't open the tap program";
    return;
  }
  const auto& programs = skeleton_->progs;
  for_requests_ = options.use_old ? programs.rpctee_tap_old : programs.rpctee_tap;
  for_answers_ = options.use_old ? programs.rpctee_reply_old : programs.rpctee_reply;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) {
    bpf_program__set_autoload(program, program == for_requests_ || (program == for_answers_ && options.replies));
  }
  skeleton_->rodata->cfg_replies = options.replies ? 1 : 0;
  skeleton_->rodata->cfg_max_request_bytes = options.max_request_bytes;
  skeleton_->rodata->cfg_socket_mark = options.socket_mark;
  skeleton_->rodata->cfg_rings = options.rings;
  if (const int error = rpctee_tap__load(skeleton_); error != 0) {
    error_ = std::string("can't load the tap program: ") + std::strerror(-error);
  }
}

KernelProgram::~KernelProgram() { rpctee_tap__destroy(skeleton_); }

std::unique_ptr<KernelProgram> KernelProgram::Borrow(const LoadOptions& options) {
  Programs& idle = IdlePrograms(options);
  if (idle.empty()) {
    return std::make_unique<KernelProgram>(options);
  }
  std::unique_ptr<KernelProgram> program = std::move(idle.back());
  idle.pop_back();
  program->MakeAsNew();
  return program;
}

void KernelProgram::GiveBack(std::unique_ptr<KernelProgram> program) {
  if (program->error().empty()) {
    IdlePrograms(program->options_).push_back(std::move(program));
  }
}

int KernelProgram::MapFd(const char* map) const { return bpf_object__find_map_fd_by_name(skeleton_->obj, map); }

std::vector<const bpf_map*> KernelProgram::maps() const {
  std::vector<const bpf_map*> maps;
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) { maps.push_back(map); }
  return maps;
}

void KernelProgram::Forget() {
  for (const bpf_map* const map : maps()) {
    if (IsOfProgram(map)) {
      Empty(map);
    }
  }
}

void KernelProgram::MakeAsNew() {
  for (const bpf_map* const map : maps()) {
    if (!IsConstant(map) && !HasRings(map) && !Empty(map)) {
      error_ = std::string("can't empty ") + bpf_map__name(map);
    }
  }
}

}  // namespace rpctee::test
