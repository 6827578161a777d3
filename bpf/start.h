/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Where a flow begins, or goes on after its place was lost: what the connection carries, and where the next frame
 * stands.
 *
 * With the connection's first byte in hand the content decides, once and for ever. In the middle of a connection
 * content proves little, since a body may hold whole requests: then the program believes only a packet that is one
 * whole request and nothing else, sent in one write; everything else goes up to the agent, which looks for a chain of
 * frames.
 */
#ifndef RPCTEE_BPF_START_H_
#define RPCTEE_BPF_START_H_

#include "bpf/frame.h"
#include "bpf/stream.h"

/* How often the agent is asked for a boundary before the program waits for a packet that starts with a request. */
#define JOINS_MAX 3

/* Loads the payload's first bytes from `position` on for the tests of recognise.h. Returns how many, 0 on failure. */
static __always_inline __u32 load_start(struct run *run, __u8 *bytes)
{
	__u32 have = bounded(min_u32(bytes_left(run), RPCTEE_RECOGNISE_BYTES), RPCTEE_RECOGNISE_BYTES);

	__builtin_memset(bytes, 0, RPCTEE_RECOGNISE_BYTES);
	if (load_bytes(run->skb, run->segment.payload_offset + run->position, bytes, have)) {
		run->counters->load_failed++;
		return 0;
	}
	return have;
}

/*
 * What was found, by way of memory: so the verifier forgets which of the many ways through recognise.h it took, and
 * goes through what follows once instead of once for each.
 */
static __always_inline __u32 forget_how(struct scratch *scratch, __u32 found)
{
	scratch->found = found;
	barrier();
	return scratch->found;
}

static __noinline int starts_request(struct run *run, __u32 content)
{
	struct scratch *scratch = get_scratch();
	__u8 bytes[RPCTEE_RECOGNISE_BYTES];
	__u32 have = load_start(run, bytes);

	return scratch && have && forget_how(scratch, rpctee_starts_request(content, bytes, have));
}

static __noinline __u32 request_at(struct run *run)
{
	struct scratch *scratch = get_scratch();
	__u8 bytes[RPCTEE_RECOGNISE_BYTES];
	__u32 have = load_start(run, bytes);

	return scratch && have ? forget_how(scratch, rpctee_request_at(bytes, have)) : RPCTEE_CONTENT_UNKNOWN;
}

/* What a connection carries whose first byte stands at `position`, or RPCTEE_CONTENT_UNKNOWN. */
static __noinline __u32 recognise(struct run *run)
{
	struct scratch *scratch = get_scratch();
	__u8 bytes[RPCTEE_RECOGNISE_BYTES];
	__u32 have = load_start(run, bytes);

	return scratch && have ? forget_how(scratch, rpctee_recognise(bytes, have)) : RPCTEE_CONTENT_UNKNOWN;
}

static __noinline void note_syn(struct run *run)
{
	/* Its own data, or what comes after it. */
	__u32 first = run->segment.seq;

	bpf_map_update_elem(&rpctee_syns, &run->segment.flow, &first, BPF_ANY);
}

/* Makes the flow of a payload, in SEEK. Returns it locked, or NULL with the reason counted. */
static __noinline struct rpctee_flow *create_flow(struct run *run)
{
	struct rpctee_flow_key *key = &run->segment.flow;
	struct scratch *scratch = get_scratch();
	struct rpctee_flow *flow = 0;
	struct rpctee_flow fresh = {
		.busy = 1,
		.next_seq = run->segment.seq,
		.threshold = run->threshold,
		.generation = run->control->generation,
	};
	__u32 *first;

	first = bpf_map_lookup_elem(&rpctee_syns, key);
	/* Nothing to start from: no entry, so that a flood of such packets pushes nobody out. */
	if (!scratch || (!first && !run->control->joins_left && request_at(run) == RPCTEE_CONTENT_UNKNOWN)) {
		run->counters->seek_packets++;
		return 0;
	}
	if (bpf_map_lookup_elem(&rpctee_own, key)) {
		run->counters->own_packets++;
		return 0;
	}
	fresh.flow_id = scratch->next_flow++ << 16 | bpf_get_smp_processor_id();
	fresh.random = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	if (first) {
		fresh.first_seq = *first;
		fresh.first_known = 1;
		/* A first segment that was overtaken is still to come. */
		if (run->segment.seq - *first <= STREAM_WINDOW)
			fresh.next_seq = *first;
		bpf_map_delete_elem(&rpctee_syns, key);
	}
	/* Another CPU may have made it in between: then this packet is let go, and leaves a hole. */
	if (!bpf_map_update_elem(&rpctee_flows, key, &fresh, BPF_NOEXIST))
		flow = bpf_map_lookup_elem(&rpctee_flows, key);
	if (!flow) {
		run->counters->flow_table_full++;
		return 0;
	}
	run->counters->flows_created++;
	return flow;
}

/*
 * Barriers keep the compiler from one counter with a computed place, which without CAP_PERFMON the verifier does not
 * allow.
 */
static __always_inline void ignore_flow(struct run *run, __u32 content)
{
	run->flow->state = RPCTEE_FLOW_IGNORE;
	run->flow->content = content;
	if (content == RPCTEE_CONTENT_TLS)
		run->counters->ignored_tls++;
	barrier();
	if (content == RPCTEE_CONTENT_HTTP1)
		run->counters->ignored_http1++;
	barrier();
	if (content == RPCTEE_CONTENT_HTTP2)
		run->counters->ignored_http2++;
	barrier();
	if (content == RPCTEE_CONTENT_TELNET)
		run->counters->ignored_telnet++;
	barrier();
	if (content < RPCTEE_CONTENT_TLS || content > RPCTEE_CONTENT_TELNET)
		run->counters->ignored_other++;
}

static __always_inline int has_length(__u32 content)
{
	return content == RPCTEE_CONTENT_DUBBO || content == RPCTEE_CONTENT_THRIFT_FRAMED;
}

static __always_inline void start_frames(struct run *run, __u32 content)
{
	struct rpctee_flow *flow = run->flow;

	flow->state = RPCTEE_FLOW_SYNC;
	flow->content = content;
	flow->frame_left = 0;
	flow->header_have = 0;
	flow->copy_state = RPCTEE_COPY_NONE;
}

/* The connection's first byte stands at `position`, or is still to come when there is a hole before it. */
static __always_inline void start_at_first_byte(struct run *run, int has_hole)
{
	__u32 content = has_hole ? RPCTEE_CONTENT_UNKNOWN : recognise(run);

	if (has_length(content))
		start_frames(run, content);
	else if (content == RPCTEE_CONTENT_UNKNOWN || content == RPCTEE_CONTENT_THRIFT_UNFRAMED)
		begin_stream(run, RPCTEE_START_FIRST_BYTE);
	else
		ignore_flow(run, content);
}

/* Is the payload from `position` on one request, and its end the end of what the sender wrote? */
static __always_inline int is_one_request(struct run *run, __u32 content)
{
	__u32 length_at = content == RPCTEE_CONTENT_DUBBO ? 12 : 0;
	__be32 length;

	if (!has_length(content) || !(run->segment.flags & TCP_PSH) || bytes_left(run) < RPCTEE_THRIFT_STRICT_BYTES ||
	    load_bytes(run->skb, run->segment.payload_offset + run->position + length_at, &length, sizeof(length)))
		return 0;
	return bytes_left(run) == header_bytes_of(content) + bpf_ntohl(length);
}

/* Asks the agent to find the place, as often as is sensible; `content`: what a request at `position` may be. */
static __always_inline void ask_for_start(struct run *run, __u32 content)
{
	struct rpctee_flow *flow = run->flow;

	if (flow->joins >= JOINS_MAX && content == RPCTEE_CONTENT_UNKNOWN) {
		run->counters->seek_packets++;
		return;
	}
	if (!run->control->joins_left) {
		run->counters->seek_packets++;
		run->counters->joins_refused++;
		return;
	}
	flow->next_seq = run->segment.seq + run->position;
	flow->content = RPCTEE_CONTENT_UNKNOWN;
	if (begin_stream(run, RPCTEE_START_UNKNOWN))
		return;
	run->control->joins_left--;
	run->counters->joins++;
	flow->joins++;
}

static __always_inline void start_in_the_middle(struct run *run)
{
	__u32 content = request_at(run);

	if (is_one_request(run, content))
		start_frames(run, content);
	else
		ask_for_start(run, content);
}

/* A payload of a flow in SEEK. `ahead`: how far the segment is ahead of next_seq. */
static __noinline void start_flow(struct run *run, __s32 ahead)
{
	struct rpctee_flow *flow = run->flow;
	/* Nothing of the connection was taken yet. */
	int at_first = flow->first_known && flow->content == RPCTEE_CONTENT_UNKNOWN && !flow->joins &&
		       flow->next_seq == flow->first_seq;

	if (at_first && ahead >= 0)
		start_at_first_byte(run, ahead > 0);
	else
		start_in_the_middle(run);
}

#endif /* RPCTEE_BPF_START_H_ */
