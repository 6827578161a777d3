/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * One flow's cursor: finds or makes it, holds it against other CPUs, and brings a segment into line with it.
 *
 * A flow exists from the first payload that starts like a request, so a SYN flood makes none. It stays after FIN, since
 * what was lost behind the tap is sent again after it; RST, a new SYN and lack of room end it.
 */
#ifndef RPCTEE_BPF_FLOW_H_
#define RPCTEE_BPF_FLOW_H_

#include "bpf/stream.h"
#include "bpf/walk.h"

/* A segment this far behind the cursor is no retransmission: the port pair is used by a new connection. */
#define SEQ_FAR_BEHIND (64 << 20)

/* At most one CPU works on a flow; nobody waits. */
static __always_inline int lock_flow(struct rpctee_flow *flow, const struct rpctee_flow_key *key,
				     const enum kernel_age age)
{
	__u32 index = key->source_port_be % RPCTEE_FLOW_LOCKS;
	struct flow_lock *lock;
	__u32 busy;

	if (age == KERNEL_NEW)
		return __sync_lock_test_and_set(&flow->busy, 1) == 0;
	lock = bpf_map_lookup_elem(&rpctee_locks, &index);
	if (!lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	busy = flow->busy;
	flow->busy = 1;
	bpf_spin_unlock(&lock->lock);
	return !busy;
}

static __always_inline void unlock_flow(struct rpctee_flow *flow, const struct rpctee_flow_key *key,
					const enum kernel_age age)
{
	__u32 index = key->source_port_be % RPCTEE_FLOW_LOCKS;
	struct flow_lock *lock;

	if (age == KERNEL_NEW) {
		__sync_lock_test_and_set(&flow->busy, 0);
		return;
	}
	lock = bpf_map_lookup_elem(&rpctee_locks, &index);
	if (!lock)
		return;
	bpf_spin_lock(&lock->lock);
	flow->busy = 0;
	bpf_spin_unlock(&lock->lock);
}

/* Does the payload at `position` start with a request, as far as can be told? */
static __always_inline int payload_starts_request(struct run *run)
{
	/* More than is looked at: a power of two gives a length that all verifiers follow, see copy_part. */
	__u8 bytes[32] = {};
	__u32 count = min_u32(bytes_left(run), RPCTEE_DUBBO_STRICT_BYTES);

	count -= 1;
	asm volatile("" : "+r"(count));
	count &= sizeof(bytes) - 1;
	count += 1;
	if (load_bytes(run->skb, run->segment.payload_offset + run->position, bytes, count))
		return 0;
	return dubbo_starts_request(bytes, count, cfg_max_request_bytes);
}

static __always_inline int is_own_connection(const struct rpctee_flow_key *key)
{
	struct rpctee_endpoint_key local = {};

	__builtin_memcpy(local.address, key->source, sizeof(local.address));
	local.port_be = key->source_port_be;
	return bpf_map_lookup_elem(&rpctee_own, &local) != 0;
}

/* Makes the flow of a segment that starts with a request. Returns it locked, or NULL with the reason counted. */
static __always_inline struct rpctee_flow *create_flow(struct run *run)
{
	struct rpctee_flow_key *key = &run->segment.flow;
	struct rpctee_flow *flow;
	struct rpctee_flow fresh = {
		.busy = 1,
		.protocol = RPCTEE_PROTOCOL_DUBBO,
	};

	if (!payload_starts_request(run)) {
		run->counters->seek_packets++;
		return 0;
	}
	if (is_own_connection(key)) {
		run->counters->own_packets++;
		return 0;
	}
	fresh.flow_id = run->scratch->next_flow++ << 16 | bpf_get_smp_processor_id();
	fresh.next_seq = run->segment.seq;
	fresh.state = RPCTEE_FLOW_SYNC;
	/* Another CPU may have made it in between: then this packet is let go, as with a busy flow. */
	if (bpf_map_update_elem(&rpctee_flows, key, &fresh, BPF_NOEXIST)) {
		run->counters->flow_table_full++;
		return 0;
	}
	flow = bpf_map_lookup_elem(&rpctee_flows, key);
	if (!flow) {
		run->counters->flow_table_full++;
		return 0;
	}
	run->counters->flows_created++;
	return flow;
}

/* The boundary is unknown: a segment that starts with a request is where the flow goes on. */
static __always_inline void seek(struct run *run)
{
	struct rpctee_flow *flow = run->flow;

	if (!payload_starts_request(run)) {
		run->counters->seek_packets++;
		return;
	}
	flow->state = RPCTEE_FLOW_SYNC;
	flow->frame_left = 0;
	flow->header_have = 0;
	flow->copy_state = RPCTEE_COPY_NONE;
}

static __always_inline void lose_bytes(struct run *run)
{
	run->counters->gaps++;
	cut_request(run, RPCTEE_CUT_GAP);
	run->flow->state = RPCTEE_FLOW_SEEK;
}

/* STREAM can't go on: the agent hears that what it has of the flow is all. */
static __always_inline void give_up_stream(struct run *run, __u32 reason)
{
	run->counters->gaps++;
	run->flow->state = RPCTEE_FLOW_SEEK;
	output_cut(run, reason);
}

/* Follows what the agent said about the flow, if it said anything. The segment starts `ahead` of what was sent up. */
static __always_inline void heed_handback(struct run *run, __s32 ahead)
{
	struct rpctee_flow *flow = run->flow;
	struct rpctee_handback *word = bpf_map_lookup_elem(&rpctee_handback, &run->segment.flow);

	if (!word || word->flow_id != flow->flow_id)
		return;
	if (word->give_up) {
		give_up_stream(run, RPCTEE_CUT_GAP);
	} else if (ahead || word->holes != flow->holes || !payload_starts_request(run) || end_stream(run)) {
		return;
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

/* Walks what is new of a segment that is in line with the cursor, or finds a boundary in it. */
static __always_inline void follow_segment(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;

	if (flow->state == RPCTEE_FLOW_SEEK)
		seek(run);
	if (flow->state == RPCTEE_FLOW_SYNC && walk_payload(run, age)) {
		run->counters->walk_limit++;
		flow->next_seq = run->segment.seq + run->position;
		if (begin_stream(run))
			lose_bytes(run);
	}
	if (flow->state != RPCTEE_FLOW_STREAM)
		flow->next_seq = run->segment.seq + run->segment.payload_bytes;
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

/* Brings the segment into line with the cursor. The flow is locked. */
static __always_inline void take_segment(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = run->flow;
	__s32 ahead = (__s32)(run->segment.seq - flow->next_seq);

	if (flow->cut_pending)
		output_cut(run, flow->cut_pending);
	if (flow->state == RPCTEE_FLOW_STREAM)
		heed_handback(run, ahead);
	if (ahead > 0 && flow->state == RPCTEE_FLOW_SYNC && (ahead > STREAM_WINDOW || begin_stream(run)))
		lose_bytes(run);
	if (flow->state != RPCTEE_FLOW_STREAM && trim_segment(run, ahead))
		follow_segment(run, age);
	/* Also when the walk just found more frames than it may: the rest goes up at once. */
	if (flow->state == RPCTEE_FLOW_STREAM)
		stream_segment(run, age);
}

static __always_inline void end_flow(struct run *run)
{
	if (run->flow->state == RPCTEE_FLOW_STREAM)
		output_cut(run, RPCTEE_CUT_FLOW_ENDED);
	cut_request(run, RPCTEE_CUT_FLOW_ENDED);
	bpf_map_delete_elem(&rpctee_flows, &run->segment.flow);
}

/* Everything that one segment to an endpoint does. */
static __always_inline void observe_segment(struct run *run, const enum kernel_age age)
{
	struct rpctee_flow *flow = bpf_map_lookup_elem(&rpctee_flows, &run->segment.flow);
	__u32 payload_bytes = run->segment.payload_bytes;

	run->flow = flow;
	if (flow && !lock_flow(flow, &run->segment.flow, age)) {
		/* The bytes go up without the cursor: the hole that they leave sends the flow to STREAM, and they fill
		 * it. */
		run->counters->flow_busy++;
		send_payload(run, age);
		return;
	}
	if (flow && run->segment.flags & TCP_SYN) {
		/* The same address and port pair starts anew. */
		end_flow(run);
		flow = 0;
	}
	if (!payload_bytes)
		run->counters->no_payload++;
	else if (!flow)
		flow = create_flow(run);
	run->flow = flow;
	if (!flow)
		return;
	if (payload_bytes)
		take_segment(run, age);
	if (run->segment.flags & TCP_FIN)
		cut_request(run, RPCTEE_CUT_FLOW_ENDED);
	if (run->segment.flags & TCP_RST)
		end_flow(run);
	unlock_flow(flow, &run->segment.flow, age);
}

#endif /* RPCTEE_BPF_FLOW_H_ */
