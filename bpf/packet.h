/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From a packet to "TCP segment from here to there, with its payload at this offset". Ethernet with up to two VLAN tags
 * in band (an offloaded tag is not in the bytes), IPv4 with options, IPv6 with a bounded chain of extension headers.
 *
 * Reads with bpf_skb_load_bytes only: most bulk packets have nothing but headers in the linear area, and a program
 * without direct packet access can't write one.
 */
#ifndef RPCTEE_BPF_PACKET_H_
#define RPCTEE_BPF_PACKET_H_

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/maps.h"

#define VLAN_TAGS_MAX 2
#define EXTENSION_HEADERS_MAX 6

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08

/* Why a packet is no TCP segment to look at; each has its counter. */
enum packet_status {
	PACKET_TCP,
	PACKET_NOT_IP,
	PACKET_NOT_TCP,
	PACKET_FRAGMENT,
	PACKET_MALFORMED,
	PACKET_OTHER_PORT,
};

/* Which end of the packets that are looked at is an endpoint. A constant in each entry program. */
enum endpoint_end {
	ENDPOINT_IS_DESTINATION,
	ENDPOINT_IS_SOURCE,
};

struct segment {
	struct rpctee_flow_key flow;
	__u32 seq;	      /* of the first payload byte, host order */
	__u32 payload_offset; /* from the start of the packet */
	__u32 payload_bytes;
	__u32 flags; /* TCP_FIN, TCP_SYN, TCP_RST, TCP_PSH */
};

/* The fixed parts of the headers, as they stand on the wire. */
struct ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_bytes;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__be16 checksum;
	__u8 source[4] RPCTEE_ALIGNED(4);
	__u8 destination[4] RPCTEE_ALIGNED(4);
};

struct ipv6_header {
	__u8 version_class_label[4];
	__be16 payload_bytes;
	__u8 next_header;
	__u8 hop_limit;
	__u8 source[16] RPCTEE_ALIGNED(4);
	__u8 destination[16] RPCTEE_ALIGNED(4);
};

struct tcp_header {
	__be16 source_port;
	__be16 destination_port;
	__be32 seq;
	__be32 ack;
	__u8 data_offset;
	__u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};

/* The one way by which this program reads packet bytes. 0, or a negative error. */
static __always_inline long load_bytes(struct __sk_buff *skb, __u32 offset, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes(skb, offset, to, bytes);
}

/*
 * A length that is not constant, 1 <= bytes <= max with `max` a power of two, in a form that the verifiers of all
 * kernels from 5.10 on follow: a test of the length against 0 is not enough for 6.1.
 */
static __always_inline __u32 bounded(__u32 bytes, const __u32 max)
{
	bytes -= 1;
	asm volatile("" : "+r"(bytes));
	bytes &= max - 1;
	return bytes + 1;
}

static __always_inline int is_endpoint_port(__u16 port_be)
{
	__u32 port = bpf_ntohs(port_be);
	__u32 word = port / 64;
	__u64 *bits = bpf_map_lookup_elem(&rpctee_ports, &word);

	return bits && *bits >> port % 64 & 1;
}

static __always_inline void map_ipv4(__u8 *mapped, const __u8 *address)
{
	__builtin_memset(mapped, 0, 10);
	mapped[10] = 0xff;
	mapped[11] = 0xff;
	__builtin_memcpy(mapped + 12, address, 4);
}

/*
 * Fills in what the TCP header says. ip_end: where the IP packet ends by its own length field (padding of short
 * Ethernet frames lies behind it), 0 = unknown because the packet is longer than the field can say (BIG TCP).
 */
static __always_inline enum packet_status parse_tcp(struct __sk_buff *skb, const struct tcp_header *tcp, __u32 offset,
						    __u32 ip_end, struct segment *segment,
						    const enum endpoint_end end_is)
{
	__u32 header_bytes = (tcp->data_offset >> 4) * 4;
	__u32 end = ip_end ? ip_end : skb->len;
	__u32 payload_offset = offset + header_bytes;

	/* First of all, since this is the end for most packets of a node. */
	if (!is_endpoint_port(end_is == ENDPOINT_IS_SOURCE ? tcp->source_port : tcp->destination_port))
		return PACKET_OTHER_PORT;
	if (header_bytes < sizeof(*tcp) || payload_offset > end || end > skb->len)
		return PACKET_MALFORMED;
	segment->flow.source_port_be = tcp->source_port;
	segment->flow.destination_port_be = tcp->destination_port;
	segment->flags = tcp->flags;
	/* A SYN takes one sequence number; its data, if any, come after it (RFC 9293, 3.4). */
	segment->seq = bpf_ntohl(tcp->seq) + (tcp->flags & TCP_SYN ? 1 : 0);
	segment->payload_offset = payload_offset;
	segment->payload_bytes = end - payload_offset;
	return PACKET_TCP;
}

static __always_inline enum packet_status parse_ipv4(struct __sk_buff *skb, __u32 offset, struct segment *segment,
						     const enum endpoint_end end_is)
{
	struct {
		struct ipv4_header ip;
		struct tcp_header tcp;
	} headers;
	struct ipv4_header *ip = &headers.ip;
	__u32 header_bytes, total_bytes;
	enum packet_status status;

	/* Both headers at once: nearly every packet has no options. What is shorter can't be IPv4 with TCP. */
	if (load_bytes(skb, offset, &headers, sizeof(headers)))
		return PACKET_NOT_TCP;
	if (ip->version_ihl >> 4 != 4)
		return PACKET_MALFORMED;
	if (ip->protocol != IPPROTO_TCP)
		return PACKET_NOT_TCP;
	/* More fragments, or not the first one (RFC 791). */
	if (ip->fragment & bpf_htons(0x3fff))
		return PACKET_FRAGMENT;
	header_bytes = (ip->version_ihl & 0xf) * 4;
	if (header_bytes < sizeof(*ip))
		return PACKET_MALFORMED;
	if (header_bytes != sizeof(*ip) && load_bytes(skb, offset + header_bytes, &headers.tcp, sizeof(headers.tcp)))
		return PACKET_MALFORMED;
	total_bytes = bpf_ntohs(ip->total_bytes);
	status = parse_tcp(skb, &headers.tcp, offset + header_bytes, total_bytes ? offset + total_bytes : 0, segment,
			   end_is);
	if (status == PACKET_TCP) {
		map_ipv4(segment->flow.source, ip->source);
		map_ipv4(segment->flow.destination, ip->destination);
	}
	return status;
}

/*
 * Steps over extension headers. Returns the offset behind them with the protocol in *protocol, or 0 when the chain is
 * longer than we walk or can't be read; *protocol is IPPROTO_FRAGMENT for a fragment.
 */
static __always_inline __u32 skip_extensions(struct __sk_buff *skb, __u32 offset, __u8 *protocol)
{
	__u8 extension[2];
	int i;

#pragma unroll
	for (i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		switch (*protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (load_bytes(skb, offset, extension, sizeof(extension)))
				return 0;
			*protocol = extension[0];
			offset += (extension[1] + 1) * 8;
			break;
		default:
			return offset;
		}
	}
	return *protocol == IPPROTO_TCP ? offset : 0;
}

static __always_inline enum packet_status parse_ipv6(struct __sk_buff *skb, __u32 offset, struct segment *segment,
						     const enum endpoint_end end_is)
{
	struct {
		struct ipv6_header ip;
		struct tcp_header tcp;
	} headers;
	struct ipv6_header *ip = &headers.ip;
	__u32 tcp_offset = offset + sizeof(*ip);
	enum packet_status status;
	__u32 payload_bytes;
	__u8 protocol;

	if (load_bytes(skb, offset, &headers, sizeof(headers)))
		return PACKET_NOT_TCP;
	if (ip->version_class_label[0] >> 4 != 6)
		return PACKET_MALFORMED;
	protocol = ip->next_header;
	if (protocol != IPPROTO_TCP) {
		tcp_offset = skip_extensions(skb, tcp_offset, &protocol);
		if (protocol == IPPROTO_FRAGMENT)
			return PACKET_FRAGMENT;
		if (!tcp_offset || protocol != IPPROTO_TCP)
			return PACKET_NOT_TCP;
		if (load_bytes(skb, tcp_offset, &headers.tcp, sizeof(headers.tcp)))
			return PACKET_MALFORMED;
	}
	payload_bytes = bpf_ntohs(ip->payload_bytes);
	status = parse_tcp(skb, &headers.tcp, tcp_offset, payload_bytes ? offset + sizeof(*ip) + payload_bytes : 0,
			   segment, end_is);
	if (status == PACKET_TCP) {
		__builtin_memcpy(segment->flow.source, ip->source, sizeof(ip->source));
		__builtin_memcpy(segment->flow.destination, ip->destination, sizeof(ip->destination));
	}
	return status;
}

static __always_inline enum packet_status parse_packet(struct __sk_buff *skb, struct segment *segment,
						       const enum endpoint_end end_is)
{
	struct {
		__be16 tci;
		__be16 protocol;
	} tag;
	__u32 offset = ETH_HLEN;
	__u32 protocol = skb->protocol;
	int i;

#pragma unroll
	for (i = 0; i < VLAN_TAGS_MAX; i++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (load_bytes(skb, offset, &tag, sizeof(tag)))
			return PACKET_MALFORMED;
		protocol = tag.protocol;
		offset += sizeof(tag);
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(skb, offset, segment, end_is);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(skb, offset, segment, end_is);
	return PACKET_NOT_IP;
}

#endif /* RPCTEE_BPF_PACKET_H_ */
