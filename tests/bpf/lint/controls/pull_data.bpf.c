/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: makes the packet's data linear, which can fail and moves what other programs hold. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline void observe(struct __sk_buff *skb)
{
	bpf_skb_pull_data(skb, skb->len);
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
