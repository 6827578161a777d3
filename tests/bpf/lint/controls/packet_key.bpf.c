/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: hands a packet pointer to a helper that is allowed. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} words SEC(".maps");

static __noinline void observe(struct __sk_buff *skb)
{
	__u8 *data = (__u8 *)(long)skb->data;
	__u8 *end = (__u8 *)(long)skb->data_end;

	if (data + 4 <= end)
		bpf_map_lookup_elem(&words, data);
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
