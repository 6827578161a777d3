#include "bpf/lint/allowed_calls.h"

#include <linux/bpf.h>

#include <algorithm>
#include <array>

namespace rpctee::lint {
namespace {

constexpr std::array kHelpers = {
    BPF_FUNC_map_lookup_elem, BPF_FUNC_map_update_elem,
    BPF_FUNC_map_delete_elem, BPF_FUNC_ktime_get_ns,
    BPF_FUNC_jiffies64,       BPF_FUNC_get_smp_processor_id,
    BPF_FUNC_get_prandom_u32, BPF_FUNC_skb_load_bytes,
    BPF_FUNC_ringbuf_output,  BPF_FUNC_ringbuf_reserve,
    BPF_FUNC_ringbuf_submit,  BPF_FUNC_ringbuf_discard,
    BPF_FUNC_ringbuf_query,   BPF_FUNC_loop,
    BPF_FUNC_spin_lock,       BPF_FUNC_spin_unlock,
};

// The helpers' own functions, then those of arrays and hashes (kernel/bpf/arraymap.c, hashtab.c) that the verifier
// calls directly. The random number's function is named after its users, Linux 4.4 to 6.18.
constexpr std::array<std::string_view, 34> kFunctions = {
    "bpf_map_lookup_elem",
    "bpf_map_update_elem",
    "bpf_map_delete_elem",
    "bpf_ktime_get_ns",
    "bpf_jiffies64",
    "bpf_get_smp_processor_id",
    "bpf_get_prandom_u32",
    "bpf_user_rnd_u32",
    "bpf_skb_load_bytes",
    "bpf_ringbuf_output",
    "bpf_ringbuf_reserve",
    "bpf_ringbuf_submit",
    "bpf_ringbuf_discard",
    "bpf_ringbuf_query",
    "bpf_loop",
    "bpf_spin_lock",
    "bpf_spin_unlock",
    "array_map_lookup_elem",
    "array_of_map_lookup_elem",
    "array_map_update_elem",
    "array_map_delete_elem",
    "percpu_array_map_lookup_elem",
    "percpu_array_map_update_elem",
    "__htab_map_lookup_elem",
    "htab_map_lookup_elem",
    "htab_map_update_elem",
    "htab_map_delete_elem",
    "htab_lru_map_lookup_elem",
    "htab_lru_map_update_elem",
    "htab_lru_map_delete_elem",
    "htab_percpu_map_lookup_elem",
    "htab_percpu_map_update_elem",
    "htab_lru_percpu_map_lookup_elem",
    "htab_lru_percpu_map_update_elem",
};

}  // namespace

bool IsAllowedHelper(int32_t id) { return std::find(kHelpers.begin(), kHelpers.end(), id) != kHelpers.end(); }

bool IsAllowedFunction(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end();
  });
}

}  // namespace rpctee::lint
