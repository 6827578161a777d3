/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: writes a packet byte by a helper. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline void observe(struct __sk_buff *skb)
{
	__u8 byte = 0;

	bpf_skb_store_bytes(skb, 0, &byte, sizeof(byte), 0);
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
