/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Walks the payload of one in-order segment: frame by frame, over what is not sampled, copying what is.
 *
 * Every request header that is seen is counted in exactly one of not_sampled, too_big, ring_full and sampled.
 */
#ifndef RPCTEE_BPF_WALK_H_
#define RPCTEE_BPF_WALK_H_

#include "bpf/asked.h"
#include "bpf/frame.h"
#include "bpf/record.h"

/*
 * Steps in one packet: a frame takes one, a sampled frame one for each RPCTEE_PART_MAX_BYTES. Without bpf_loop the
 * verifier goes through each step, so there can be only a few.
 */
#define WALK_STEPS_MAX 8192
#define WALK_STEPS_MAX_OLD 8

/* Whoever walks tells the agent, once the walk is over. */
static __always_inline void lose_sync(struct run *run)
{
	run->counters->lost_sync++;
	run->flow->state = RPCTEE_FLOW_SEEK;
	run->flow->header_have = 0;
	run->stopped = 1;
}

/*
 * The flow's next 32 random bits: splitmix64 (Steele, Lea, Flood 2014), which begins where the kernel's generator said.
 * It costs a few instructions, the helper a call for each request.
 */
static __always_inline __u32 next_draw(struct rpctee_flow *flow)
{
	__u64 mixed = flow->random += 0x9e3779b97f4a7c15ULL;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
	return mixed >> 32 ^ mixed >> 63;
}

/* A request header was read: draws, and decides what happens to the request's bytes. */
static __always_inline void begin_request(struct run *run)
{
	struct rpctee_flow *flow = run->flow;

	run->counters->seen++;
	flow->request++;
	flow->draw = next_draw(flow);
	if (flow->frame_bytes > cfg_max_request_bytes)
		run->counters->too_big++;
	else if (flow->draw >= run->threshold)
		run->counters->not_sampled++;
	else
		flow->copy_state = RPCTEE_COPY_ACTIVE;
}

/* A whole header, as a number. Sets the flow to the frame that it starts. */
static __always_inline void begin_frame(struct run *run, __u64 high, __u64 low)
{
	struct rpctee_flow *flow = run->flow;
	__u32 frame_bytes = 0;
	enum frame_kind kind = read_frame(flow->content, high, low, &frame_bytes);

	if (kind == FRAME_INVALID) {
		lose_sync(run);
		return;
	}
	flow->frame_bytes = frame_bytes;
	flow->frame_left = frame_bytes;
	flow->copy_state = RPCTEE_COPY_NONE;
	if (kind == FRAME_EVENT)
		run->counters->events++;
	else if (kind == FRAME_RESPONSE)
		run->counters->responses++;
	else
		begin_request(run);
}

/* The header that was put together is consumed already: what is sampled starts with it. */
static __always_inline void begin_kept_frame(struct run *run)
{
	struct rpctee_flow *flow = run->flow;

	flow->header_have = 0;
	begin_frame(run, flow->header[0], flow->header[1]);
	if (run->stopped)
		return;
	if (flow->copy_state == RPCTEE_COPY_ACTIVE) {
		if (cfg_replies)
			note_asked(run, flow->header[0], flow->header[1], run->position);
		copy_kept_header(run, flow->header[0], flow->header[1]);
	}
	flow->frame_left -= header_bytes_of(flow->content);
	if (!flow->frame_left)
		flow->copy_state = RPCTEE_COPY_NONE;
}

/* Fewer bytes than a header are left, or some were kept from the packet before: goes on byte by byte, which is rare. */
static __noinline void read_cut_header(struct run *run)
{
	struct rpctee_flow *flow = run->flow;
	__u32 header_bytes = header_bytes_of(flow->content);
	__u8 byte;
	int i;

	if (!flow->header_have) {
		flow->header[0] = 0;
		flow->header[1] = 0;
	}
	for (i = 0; i < RPCTEE_HEADER_BYTES_MAX; i++) {
		if (flow->header_have >= header_bytes || run->position >= run->segment.payload_bytes)
			break;
		if (load_bytes(run->skb, run->segment.payload_offset + run->position, &byte, 1)) {
			run->counters->load_failed++;
			lose_sync(run);
			return;
		}
		add_header_byte(flow->header, byte);
		flow->header_have++;
		run->position++;
	}
	if (flow->header_have >= header_bytes)
		begin_kept_frame(run);
}

static __always_inline void read_header(struct run *run)
{
	__u32 header_bytes = header_bytes_of(run->flow->content);
	__u32 offset = run->segment.payload_offset + run->position;
	__be64 header[2] = {};
	__be32 length;

	if (run->flow->header_have || bytes_left(run) < header_bytes) {
		read_cut_header(run);
		return;
	}
	if (header_bytes == RPCTEE_DUBBO_HEADER_BYTES) {
		if (load_bytes(run->skb, offset, header, sizeof(header)))
			goto failed;
		begin_frame(run, bpf_be64_to_cpu(header[0]), bpf_be64_to_cpu(header[1]));
	} else {
		if (load_bytes(run->skb, offset, &length, sizeof(length)))
			goto failed;
		begin_frame(run, 0, bpf_ntohl(length));
	}
	return;
failed:
	run->counters->load_failed++;
	lose_sync(run);
}

/* Passes over bytes of the current frame that are in this packet, copying them when the request is sampled. */
static __always_inline void pass_frame(struct run *run)
{
	struct rpctee_flow *flow = run->flow;
	__u32 bytes = min_u32(flow->frame_left, bytes_left(run));

	if (!bytes)
		return;
	if (flow->copy_state == RPCTEE_COPY_ACTIVE) {
		if (cfg_replies && flow->frame_left == flow->frame_bytes)
			note_asked_here(run);
		bytes = min_u32(bytes, RPCTEE_PART_MAX_BYTES);
		copy_part(run, bytes);
	}
	run->position += bytes;
	flow->frame_left -= bytes;
	if (!flow->frame_left)
		flow->copy_state = RPCTEE_COPY_NONE;
}

/* Returns 1 when the walk is over. */
static __always_inline long walk_frame(struct run *run)
{
	if (!run->flow->frame_left)
		read_header(run);
	if (!run->stopped)
		pass_frame(run);
	return run->stopped || run->position >= run->segment.payload_bytes;
}

static __noinline long walk_step(__u32 step, struct run *run)
{
	(void)step;
	return walk_frame(run);
}

/* Returns 0, or -1 when there are more frames than one run may walk: then `position` is where it stopped. */
static __always_inline int walk_payload(struct run *run, const enum kernel_age age)
{
	__u32 step;

	if (age == KERNEL_NEW) {
		/* Most packets have one frame, and are done with the first step: spares them two calls. */
		if (!walk_frame(run))
			bpf_loop(WALK_STEPS_MAX, walk_step, run, 0);
	} else {
		for (step = 0; step < WALK_STEPS_MAX_OLD; step++) {
			if (walk_step(step, run))
				break;
		}
	}
	return run->stopped || run->position >= run->segment.payload_bytes ? 0 : -1;
}

#endif /* RPCTEE_BPF_WALK_H_ */
