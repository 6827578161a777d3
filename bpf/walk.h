/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Walks the payload of one in-order segment: frame by frame, over what is not sampled, copying what is.
 *
 * Every request header that is seen is counted in exactly one of not_sampled, too_big, ring_full and sampled.
 */
#ifndef RPCTEE_BPF_WALK_H_
#define RPCTEE_BPF_WALK_H_

#include "bpf/dubbo.h"
#include "bpf/record.h"

/*
 * Steps in one packet: a frame takes one, a sampled frame one for each RPCTEE_PART_MAX_BYTES. Without bpf_loop the
 * verifier goes through each step, so there can be only a few.
 */
#define WALK_STEPS_MAX 8192
#define WALK_STEPS_MAX_OLD 8

static __always_inline __u32 min_u32(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static __always_inline __u32 bytes_left(const struct run *run)
{
	return run->segment.payload_bytes - run->position;
}

static __always_inline void lose_sync(struct run *run)
{
	run->counters->lost_sync++;
	run->flow->state = RPCTEE_FLOW_SEEK;
	run->flow->header_have = 0;
	run->stopped = 1;
}

/* A request header was read: draws, and decides what happens to the request's bytes. `header_passed`: it is consumed.
 */
static __always_inline void begin_request(struct run *run, const __u8 *header, int header_passed)
{
	struct rpctee_flow *flow = run->flow;

	run->counters->seen++;
	flow->request++;
	flow->draw = bpf_get_prandom_u32();
	if (flow->frame_bytes > cfg_max_request_bytes) {
		run->counters->too_big++;
	} else if (flow->draw >= run->threshold) {
		run->counters->not_sampled++;
	} else {
		flow->copy_state = RPCTEE_COPY_ACTIVE;
		if (header_passed)
			copy_kept_header(run, header);
	}
}

/* `header` is complete. Sets the flow to the frame that it starts. */
static __always_inline void begin_frame(struct run *run, const __u8 *header, int header_passed)
{
	struct rpctee_flow *flow = run->flow;
	enum dubbo_kind kind = dubbo_header_kind(header);

	if (kind == DUBBO_INVALID) {
		lose_sync(run);
		return;
	}
	flow->frame_bytes = RPCTEE_DUBBO_HEADER_BYTES + dubbo_body_bytes(header);
	flow->frame_left = flow->frame_bytes;
	flow->copy_state = RPCTEE_COPY_NONE;
	if (kind == DUBBO_EVENT)
		run->counters->events++;
	else if (kind == DUBBO_RESPONSE)
		run->counters->responses++;
	else
		begin_request(run, header, header_passed);
	if (header_passed)
		flow->frame_left -= RPCTEE_DUBBO_HEADER_BYTES;
	if (!flow->frame_left)
		flow->copy_state = RPCTEE_COPY_NONE;
}

/*
 * Fewer bytes than a header are left, or some were kept from the packet before: goes on byte by byte, which is rare.
 * Bytes are shifted in, because a store at a variable place would need CAP_PERFMON.
 */
static __always_inline void read_cut_header(struct run *run)
{
	struct rpctee_flow *flow = run->flow;
	__u64 whole[2];
	__u8 byte;
	int i;

	for (i = 0; i < RPCTEE_DUBBO_HEADER_BYTES; i++) {
		if (flow->header_have >= RPCTEE_DUBBO_HEADER_BYTES || run->position >= run->segment.payload_bytes)
			break;
		if (load_bytes(run->skb, run->segment.payload_offset + run->position, &byte, 1)) {
			run->counters->load_failed++;
			lose_sync(run);
			return;
		}
		flow->header[0] = flow->header[0] << 8 | flow->header[1] >> 56;
		flow->header[1] = flow->header[1] << 8 | byte;
		flow->header_have++;
		run->position++;
	}
	if (flow->header_have < RPCTEE_DUBBO_HEADER_BYTES)
		return;
	flow->header_have = 0;
	whole[0] = bpf_cpu_to_be64(flow->header[0]);
	whole[1] = bpf_cpu_to_be64(flow->header[1]);
	begin_frame(run, (const __u8 *)whole, 1);
}

static __always_inline void read_header(struct run *run)
{
	__u8 header[RPCTEE_DUBBO_HEADER_BYTES];

	if (run->flow->header_have || bytes_left(run) < RPCTEE_DUBBO_HEADER_BYTES) {
		read_cut_header(run);
		return;
	}
	if (load_bytes(run->skb, run->segment.payload_offset + run->position, header, sizeof(header))) {
		run->counters->load_failed++;
		lose_sync(run);
		return;
	}
	begin_frame(run, header, 0);
}

/* Passes over bytes of the current frame that are in this packet, copying them when the request is sampled. */
static __always_inline void pass_frame(struct run *run)
{
	struct rpctee_flow *flow = run->flow;
	__u32 bytes = min_u32(flow->frame_left, bytes_left(run));

	if (!bytes)
		return;
	if (flow->copy_state == RPCTEE_COPY_ACTIVE) {
		bytes = min_u32(bytes, RPCTEE_PART_MAX_BYTES);
		copy_part(run, bytes);
	}
	run->position += bytes;
	flow->frame_left -= bytes;
	if (!flow->frame_left)
		flow->copy_state = RPCTEE_COPY_NONE;
}

static __noinline long walk_step(__u32 step, struct run *run)
{
	(void)step;
	if (run->position >= run->segment.payload_bytes)
		return 1;
	if (!run->flow->frame_left)
		read_header(run);
	if (!run->stopped)
		pass_frame(run);
	return run->stopped ? 1 : 0;
}

/* Returns 0, or -1 when there are more frames than one run may walk: then `position` is where it stopped. */
static __always_inline int walk_payload(struct run *run, const enum kernel_age age)
{
	__u32 step;

	if (age == KERNEL_NEW) {
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
