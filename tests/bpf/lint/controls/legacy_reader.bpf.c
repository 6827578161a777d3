/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: reads a packet byte by the old instruction for it, which can end the program. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");

static __noinline int observe(struct __sk_buff *skb)
{
	unsigned long long byte = load_byte(skb, 0);

	asm volatile("" : : "r"(byte));
	return 0;
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
