/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The primary's answers, where their direction is tapped too: walks from header to header of what endpoints send, and
 * counts. Nothing goes to the agent packet by packet, and no byte of a body at all.
 *
 * Simpler than the requests' side, since a view may have holes: what is not in order, or no header where one is due,
 * sends the flow to SEEK, until a packet starts with what can only be an answer. What a connection speaks is known from
 * its requests.
 */
#ifndef RPCTEE_BPF_REPLY_H_
#define RPCTEE_BPF_REPLY_H_

#include "bpf/answer.h"
#include "bpf/flow.h"

#define REPLY_STEPS_MAX 8192
#define REPLY_STEPS_MAX_OLD 8

/* Cursor of the other direction of each flow whose answers could be framed. Written by the program. The agent sets the
 * size; without cfg_replies it is 1. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct rpctee_flow_key);
	__type(value, struct rpctee_reply_flow);
} rpctee_answers SEC(".maps");

static __always_inline int starts_dubbo_answer(const __u8 *bytes, __u32 have)
{
	__u32 serialization = bytes[2] & RPCTEE_DUBBO_SERIALIZATION, body_bytes = rpctee_be32(bytes + 12);

	if (have < RPCTEE_DUBBO_HEADER_BYTES || rpctee_be16(bytes) != RPCTEE_DUBBO_MAGIC)
		return 0;
	/* Neither a request nor two-way; a status that Dubbo knows. */
	if (bytes[2] & (RPCTEE_DUBBO_REQUEST | RPCTEE_DUBBO_TWO_WAY) || serialization == 0 || bytes[3] < 20 ||
	    bytes[3] > 100)
		return 0;
	if (bytes[2] & RPCTEE_DUBBO_EVENT)
		return body_bytes <= RPCTEE_DUBBO_EVENT_MAX_BYTES;
	if (body_bytes == 0 || body_bytes > RPCTEE_BODY_MAX)
		return 0;
	if (serialization != RPCTEE_DUBBO_HESSIAN2 || bytes[3] != RPCTEE_DUBBO_OK || have < 17)
		return 1;
	return bytes[16] >= HESSIAN_ZERO && bytes[16] <= HESSIAN_RESULT_LAST;
}

static __always_inline int starts_thrift_answer(const __u8 *bytes, __u32 have)
{
	__u32 message_bytes = rpctee_be32(bytes), head = rpctee_be32(bytes + 4);

	if (have < 8 || message_bytes < 4 || message_bytes > RPCTEE_BODY_MAX)
		return 0;
	if (head == 0x80010000 + THRIFT_REPLY || head == 0x80010000 + THRIFT_EXCEPTION)
		return 1;
	if (head >> 16 == 0x8200 + (THRIFT_REPLY << 5 | 1) || head >> 16 == 0x8200 + (THRIFT_EXCEPTION << 5 | 1))
		return 1;
	if (head >> 16 == 0x0fff)
		return 1;
	/* Not strict: a name. */
	return head && head <= RPCTEE_THRIFT_NAME_MAX && head + 9 <= message_bytes;
}

/* Does the payload start with an answer? */
static __noinline int starts_answer(struct reply_run *run, __u32 content)
{
	__u32 have = bounded(min_u32(run->segment.payload_bytes, RPCTEE_RECOGNISE_BYTES), RPCTEE_RECOGNISE_BYTES);
	struct scratch *scratch = get_scratch();
	__u8 bytes[RPCTEE_RECOGNISE_BYTES] = {};

	if (!scratch || load_bytes(run->skb, run->segment.payload_offset, bytes, have))
		return 0;
	return forget_how(scratch, content == RPCTEE_CONTENT_DUBBO ? starts_dubbo_answer(bytes, have)
								   : starts_thrift_answer(bytes, have));
}

static __noinline void count_unframed(struct reply_run *run)
{
	struct rpctee_replies *replies = find_replies(&run->segment.flow, run->control);

	if (replies)
		__sync_fetch_and_add(&replies->unframed_bytes, reply_bytes_left(run));
}

/* Leaves the place. An answer whose outcome was due is one all the same. */
static __always_inline void seek_answer(struct reply_run *run)
{
	if (run->flow->outcome_due && run->flow->content == RPCTEE_CONTENT_DUBBO)
		count_outcome(run, ANSWER_OK);
	run->flow->outcome_due = 0;
	run->flow->frame_left = 0;
	run->flow->header_have = 0;
	run->flow->state = RPCTEE_REPLY_SEEK;
	run->stopped = 1;
}

/* A whole header, which was consumed already. */
static __noinline void begin_answer(struct reply_run *run, __u64 high, __u64 low)
{
	struct rpctee_reply_flow *flow = run->flow;
	__u32 frame_bytes = 0;
	enum frame_kind kind = read_frame(flow->content, high, low, &frame_bytes);

	flow->header_have = 0;
	if (kind == FRAME_INVALID) {
		run->counters->reply_lost_sync++;
		count_unframed(run);
		seek_answer(run);
		return;
	}
	flow->frame_left = frame_bytes - header_bytes_of(flow->content);
	if (flow->content != RPCTEE_CONTENT_DUBBO)
		flow->outcome_due = 1;
	else if (kind == FRAME_RESPONSE)
		dubbo_answer(run, high, low);
}

/* See read_cut_header. */
static __noinline void read_cut_answer(struct reply_run *run, __u32 header_bytes)
{
	struct rpctee_reply_flow *flow = run->flow;
	__u8 byte = 0;
	int i;

	if (!flow->header_have) {
		flow->header[0] = 0;
		flow->header[1] = 0;
	}
	for (i = 0; i < RPCTEE_HEADER_BYTES_MAX; i++) {
		if (flow->header_have >= header_bytes || run->position >= run->segment.payload_bytes)
			break;
		if (load_bytes(run->skb, reply_offset(run), &byte, 1))
			run->counters->load_failed++;
		add_header_byte(flow->header, byte);
		flow->header_have++;
		run->position++;
	}
}

/* What can't be read is zero, which is no header. */
static __noinline void read_whole_answer(struct reply_run *run, __u32 header_bytes)
{
	struct rpctee_reply_flow *flow = run->flow;
	__be64 header[2] = {};
	__be32 length = 0;

	if (header_bytes == RPCTEE_DUBBO_HEADER_BYTES) {
		if (load_bytes(run->skb, reply_offset(run), header, sizeof(header)))
			run->counters->load_failed++;
		flow->header[0] = bpf_be64_to_cpu(header[0]);
		flow->header[1] = bpf_be64_to_cpu(header[1]);
	} else {
		if (load_bytes(run->skb, reply_offset(run), &length, sizeof(length)))
			run->counters->load_failed++;
		flow->header[1] = bpf_ntohl(length);
	}
	flow->header_have = header_bytes;
	run->position += header_bytes;
}

/* Both ways go by the flow's memory, see forget_how. */
static __always_inline void read_answer(struct reply_run *run)
{
	struct rpctee_reply_flow *flow = run->flow;
	__u32 header_bytes = header_bytes_of(flow->content);

	if (flow->header_have || reply_bytes_left(run) < header_bytes)
		read_cut_answer(run, header_bytes);
	else
		read_whole_answer(run, header_bytes);
	barrier();
	if (flow->header_have >= header_bytes)
		begin_answer(run, flow->header[0], flow->header[1]);
}

/* Returns 1 when the walk is over. */
static __noinline long walk_answer(__u32 step, struct reply_run *run)
{
	struct rpctee_reply_flow *flow = run->flow;
	__u32 bytes;

	(void)step;
	if (!flow->frame_left)
		read_answer(run);
	if (flow->outcome_due && flow->content == RPCTEE_CONTENT_DUBBO)
		read_outcome(run);
	else if (flow->outcome_due)
		thrift_answer(run);
	bytes = min_u32(flow->frame_left, reply_bytes_left(run));
	run->position += bytes;
	flow->frame_left -= bytes;
	return run->stopped || run->position >= run->segment.payload_bytes;
}

/* Walks the payload from `position` on. */
static __always_inline void walk_answers(struct reply_run *run, const enum kernel_age age)
{
	__u32 step;

	if (age == KERNEL_NEW) {
		if (!walk_answer(0, run))
			bpf_loop(REPLY_STEPS_MAX, walk_answer, run, 0);
	} else {
		for (step = 0; step < REPLY_STEPS_MAX_OLD; step++) {
			if (walk_answer(step, run))
				break;
		}
	}
	if (run->stopped || run->position >= run->segment.payload_bytes)
		return;
	run->counters->reply_walk_limit++;
	count_unframed(run);
	seek_answer(run);
}

/* Brings the segment into line with the cursor. Returns 0 when nothing of it is to be walked. */
static __always_inline int align_answers(struct reply_run *run)
{
	struct rpctee_reply_flow *flow = run->flow;
	__s32 ahead = (__s32)(run->segment.seq - flow->next_seq);

	if (flow->state == RPCTEE_REPLY_SYNC && ahead <= 0 && ahead >= -SEQ_FAR_BEHIND) {
		run->position = -ahead;
		return run->segment.payload_bytes > run->position;
	}
	if (flow->state == RPCTEE_REPLY_SYNC) {
		run->counters->reply_gaps++;
		seek_answer(run);
		run->stopped = 0;
	}
	if (!starts_answer(run, flow->content)) {
		count_unframed(run);
		return 0;
	}
	flow->state = RPCTEE_REPLY_SYNC;
	return 1;
}

/* A payload of a flow that is there and locked. */
static __always_inline void take_answers(struct reply_run *run, const enum kernel_age age)
{
	if (!align_answers(run))
		return;
	walk_answers(run, age);
	run->flow->next_seq = run->segment.seq + run->segment.payload_bytes;
}

/*
 * The flow of a payload that nothing was known of, locked, when the requests' flow says what it carries and the payload
 * starts with an answer; else NULL, with the reason counted.
 */
static __noinline struct rpctee_reply_flow *join_answers(struct reply_run *run)
{
	struct rpctee_flow_key *key = &run->segment.flow;
	struct rpctee_flow *requests = bpf_map_lookup_elem(&rpctee_flows, key);
	struct rpctee_reply_flow fresh = {.busy = 1, .next_seq = run->segment.seq};
	struct rpctee_reply_flow *flow = 0;

	if (!requests) {
		run->counters->reply_no_flow++;
		return 0;
	}
	fresh.content = requests->content;
	if (!has_length(fresh.content) || !starts_answer(run, fresh.content)) {
		count_unframed(run);
		return 0;
	}
	fresh.state = RPCTEE_REPLY_SYNC;
	/* Another CPU may have made it in between: then this packet is let go, and leaves a hole. */
	if (!bpf_map_update_elem(&rpctee_answers, key, &fresh, BPF_NOEXIST))
		flow = bpf_map_lookup_elem(&rpctee_answers, key);
	if (!flow) {
		run->counters->reply_table_full++;
		return 0;
	}
	run->counters->reply_flows++;
	return flow;
}

/* Everything that one segment from an endpoint does. */
static __always_inline void observe_answers(struct reply_run *run, const enum kernel_age age)
{
	struct rpctee_flow_key *key = &run->segment.flow;
	struct rpctee_reply_flow *flow = bpf_map_lookup_elem(&rpctee_answers, key);

	if (run->segment.flags & (TCP_SYN | TCP_RST)) {
		run->counters->reply_no_payload++;
		if (flow)
			bpf_map_delete_elem(&rpctee_answers, key);
		return;
	}
	if (!run->segment.payload_bytes) {
		run->counters->reply_no_payload++;
		return;
	}
	run->counters->reply_packets++;
	if (!flow) {
		flow = join_answers(run);
	} else if (!lock_flow(&flow->busy, key, age)) {
		run->counters->reply_busy++;
		return;
	}
	if (!flow)
		return;
	run->flow = flow;
	take_answers(run, age);
	unlock_flow(&flow->busy, key, age);
}

#endif /* RPCTEE_BPF_REPLY_H_ */
