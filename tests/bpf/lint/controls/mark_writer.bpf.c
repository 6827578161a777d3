/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: sets the packet's mark. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline void observe(struct __sk_buff *skb)
{
	skb->mark = 7;
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
