/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: writes a packet byte through a pointer, for which the kernel adds a prologue that can drop the packet. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline void observe(struct __sk_buff *skb)
{
	__u8 *data = (__u8 *)(long)skb->data;
	__u8 *end = (__u8 *)(long)skb->data_end;

	if (data + 1 <= end)
		data[0] = 0;
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
