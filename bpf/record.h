/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Puts records into the ring of their flow, and wakes its worker only when it has said that it sleeps.
 */
#ifndef RPCTEE_BPF_RECORD_H_
#define RPCTEE_BPF_RECORD_H_

#include "bpf/packet.h"

/* What the kernel offers to BPF. A constant in each entry program, so that the other way is not even there. */
enum kernel_age {
	KERNEL_NEW, /* 5.17 and later: bpf_loop, and atomic exchange */
	KERNEL_OLD, /* 5.10 and later: bounded loops, and spin locks */
};

/* What one run of the program works with. Lives on its stack. */
struct run {
	struct __sk_buff *skb;
	struct rpctee_counters *counters;
	struct rpctee_control *control;
	struct rpctee_flow *flow;
	__u64 threshold;
	__u64 now_ns; /* 0: nobody asked yet */
	struct segment segment;
	__u32 position; /* in the payload: what stands before it is done */
	__u32 stopped;	/* the walk is over, whatever is left */
};

static __always_inline __u32 min_u32(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static __always_inline __u32 bytes_left(const struct run *run)
{
	return run->segment.payload_bytes - run->position;
}

static __always_inline struct scratch *get_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&rpctee_scratch, &zero);
}

/* The ring of the flow, by a hash of its source: consumers differ in the last bits of address or port. */
static __always_inline __u32 ring_index(const struct rpctee_flow_key *key)
{
	__u32 hash = *(const __u32 *)(key->source + 12) + key->source_port_be * 0x9e3779b1U;

	hash ^= hash >> 15;
	hash *= 0x85ebca6bU;
	hash ^= hash >> 13;
	/* The upper bits are those that a multiplication mixes best. */
	return (__u64)hash * cfg_rings >> 32;
}

/*
 * A notification costs the primary's own path about ten times a copy, so only the first record after the worker went to
 * sleep brings one. An awake worker looks at the ring by itself. A worker that falls asleep between the look at its
 * flag and the record that follows misses that record until the next one, or until its own time limit: it never sleeps
 * for long.
 */
static __always_inline __u64 wakeup_flags(struct run *run, __u32 ring)
{
	struct rpctee_worker *worker = bpf_map_lookup_elem(&rpctee_workers, &ring);

	if (!worker || !worker->asleep)
		return BPF_RB_NO_WAKEUP;
	worker->asleep = 0;
	run->counters->wakeups++;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline struct rpctee_record *new_record(struct run *run, struct scratch *scratch, __u32 kind,
							__u32 cut_reason)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_record *record = &scratch->record;

	if (!run->now_ns)
		run->now_ns = bpf_ktime_get_ns();
	record->flow_id = flow->flow_id;
	record->time_ns = run->now_ns;
	record->flow = run->segment.flow;
	record->kind = kind;
	record->cut_reason = cut_reason;
	record->content = flow->content;
	record->zero = 0;
	return record;
}

static __always_inline struct rpctee_record *new_part(struct run *run, struct scratch *scratch, __u32 kind,
						      __u32 cut_reason)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_record *record = new_record(run, scratch, kind, cut_reason);

	record->part.request = flow->request;
	record->part.draw = flow->draw;
	record->part.frame_bytes = flow->frame_bytes;
	record->part.offset = flow->frame_bytes - flow->frame_left;
	return record;
}

static __always_inline void new_piece(struct run *run, struct scratch *scratch, __u32 kind, __u32 seq, __u32 start)
{
	struct rpctee_record *record = new_record(run, scratch, kind, RPCTEE_CUT_NONE);

	record->piece.seq = seq;
	record->piece.holes = run->flow->holes;
	record->piece.start = start;
	record->piece.zero = 0;
}

/* Sends the record with the first `payload_bytes` of scratch->bytes. */
static __always_inline long output_record(struct run *run, struct scratch *scratch, __u32 payload_bytes)
{
	__u32 bytes = sizeof(scratch->record) + payload_bytes;
	__u32 index = ring_index(&run->segment.flow);
	void *ring = bpf_map_lookup_elem(&rpctee_rings, &index);

	if (!ring || bpf_ringbuf_output(ring, &scratch->record, bytes, wakeup_flags(run, index)))
		return -1;
	run->counters->records++;
	run->counters->record_bytes += bytes;
	return 0;
}

/* Tells the agent that the flow's copied request will not be completed; keeps the reason for later if the ring is full.
 */
static __noinline void output_cut(struct run *run, __u32 reason)
{
	struct scratch *scratch = get_scratch();

	if (!scratch)
		return;
	new_part(run, scratch, RPCTEE_RECORD_CUT, reason);
	run->flow->cut_pending = output_record(run, scratch, 0) ? reason : RPCTEE_CUT_NONE;
}

/* The copied request, if any, ends here without its last byte. */
static __always_inline void cut_request(struct run *run, __u32 reason)
{
	if (run->flow->copy_state != RPCTEE_COPY_ACTIVE)
		return;
	run->flow->copy_state = RPCTEE_COPY_NONE;
	output_cut(run, reason);
}

/* Sends scratch->bytes[0, bytes) as the next part. Books the first part: from there on the agent owns the request. */
static __noinline void output_part(struct run *run, struct scratch *scratch, __u32 bytes)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_record *record = new_part(run, scratch, RPCTEE_RECORD_PART, flow->cut_pending);
	int first = record->part.offset == 0;

	if (!output_record(run, scratch, bytes)) {
		if (first) {
			run->counters->sampled++;
			flow->cut_pending = RPCTEE_CUT_NONE;
		}
		return;
	}
	flow->copy_state = RPCTEE_COPY_NONE;
	if (first) {
		run->counters->ring_full++;
	} else {
		run->counters->parts_lost++;
		flow->cut_pending = RPCTEE_CUT_RING_FULL;
	}
}

/* Copies payload bytes [position, position + bytes) of the current request. 0 < bytes <= RPCTEE_PART_MAX_BYTES. */
static __always_inline void copy_part(struct run *run, __u32 bytes)
{
	struct scratch *scratch = get_scratch();

	if (!scratch)
		return;
	/* The length that was loaded is the length that goes out, so it is bounded here, where both can see it. */
	bytes = bounded(bytes, RPCTEE_PART_MAX_BYTES);
	if (load_bytes(run->skb, run->segment.payload_offset + run->position, scratch->bytes, bytes)) {
		run->counters->load_failed++;
		/* An empty first part, so that the agent owns the request and books it as a gap. */
		if (run->flow->frame_left == run->flow->frame_bytes)
			output_part(run, scratch, 0);
		cut_request(run, RPCTEE_CUT_GAP);
		return;
	}
	output_part(run, scratch, bytes);
}

/* A request whose header was cut by a packet boundary starts with the header that was put together. */
static __always_inline void copy_kept_header(struct run *run, __u64 high, __u64 low)
{
	struct scratch *scratch = get_scratch();

	if (!scratch)
		return;
	if (run->flow->content == RPCTEE_CONTENT_DUBBO) {
		*(__u64 *)scratch->bytes = bpf_cpu_to_be64(high);
		*(__u64 *)(scratch->bytes + 8) = bpf_cpu_to_be64(low);
		output_part(run, scratch, RPCTEE_DUBBO_HEADER_BYTES);
	} else {
		*(__u32 *)scratch->bytes = bpf_htonl((__u32)low);
		output_part(run, scratch, RPCTEE_THRIFT_HEADER_BYTES);
	}
}

#endif /* RPCTEE_BPF_RECORD_H_ */
