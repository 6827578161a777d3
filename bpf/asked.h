/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Which sampled requests wait for the primary's answer, and since when: the request program's part in the view of the
 * primary. Without cfg_replies nothing of it is left in the program.
 */
#ifndef RPCTEE_BPF_ASKED_H_
#define RPCTEE_BPF_ASKED_H_

#include "bpf/abi/replies.h"
#include "bpf/frame.h"
#include "bpf/record.h"
#include "bpf/thrift_head.h"

#define RPCTEE_DUBBO_TWO_WAY 0x40

/* 1: the direction of answers is tapped too. Set by the agent. */
const volatile __u32 cfg_replies = 0;

/* When each sampled request was seen, until its answer comes. Written by both programs. A request that is never
 * answered is pushed out by later ones. The agent sets the size; without cfg_replies it is 1. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct rpctee_asked_key);
	__type(value, __u64);
} rpctee_asked SEC(".maps");

/* How the primary answered, by endpoint. The agent makes and removes the elements, one for each endpoint; the programs
 * count in them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct rpctee_endpoint_key);
	__type(value, struct rpctee_replies);
} rpctee_replies SEC(".maps");

/* The table's element for where the flow goes, or that for any address. */
static __always_inline struct rpctee_replies *find_replies(const struct rpctee_flow_key *flow,
							   const struct rpctee_control *control)
{
	struct rpctee_replies *replies;
	struct rpctee_endpoint_key key = {};

	key.port_be = flow->destination_port_be;
	__builtin_memcpy(key.address, flow->destination, sizeof(key.address));
	replies = bpf_map_lookup_elem(&rpctee_replies, &key);
	if (replies || !control->any_endpoint)
		return replies;
	__builtin_memset(key.address, 0, sizeof(key.address));
	return bpf_map_lookup_elem(&rpctee_replies, &key);
}

static __always_inline void make_asked_key(struct rpctee_asked_key *key, const struct rpctee_flow_key *flow, __u64 id)
{
	key->flow = *flow;
	key->id_high = id >> 32;
	key->id_low = (__u32)id;
}

/* The id of a request that is to be answered, or -1 with nothing in *id. `body`: where in the payload it stands. */
static __always_inline int id_of_request(struct run *run, __u64 high, __u64 low, __u32 body, __u64 *id)
{
	__u64 head;

	if (run->flow->content == RPCTEE_CONTENT_DUBBO) {
		*id = high << 32 | low >> 32;
		return high >> 40 & RPCTEE_DUBBO_TWO_WAY ? 0 : -1;
	}
	if (body > run->segment.payload_bytes)
		return -1;
	head = thrift_head(run->skb, run->segment.payload_offset + body, run->segment.payload_bytes - body);
	*id = (__u32)head;
	return thrift_head_type(head) == THRIFT_CALL ? 0 : -1;
}

/* A sampled request, by its header; its body begins at `body` in the payload. */
static __noinline void note_asked(struct run *run, __u64 high, __u64 low, __u32 body)
{
	struct rpctee_asked_key key;
	struct rpctee_replies *replies;
	__u64 id;

	if (id_of_request(run, high, low, body, &id))
		return;
	replies = find_replies(&run->segment.flow, run->control);
	if (!replies)
		return;
	if (!run->now_ns)
		run->now_ns = bpf_ktime_get_ns();
	make_asked_key(&key, &run->segment.flow, id);
	if (!bpf_map_update_elem(&rpctee_asked, &key, &run->now_ns, BPF_ANY))
		__sync_fetch_and_add(&replies->asked, 1);
}

/* A sampled request whose header stands whole at the position: reads it again, so that without cfg_replies nobody has
 * to keep it. */
static __noinline void note_asked_here(struct run *run)
{
	__u32 offset = run->segment.payload_offset + run->position;
	__be64 header[2] = {};

	if (run->flow->content == RPCTEE_CONTENT_DUBBO && load_bytes(run->skb, offset, header, sizeof(header)))
		return;
	note_asked(run, bpf_be64_to_cpu(header[0]), bpf_be64_to_cpu(header[1]),
		   run->position + header_bytes_of(run->flow->content));
}

#endif /* RPCTEE_BPF_ASKED_H_ */
