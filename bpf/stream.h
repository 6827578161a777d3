/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * STREAM: when bytes of a flow are missing, the program can't frame what lies behind them. Then all bytes go up as they
 * come, and the agent orders and frames them, until nothing is missing and it hands the flow back.
 */
#ifndef RPCTEE_BPF_STREAM_H_
#define RPCTEE_BPF_STREAM_H_

#include "bpf/record.h"

/* A segment this far ahead of the cursor is no reordering; the bytes between are given up at once. */
#define STREAM_WINDOW (4 << 20)
/* A flow may send so much up until the agent says something about it. */
#define STREAM_BYTES_MAX (16 << 20)
/* Records that one packet may take: 1 MiB; without bpf_loop 80 KiB, which is more than any packet but BIG TCP's. */
#define STREAM_STEPS_MAX 64
#define STREAM_STEPS_MAX_OLD 5

/* Sends the next piece of the packet up. Returns 1 when the packet is done or can't go on. */
static __noinline long send_piece(__u32 step, struct run *run)
{
	struct scratch *scratch = get_scratch();
	__u32 bytes = run->segment.payload_bytes - run->position;

	(void)step;
	if (!scratch || run->position >= run->segment.payload_bytes)
		return 1;
	bytes = bounded(min_u32(bytes, RPCTEE_PART_MAX_BYTES), RPCTEE_PART_MAX_BYTES);
	if (load_bytes(run->skb, run->segment.payload_offset + run->position, scratch->bytes, bytes)) {
		run->counters->load_failed++;
		return 1;
	}
	new_piece(run, scratch, RPCTEE_RECORD_STREAM_DATA, run->segment.seq + run->position, RPCTEE_START_FRAME);
	if (output_record(run, scratch, bytes)) {
		run->counters->parts_lost++;
		return 1;
	}
	run->position += bytes;
	run->counters->stream_bytes += bytes;
	return 0;
}

/* Sends the payload up from `position` on. Returns 0, or -1 when not all of it went. */
static __always_inline int send_payload(struct run *run, const enum kernel_age age)
{
	__u32 step;

	run->counters->stream_packets++;
	if (age == KERNEL_NEW) {
		bpf_loop(STREAM_STEPS_MAX, send_piece, run, 0);
	} else {
		for (step = 0; step < STREAM_STEPS_MAX_OLD; step++) {
			if (send_piece(step, run))
				break;
		}
	}
	return run->position >= run->segment.payload_bytes ? 0 : -1;
}

/*
 * Hands the flow to the agent from next_seq on, with what is known of it there: enum rpctee_stream_start. Returns 0, or
 * -1 if the ring is full.
 */
static __noinline int begin_stream(struct run *run, __u32 start)
{
	struct rpctee_flow *flow = run->flow;
	struct scratch *scratch = get_scratch();

	if (!scratch)
		return -1;
	new_piece(run, scratch, RPCTEE_RECORD_STREAM_BEGIN, flow->next_seq, start);
	scratch->record.cut_reason = flow->cut_pending;
	__builtin_memcpy(scratch->bytes, flow, sizeof(*flow));
	if (output_record(run, scratch, sizeof(*flow)))
		return -1;
	flow->cut_pending = RPCTEE_CUT_NONE;
	flow->state = RPCTEE_FLOW_STREAM;
	flow->stream_bytes = 0;
	flow->stream_holes = flow->holes;
	/* From here on the agent owns the frame that is under way. */
	flow->copy_state = RPCTEE_COPY_NONE;
	flow->frame_left = 0;
	flow->header_have = 0;
	return 0;
}

/*
 * What the agent said, or still says, about the stream that is over must not be followed in the next one: that one has
 * more holes. After the record of the end, so that no record of this stream tells the next one's number.
 */
static __always_inline void close_stream(struct rpctee_flow *flow)
{
	flow->holes++;
}

/* The boundary that the segment starts at is good, and nothing before it is missing: the program frames again. */
static __noinline int end_stream(struct run *run)
{
	struct scratch *scratch = get_scratch();

	if (!scratch)
		return -1;
	new_piece(run, scratch, RPCTEE_RECORD_STREAM_END, run->segment.seq, RPCTEE_START_FRAME);
	if (output_record(run, scratch, 0))
		return -1;
	run->counters->handbacks++;
	run->flow->state = RPCTEE_FLOW_SYNC;
	close_stream(run->flow);
	return 0;
}

#endif /* RPCTEE_BPF_STREAM_H_ */
