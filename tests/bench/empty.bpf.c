/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A tc program that does nothing: what the kernel's own statistics cost, to subtract from what they say of the tap. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int rpctee_empty(struct __sk_buff *skb)
{
	(void)skb;
	return -1; /* TC_ACT_UNSPEC: as if no program were here */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
