/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Stands in for libbpf's header of this name when the tap program is compiled for this machine: the macros that BPF C
 * is written with, and the kernel's helpers as ordinary functions. Their real names would clash with libbpf's own.
 *
 * A helper that the program begins to use is an implicit declaration here, which is an error: give it a line below, and
 * a body in tests/native/helpers.cc.
 */
#ifndef RPCTEE_TESTS_NATIVE_SHIM_BPF_BPF_HELPERS_H_
#define RPCTEE_TESTS_NATIVE_SHIM_BPF_BPF_HELPERS_H_

#include <linux/bpf.h>
#include <linux/types.h>

#include "tests/native/helpers.h"

/* Maps are ordinary objects: what they are is read from the BPF object, by name. */
#define SEC(name) __attribute__((used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val)* name
#define __array(name, val) __typeof__(val)* name[]

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define barrier() asm volatile("" ::: "memory")
#define barrier_var(var) asm volatile("" : "=r"(var) : "0"(var))

#define bpf_map_lookup_elem(map, key) native_map_lookup_elem(map, key)
#define bpf_map_update_elem(map, key, value, flags) native_map_update_elem(map, key, value, flags)
#define bpf_map_delete_elem(map, key) native_map_delete_elem(map, key)
#define bpf_skb_load_bytes(skb, offset, to, bytes) native_skb_load_bytes(skb, offset, to, bytes)
#define bpf_ktime_get_ns() native_ktime_get_ns()
#define bpf_ktime_get_boot_ns() native_ktime_get_ns()
#define bpf_jiffies64() native_jiffies64()
#define bpf_get_prandom_u32() native_get_prandom_u32()
#define bpf_get_smp_processor_id() native_get_smp_processor_id()
#define bpf_loop(steps, step, context, flags) native_loop(steps, step, context, flags)
#define bpf_spin_lock(lock) native_spin_lock(lock)
#define bpf_spin_unlock(lock) native_spin_unlock(lock)
#define bpf_ringbuf_output(ring, data, bytes, flags) native_ringbuf_output(ring, data, bytes, flags)
#define bpf_ringbuf_reserve(ring, bytes, flags) native_ringbuf_reserve(ring, bytes, flags)
#define bpf_ringbuf_submit(data, flags) native_ringbuf_submit(data, flags)
#define bpf_ringbuf_discard(data, flags) native_ringbuf_discard(data, flags)
#define bpf_ringbuf_query(ring, flags) native_ringbuf_query(ring, flags)

#endif /* RPCTEE_TESTS_NATIVE_SHIM_BPF_BPF_HELPERS_H_ */
