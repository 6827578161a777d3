#include "native/machine.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "rpctee_tap.skel.h"

namespace rpctee::test::native {
namespace {

Machine* running = nullptr;

std::unique_ptr<Map> MakeMap(const bpf_map* declared, size_t ring_bytes) {
  const size_t entries = bpf_map__max_entries(declared);
  const size_t key_bytes = bpf_map__key_size(declared);
  const size_t value_bytes = bpf_map__value_size(declared);
  const bpf_map_type type = bpf_map__type(declared);
  switch (type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return std::make_unique<ArrayMap>(entries, value_bytes, type == BPF_MAP_TYPE_PERCPU_ARRAY);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
      return std::make_unique<HashMap>(entries, key_bytes, value_bytes, type == BPF_MAP_TYPE_LRU_HASH);
    case BPF_MAP_TYPE_RINGBUF:
      return std::make_unique<RingMap>(ring_bytes);
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
      return std::make_unique<ArrayOfRings>(entries, ring_bytes);
    default:
      return nullptr;
  }
}

// Only rings stand inside other maps so far.
bool HoldsOnlyRings(bpf_map* declared) {
  return bpf_map__type(declared) != BPF_MAP_TYPE_ARRAY_OF_MAPS ||
         (bpf_map__inner_map(declared) != nullptr &&
          bpf_map__type(bpf_map__inner_map(declared)) == BPF_MAP_TYPE_RINGBUF);
}

}  // namespace

Machine::Machine(size_t ring_bytes) {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  rpctee_tap* const skeleton = rpctee_tap__open();
  if (skeleton == nullptr) {
    error_ = "can't open the BPF object";
    return;
  }
  bpf_map* declared = nullptr;
  bpf_object__for_each_map(declared, skeleton->obj) {
    if (error_.empty() && HoldsOnlyRings(declared)) {
      AddMap(declared, ring_bytes);
    } else if (error_.empty()) {
      error_ = std::string("map ") + bpf_map__name(declared) + ": only rings can stand in a map here";
    }
  }
  rpctee_tap__destroy(skeleton);
  draws_ = [random = std::mt19937(1)]() mutable { return static_cast<uint32_t>(random()); };
}

void Machine::AddMap(const bpf_map* declared, size_t ring_bytes) {
  const std::string name = bpf_map__name(declared);
  if (bpf_map__is_internal(declared)) {
    // Constants are set by name. Variables would be left over for the next machine.
    const bool has_variables = name.ends_with(".bss") || name.ends_with(".data");
    error_ = has_variables ? "the program has variables that are in no map: " + name : "";
    return;
  }
  std::unique_ptr<Map> map = MakeMap(declared, ring_bytes);
  void* const symbol = dlsym(RTLD_DEFAULT, name.c_str());
  if (map == nullptr || symbol == nullptr) {
    error_ = "map " + name + (map == nullptr ? ": its type is not known here" : ": the native program has no such map");
    return;
  }
  symbols_.emplace_back(static_cast<Map**>(symbol), map.get());
  if (RingMap* const ring = map->AsRing(); ring != nullptr) {
    rings_.push_back(ring);
  }
  if (const auto* const slots = dynamic_cast<ArrayOfRings*>(map.get()); slots != nullptr) {
    for (const auto& ring : slots->rings()) {
      rings_.push_back(ring.get());
    }
  }
  maps_.emplace(name, std::move(map));
}

Map* Machine::FindMap(const std::string& name) const {
  const auto found = maps_.find(name);
  return found == maps_.end() ? nullptr : found->second.get();
}

int Machine::Run(int (*program)(__sk_buff*), Packet& packet) {
  running = this;
  for (const auto& [symbol, map] : symbols_) {
    *symbol = map;
  }
  const int verdict = program(&packet.context);
  running = nullptr;
  for (const auto& [name, map] : maps_) {
    map->EndRun();
  }
  return verdict;
}

void Machine::Forget() {
  for (const auto& [name, map] : maps_) {
    map->Forget();
  }
}

Machine& Machine::Running() {
  if (running == nullptr) {
    std::fputs("a helper was called while no program runs\n", stderr);
    std::abort();
  }
  ++running->steps_;
  return *running;
}

}  // namespace rpctee::test::native
