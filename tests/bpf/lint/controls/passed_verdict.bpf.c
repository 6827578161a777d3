/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: the verdict is what the subprogram returns, which is always -1. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline int observe(struct __sk_buff *skb)
{
	int verdict = -1;

	/* So that the compiler can't make it the entry's own constant. */
	asm volatile("" : "+r"(verdict) : "r"(skb));
	return verdict;
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	return observe(skb);
}

char LICENSE[] SEC("license") = "GPL";
