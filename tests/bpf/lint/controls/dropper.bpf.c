/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: drops every packet. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline void observe(struct __sk_buff *skb)
{
	asm volatile("" : : "r"(skb));
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return 2; /* TC_ACT_SHOT */
}

char LICENSE[] SEC("license") = "GPL";
