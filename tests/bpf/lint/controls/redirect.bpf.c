/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: sends the packet elsewhere. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline int observe(struct __sk_buff *skb)
{
	return bpf_redirect(skb->ifindex, 0);
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	return observe(skb);
}

char LICENSE[] SEC("license") = "GPL";
