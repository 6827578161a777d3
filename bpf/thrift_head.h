/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the head of a Thrift message says about requests and their answers: type, sequence id, and where the message's
 * struct begins. Binary (strict and not), compact, and THeader around these when it transforms nothing.
 */
#ifndef RPCTEE_BPF_THRIFT_HEAD_H_
#define RPCTEE_BPF_THRIFT_HEAD_H_

#include "bpf/packet.h"

/* TMessageType. */
#define THRIFT_CALL 1
#define THRIFT_REPLY 2
#define THRIFT_EXCEPTION 3

/* One number, so that it comes back in a register: 0 when the head can't be read. */
#define THRIFT_HEAD(type, body, id) ((__u64)(type) << 48 | (__u64)(body) << 32 | (__u32)(id))
#define THRIFT_HEAD_COMPACT (1ULL << 63)

static __always_inline __u32 thrift_head_type(__u64 head)
{
	return head >> 48 & 0xff;
}

/* From the start of the message. */
static __always_inline __u32 thrift_head_body(__u64 head)
{
	return head >> 32 & 0xffff;
}

/* The type and the sequence id stand behind the name: at `at`, of which the message has `bytes`. */
static __always_inline __u64 thrift_old_head(struct __sk_buff *skb, __u32 offset, __u32 bytes, __u32 name_bytes)
{
	struct {
		__u8 type;
		__u8 id[4];
	} tail;

	if (name_bytes > RPCTEE_THRIFT_NAME_MAX || bytes < name_bytes + 9 ||
	    load_bytes(skb, offset + 4 + name_bytes, &tail, sizeof(tail)))
		return 0;
	return THRIFT_HEAD(tail.type, name_bytes + 9, rpctee_be32(tail.id));
}

static __always_inline __u64 thrift_binary_head(struct __sk_buff *skb, __u32 offset, __u32 bytes, __u32 type,
						__u32 name_bytes)
{
	__be32 id;

	if (name_bytes > RPCTEE_THRIFT_NAME_MAX || bytes < name_bytes + 12 ||
	    load_bytes(skb, offset + 8 + name_bytes, &id, sizeof(id)))
		return 0;
	return THRIFT_HEAD(type, name_bytes + 12, bpf_ntohl(id));
}

/* `rest`: the eight bytes behind the first two; the last of them is not there. */
static __always_inline __u64 thrift_compact_head(__u32 type, __u64 rest)
{
	__u32 id = rest >> 56 & 0x7f, used = 3;
	int i;

	for (i = 1; i < 5; i++) {
		if (!(rest >> 63))
			break;
		rest <<= 8;
		id |= (__u32)(rest >> 56 & 0x7f) << 7 * i;
		used++;
	}
	rest <<= 8;
	/* A name of 128 bytes and more has a length of two. */
	if (rest >> 63)
		return 0;
	return THRIFT_HEAD_COMPACT | THRIFT_HEAD(type, used + 1 + (__u32)(rest >> 56), id);
}

static __noinline __u64 thrift_plain_head(struct __sk_buff *skb, __u32 offset, __u32 bytes)
{
	__u8 start[8];
	__u32 head;

	if (bytes < sizeof(start) || load_bytes(skb, offset, start, sizeof(start)))
		return 0;
	head = rpctee_be32(start);
	if (head >> 16 == 0x8001)
		return thrift_binary_head(skb, offset, bytes, start[3], rpctee_be32(start + 4));
	if (start[0] == 0x82 && (start[1] & 0x1f) == 1)
		return thrift_compact_head(start[1] >> 5,
					   (__u64)rpctee_be32(start + 2) << 32 | (__u32)rpctee_be16(start + 6) << 16);
	return head >> 16 == 0 ? thrift_old_head(skb, offset, bytes, head) : 0;
}

static __always_inline __u64 read_thrift_head(struct __sk_buff *skb, __u32 offset, __u32 bytes)
{
	__u8 start[10];
	__u32 header_bytes;
	__u64 inner;

	if (bytes < sizeof(start))
		return thrift_plain_head(skb, offset, bytes);
	if (load_bytes(skb, offset, start, sizeof(start)))
		return 0;
	if (rpctee_be16(start) != 0x0fff)
		return thrift_plain_head(skb, offset, bytes);
	/* THeader, with a sequence id of its own; its length in words stands behind that (HeaderFormat.md). */
	header_bytes = 10 + 4 * rpctee_be16(start + 8);
	if (bytes <= header_bytes)
		return 0;
	inner = thrift_plain_head(skb, offset + header_bytes, bytes - header_bytes);
	if (!inner)
		return 0;
	return (inner & THRIFT_HEAD_COMPACT) |
	       THRIFT_HEAD(thrift_head_type(inner), thrift_head_body(inner) + header_bytes, rpctee_be32(start + 4));
}

/* Of the message at `offset` in the packet, of which `bytes` are there. By way of memory, see forget_how. */
static __noinline __u64 thrift_head(struct __sk_buff *skb, __u32 offset, __u32 bytes)
{
	__u64 head = read_thrift_head(skb, offset, bytes);
	__u32 zero = 0;
	struct scratch *scratch = bpf_map_lookup_elem(&rpctee_scratch, &zero);

	if (!scratch)
		return 0;
	scratch->found = head;
	barrier();
	return scratch->found;
}

#endif /* RPCTEE_BPF_THRIFT_HEAD_H_ */
