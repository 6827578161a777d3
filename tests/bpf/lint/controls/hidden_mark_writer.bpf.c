/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Control: sets the packet's mark on one path out of many, by a context that went through memory. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct run {
	struct __sk_buff *skb;
	__u32 step;
};

static __noinline void mark(struct run *run)
{
	run->step++;
	if (run->step > 3)
		run->skb->mark = run->step;
}

static __noinline void observe(struct __sk_buff *skb)
{
	struct run run = {.skb = skb, .step = skb->len};

	mark(&run);
	mark(&run);
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	observe(skb);
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
