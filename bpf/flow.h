/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * One flow's cursor: finds or makes it, holds it against other CPUs, and brings a segment into line with it.
 *
 * A flow exists from the first payload on, so a SYN flood makes none. It stays after FIN, since what was lost behind
 * the tap is sent again after it; RST, a new SYN and lack of room end it.
 */
#ifndef RPCTEE_BPF_FLOW_H_
#define RPCTEE_BPF_FLOW_H_

#include "bpf/start.h"
#include "bpf/walk.h"

/* A segment this far behind the cursor is no retransmission: the port pair is used by a new connection. */
#define SEQ_FAR_BEHIND (64 << 20)

/* At most one CPU works on a flow, in each direction; nobody waits. `flow_busy`: the flow's word of that name. */
static __always_inline int lock_flow(__u32 *flow_busy, const struct rpctee_flow_key *key, const enum kernel_age age)
{
	__u32 index = key->source_port_be % RPCTEE_FLOW_LOCKS;
	struct flow_lock *lock;
	__u32 busy;

	if (age == KERNEL_NEW)
		return __sync_lock_test_and_set(flow_busy, 1) == 0;
	lock = bpf_map_lookup_elem(&rpctee_locks, &index);
	if (!lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	busy = *flow_busy;
	*flow_busy = 1;
	bpf_spin_unlock(&lock->lock);
	return !busy;
}

static __always_inline void unlock_flow(__u32 *flow_busy, const struct rpctee_flow_key *key, const enum kernel_age age)
{
	__u32 index = key->source_port_be % RPCTEE_FLOW_LOCKS;
	struct flow_lock *lock;

	if (age == KERNEL_NEW) {
		__sync_lock_test_and_set(flow_busy, 0);
		return;
	}
	lock = bpf_map_lookup_elem(&rpctee_locks, &index);
	if (!lock)
		return;
	bpf_spin_lock(&lock->lock);
	*flow_busy = 0;
	bpf_spin_unlock(&lock->lock);
}

/* SYNC can't go on. The agent hears it also when nothing was being copied: it may hold the place for a false one. */
static __noinline void lose_bytes(struct run *run)
{
	run->counters->gaps++;
	run->flow->copy_state = RPCTEE_COPY_NONE;
	run->flow->state = RPCTEE_FLOW_SEEK;
	output_cut(run, RPCTEE_CUT_GAP);
}

/* STREAM can't go on: the agent hears that what it has of the flow is all. */
static __noinline void give_up_stream(struct run *run, __u32 reason)
{
	if (run->flow->content == RPCTEE_CONTENT_UNKNOWN)
		run->counters->joins_failed++;
	/* See ignore_flow. */
	barrier();
	if (run->flow->content != RPCTEE_CONTENT_UNKNOWN)
		run->counters->gaps++;
	run->flow->state = RPCTEE_FLOW_SEEK;
	output_cut(run, reason);
	close_stream(run->flow);
}

/*
 * The agent has framed all that came; the segment goes on from there. Returns 0 when the program took the flow back.
 * The middle of a body may look like the first few bytes of a request, so fewer than a strict test takes are not
 * believed.
 */
static __always_inline int take_back(struct run *run, const struct rpctee_handback *said, __s32 ahead)
{
	if (ahead || bytes_left(run) < RPCTEE_THRIFT_STRICT_BYTES || !starts_request(run, said->content))
		return -1;
	run->flow->content = said->content;
	return end_stream(run);
}

/* Was it said of this flow, and not before its present stream began? */
static __always_inline int is_meant(const struct rpctee_handback *said, const struct rpctee_flow *flow)
{
	return said->flow_id == flow->flow_id && (__s32)(said->holes - flow->stream_holes) >= 0;
}

/* Follows what the agent said about the flow, if it said anything. The segment starts `ahead` of what was sent up. */
static __noinline void heed_word(struct run *run, __s32 ahead)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_handback *said = bpf_map_lookup_elem(&rpctee_handback, &run->segment.flow);

	if (!said || !is_meant(said, flow))
		return;
	switch (said->word) {
	case RPCTEE_WORD_TAKE_BACK:
		if (said->holes != flow->holes)
			return;
		/* It has framed all that came; so it does with what comes, however long no segment starts with a
		 * request. */
		flow->stream_bytes = 0;
		if (take_back(run, said, ahead))
			return;
		break;
	case RPCTEE_WORD_GO_ON:
		flow->stream_bytes = 0;
		break;
	case RPCTEE_WORD_IGNORE:
		ignore_flow(run, said->content);
		break;
	default:
		give_up_stream(run, RPCTEE_CUT_GAP);
		break;
	}
	bpf_map_delete_elem(&rpctee_handback, &run->segment.flow);
}

/* Sends the rest of the segment up, of a flow in STREAM. */
static __always_inline void stream_segment(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;
	__u32 end = run->segment.seq + run->segment.payload_bytes;

	if ((__s32)(run->segment.seq + run->position - flow->next_seq) > 0)
		flow->holes++;
	flow->stream_bytes += bytes_left(run);
	if ((__s32)(end - flow->next_seq) > 0)
		flow->next_seq = end;
	if (send_payload(run, age))
		give_up_stream(run, RPCTEE_CUT_RING_FULL);
	else if (flow->stream_bytes > STREAM_BYTES_MAX)
		give_up_stream(run, RPCTEE_CUT_GAP);
}

/*
 * Trims what was seen already: the first copy of a byte wins. Returns 0 when nothing is left. A segment that is far
 * behind belongs to a new connection.
 */
static __always_inline int trim_segment(struct run *run, __s32 ahead)
{
	if (ahead < -SEQ_FAR_BEHIND) {
		if (run->flow->state == RPCTEE_FLOW_SYNC)
			lose_bytes(run);
	} else if (ahead <= 0) {
		if (run->segment.payload_bytes <= (__u32)-ahead) {
			run->counters->retransmitted++;
			return 0;
		}
		run->position = -ahead;
	}
	return 1;
}

/* Walks what is new of a segment that is in line with the cursor, or finds a boundary in it. */
static __always_inline void follow_segment(struct run *run, __s32 ahead, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;

	if (flow->state == RPCTEE_FLOW_SEEK)
		start_flow(run, ahead);
	if (flow->state == RPCTEE_FLOW_SYNC && walk_payload(run, age)) {
		run->counters->walk_limit++;
		flow->next_seq = run->segment.seq + run->position;
		if (begin_stream(run, RPCTEE_START_FRAME))
			lose_bytes(run);
		else
			run->counters->streams++;
	}
	if (run->stopped)
		output_cut(run, RPCTEE_CUT_GAP);
	if (flow->state != RPCTEE_FLOW_STREAM)
		flow->next_seq = run->segment.seq + run->segment.payload_bytes;
}

/* There is a hole before the segment: the agent is asked to mend the flow. */
static __always_inline void leave_line(struct run *run, __s32 ahead)
{
	if (ahead > STREAM_WINDOW || begin_stream(run, RPCTEE_START_FRAME))
		lose_bytes(run);
	else
		run->counters->streams++;
}

/* Brings the segment into line with the cursor. The flow is locked. */
static __always_inline void take_segment(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;
	__s32 ahead = (__s32)(run->segment.seq - flow->next_seq);

	if (flow->cut_pending)
		output_cut(run, flow->cut_pending);
	if (flow->state == RPCTEE_FLOW_STREAM)
		heed_word(run, ahead);
	if (flow->state == RPCTEE_FLOW_SYNC && ahead > 0)
		leave_line(run, ahead);
	if (flow->state != RPCTEE_FLOW_STREAM && flow->state != RPCTEE_FLOW_IGNORE && trim_segment(run, ahead))
		follow_segment(run, ahead, age);
	/* Also when it has just come to this: the rest goes up at once. */
	if (flow->state == RPCTEE_FLOW_STREAM)
		stream_segment(run, age);
}

static __noinline void end_flow(struct run *run)
{
	if (run->flow->state == RPCTEE_FLOW_STREAM)
		output_cut(run, RPCTEE_CUT_FLOW_ENDED);
	cut_request(run, RPCTEE_CUT_FLOW_ENDED);
	bpf_map_delete_elem(&rpctee_flows, &run->segment.flow);
}

/* A repetition of the SYN that the flow began with says nothing new. */
static __always_inline int is_old_syn(const struct run *run)
{
	return run->flow->first_known && run->flow->first_seq == run->segment.seq;
}

/*
 * A receiver heeds a reset only at the next byte that it expects, behind a FIN that counts as one (RFC 5961, 3.2); any
 * other it answers, and the answer to that has the right number. Here the next byte is the one behind all that was
 * seen. Where that is not the receiver's, because bytes were lost before or behind the tap, the flow stays until it is
 * pushed out or begins anew; a forged or late reset would cost a connection that lives.
 */
static __always_inline int is_reset(const struct run *run)
{
	__u32 ahead = run->segment.seq + run->segment.payload_bytes - run->flow->next_seq;

	return run->segment.flags & TCP_RST && ahead <= 1;
}

/* What a FIN overtook on its way is still to come; a request that lacks it goes on. */
static __always_inline int is_end(const struct run *run)
{
	return run->segment.flags & TCP_FIN &&
	       (__s32)(run->segment.seq + run->segment.payload_bytes - run->flow->next_seq) <= 0;
}

/* A segment of a flow that is there and locked. */
static __always_inline void observe_flow(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;

	if (run->segment.payload_bytes)
		take_segment(run, age);
	if (is_end(run))
		cut_request(run, RPCTEE_CUT_FLOW_ENDED);
	if (is_reset(run))
		end_flow(run);
	unlock_flow(&flow->busy, &run->segment.flow, age);
}

/* Everything that one segment to an endpoint does. run->flow: its flow, if there is one. */
static __always_inline void observe_segment(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;
	__u32 payload_bytes = run->segment.payload_bytes;

	if (!payload_bytes)
		run->counters->no_payload++;
	/* Where it stands is not followed any more, so no reset can be told from a false one. */
	if (flow && flow->state == RPCTEE_FLOW_IGNORE && !(run->segment.flags & TCP_SYN)) {
		run->counters->ignored_packets += payload_bytes ? 1 : 0;
		return;
	}
	if (flow && !lock_flow(&flow->busy, &run->segment.flow, age)) {
		/* The bytes go up without the cursor: the hole that they leave sends the flow to STREAM, and they fill
		 * it. */
		run->counters->flow_busy++;
		send_payload(run, age);
		return;
	}
	if (run->segment.flags & TCP_SYN && !(flow && is_old_syn(run))) {
		/* The same address and port pair starts anew. */
		if (flow)
			end_flow(run);
		flow = 0;
		note_syn(run);
	}
	if (!flow && payload_bytes)
		flow = create_flow(run);
	run->flow = flow;
	if (flow)
		observe_flow(run, age);
}

#endif /* RPCTEE_BPF_FLOW_H_ */
