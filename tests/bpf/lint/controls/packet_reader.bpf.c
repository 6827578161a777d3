/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: reads a packet byte through a pointer. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline void observe(struct __sk_buff *skb)
{
	volatile __u8 *data = (volatile __u8 *)(long)skb->data;
	volatile __u8 *end = (volatile __u8 *)(long)skb->data_end;

	if (data + 1 <= end)
		(void)data[0];
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
