/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A tc program that only counts: shows what reached the hook, and when. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Written by the program, read by the test; lives as long as the program. */
__u64 packets;
__u64 last_packet_bytes;

SEC("tc")
int count_packet(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	last_packet_bytes = skb->len;
	return -1; /* TC_ACT_UNSPEC: as if no program were here */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
