/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Somebody else's tc program: counts the TCP packets to one port, and decides what becomes of them. All other packets
 * are left to the next program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 cfg_port = 0;
/* Only packets to this address; 0 = any. */
const volatile __u32 cfg_to_be = 0;
/* What the program returns, unless it redirects. */
const volatile __s32 cfg_verdict = TC_ACT_UNSPEC;
/* Hand the packet to the other end of this veth, past the programs of both ends; 0 = do not. */
const volatile __u32 cfg_peer_of = 0;

/* Written by the program, read by the test; lives as long as the program. */
__u64 packets;

static __always_inline int is_meant(struct __sk_buff *skb)
{
	struct iphdr ip;
	__be16 port;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    ip.protocol != IPPROTO_TCP || (cfg_to_be && ip.daddr != cfg_to_be))
		return 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + ip.ihl * 4 + __builtin_offsetof(struct tcphdr, dest), &port,
			       sizeof(port)))
		return 0;
	return port == bpf_htons(cfg_port);
}

SEC("tc")
int neighbour(struct __sk_buff *skb)
{
	if (!is_meant(skb))
		return TC_ACT_UNSPEC;
	__sync_fetch_and_add(&packets, 1);
	if (cfg_peer_of)
		return (int)bpf_redirect_peer(cfg_peer_of, 0);
	return cfg_verdict;
}

char LICENSE[] SEC("license") = "GPL";
