/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Puts records into the ring, and wakes the worker only when it has said that it sleeps.
 */
#ifndef RPCTEE_BPF_RECORD_H_
#define RPCTEE_BPF_RECORD_H_

#include "bpf/maps.h"
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
	struct scratch *scratch;
	struct rpctee_flow *flow;
	__u64 threshold;
	__u64 now_ns;
	struct segment segment;
	__u32 position; /* in the payload: what stands before it is done */
	__u32 stopped;	/* the walk is over, whatever is left */
};

/*
 * A notification costs the primary's own path about ten times a copy, so only the first record after the worker went to
 * sleep brings one. An awake worker looks at the ring by itself. A worker that falls asleep between the look at its
 * flag and the record that follows misses that record until the next one, or until its own time limit: it never sleeps
 * for long.
 */
static __always_inline __u64 wakeup_flags(struct run *run)
{
	if (!run->control->worker_asleep)
		return BPF_RB_NO_WAKEUP;
	run->control->worker_asleep = 0;
	run->counters->wakeups++;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline struct rpctee_record *new_record(struct run *run, __u32 kind, __u32 cut_reason)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_record *record = &run->scratch->record;

	record->flow_id = flow->flow_id;
	record->time_ns = run->now_ns;
	record->kind = kind;
	record->cut_reason = cut_reason;
	record->protocol = flow->protocol;
	record->request = flow->request;
	record->draw = flow->draw;
	record->frame_bytes = flow->frame_bytes;
	record->offset = flow->frame_bytes - flow->frame_left;
	record->part_bytes = 0;
	record->seq = run->segment.seq + run->position;
	record->holes = flow->holes;
	record->flow = run->segment.flow;
	return record;
}

static __always_inline long output_record(struct run *run, __u32 bytes)
{
	if (bpf_ringbuf_output(&rpctee_records, &run->scratch->record, bytes, wakeup_flags(run)))
		return -1;
	run->counters->records++;
	run->counters->record_bytes += bytes;
	return 0;
}

/* Tells the agent that the flow's copied request will not be completed; keeps the reason for later if the ring is full.
 */
static __always_inline void output_cut(struct run *run, __u32 reason)
{
	new_record(run, RPCTEE_RECORD_CUT, reason);
	run->flow->cut_pending = output_record(run, sizeof(struct rpctee_record)) ? reason : RPCTEE_CUT_NONE;
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
static __always_inline void output_part(struct run *run, __u32 bytes)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_record *record = new_record(run, RPCTEE_RECORD_PART, flow->cut_pending);
	int first = record->offset == 0;

	record->part_bytes = bytes;
	if (!output_record(run, sizeof(*record) + bytes)) {
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
	/* A bound that the verifiers of all kernels from 5.10 on follow: 1 <= bytes <= RPCTEE_PART_MAX_BYTES. */
	bytes -= 1;
	asm volatile("" : "+r"(bytes));
	bytes &= RPCTEE_PART_MAX_BYTES - 1;
	bytes += 1;
	if (load_bytes(run->skb, run->segment.payload_offset + run->position, run->scratch->bytes, bytes)) {
		run->counters->load_failed++;
		/* An empty first part, so that the agent owns the request and books it as a gap. */
		if (run->flow->frame_left == run->flow->frame_bytes)
			output_part(run, 0);
		cut_request(run, RPCTEE_CUT_GAP);
		return;
	}
	output_part(run, bytes);
}

/* A request whose header was cut by a packet boundary starts with the header that was put together. */
static __always_inline void copy_kept_header(struct run *run, const __u8 *header)
{
	__builtin_memcpy(run->scratch->bytes, header, RPCTEE_DUBBO_HEADER_BYTES);
	output_part(run, RPCTEE_DUBBO_HEADER_BYTES);
}

#endif /* RPCTEE_BPF_RECORD_H_ */
