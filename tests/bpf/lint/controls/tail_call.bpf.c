/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: jumps to another program, whose verdict could be anything. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

static __noinline int observe(struct __sk_buff *skb)
{
	__u32 index = skb->len;

	bpf_tail_call(skb, &programs, index);
	return 0;
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
