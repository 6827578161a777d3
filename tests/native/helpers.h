/*
 * The kernel's helpers that the tap program calls, natively. Plain C and plain C++.
 *
 * One thread, while a native::Machine is there. Arguments and results are those of the helpers that they stand for.
 */
#ifndef RPCTEE_TESTS_NATIVE_HELPERS_H_
#define RPCTEE_TESTS_NATIVE_HELPERS_H_

#include <linux/bpf.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

void* native_map_lookup_elem(void* map, const void* key);
long native_map_update_elem(void* map, const void* key, const void* value, __u64 flags);
long native_map_delete_elem(void* map, const void* key);
long native_skb_load_bytes(const void* skb, __u32 offset, void* to, __u32 bytes);
__u64 native_ktime_get_ns(void);
__u64 native_jiffies64(void);
__u32 native_get_prandom_u32(void);
__u32 native_get_smp_processor_id(void);
long native_loop(__u32 steps, void* step, void* context, __u64 flags);
long native_spin_lock(struct bpf_spin_lock* lock);
long native_spin_unlock(struct bpf_spin_lock* lock);
long native_ringbuf_output(void* ring, void* data, __u64 bytes, __u64 flags);
void* native_ringbuf_reserve(void* ring, __u64 bytes, __u64 flags);
void native_ringbuf_submit(void* data, __u64 flags);
void native_ringbuf_discard(void* data, __u64 flags);
__u64 native_ringbuf_query(void* ring, __u64 flags);

#ifdef __cplusplus
}
#endif

#endif /* RPCTEE_TESTS_NATIVE_HELPERS_H_ */
