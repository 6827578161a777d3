/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * One answer of the primary, by its header: which sampled request it answers, how that ended, and how long it took.
 */
#ifndef RPCTEE_BPF_ANSWER_H_
#define RPCTEE_BPF_ANSWER_H_

#include "bpf/asked.h"
#include "bpf/frame.h"
#include "bpf/start.h"

#define RPCTEE_DUBBO_OK 20

/*
 * A result begins with a number that tells its kind, written as the serialization (ExchangeCodec's ids) writes an
 * integer: Hessian2 and native Hessian as 0x90 and more, JSON as a digit, Kryo, FST, Avro, Protostuff and Msgpack as
 * it is, Java's as a byte behind stream magic, version, block and length, fastjson2 behind the length and the type of a
 * small integer.
 */
#define SERIALIZATION_BIT(id) (1U << (id))
#define HESSIAN_IDS (SERIALIZATION_BIT(2) | SERIALIZATION_BIT(10))
#define JSON_IDS (SERIALIZATION_BIT(6) | SERIALIZATION_BIT(16) | SERIALIZATION_BIT(21))
#define PLAIN_IDS                                                                                      \
	(SERIALIZATION_BIT(8) | SERIALIZATION_BIT(9) | SERIALIZATION_BIT(11) | SERIALIZATION_BIT(12) | \
	 SERIALIZATION_BIT(25) | SERIALIZATION_BIT(27))
#define JAVA_IDS (SERIALIZATION_BIT(3) | SERIALIZATION_BIT(4) | SERIALIZATION_BIT(7))
#define FASTJSON2_IDS SERIALIZATION_BIT(23)
#define HESSIAN_ZERO 0x90
#define HESSIAN_RESULT_LAST 0x95
/* Kinds of results that are exceptions, without and with attachments (DubboCodec). */
#define RESULT_EXCEPTION 0
#define RESULT_EXCEPTION_WITH_ATTACHMENTS 3

/* The endpoint's latencies by bucket. Written by the program; the agent takes out those of an endpoint that goes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct rpctee_latency_key);
	__type(value, __u64);
} rpctee_latency SEC(".maps");

enum answer_outcome {
	ANSWER_OK,
	ANSWER_EXCEPTION,
	ANSWER_ERROR,
};

/* What one run of the reply program works with. Lives on its stack. */
struct reply_run {
	struct __sk_buff *skb;
	struct rpctee_counters *counters;
	struct rpctee_control *control;
	struct rpctee_reply_flow *flow;
	struct segment segment; /* but for segment.flow: the direction of the requests */
	__u32 position;		/* in the payload: what stands before it is done */
	__u32 stopped;		/* the walk is over, whatever is left */
};

static __always_inline __u32 reply_bytes_left(const struct reply_run *run)
{
	return run->segment.payload_bytes - run->position;
}

static __always_inline __u32 reply_offset(const struct reply_run *run)
{
	return run->segment.payload_offset + run->position;
}

/* By way of memory, see forget_how: a bucket is found on many ways. */
static __always_inline __u32 latency_bucket(__u64 latency_ns)
{
	struct scratch *scratch = get_scratch();

	return scratch ? forget_how(scratch, rpctee_latency_bucket(latency_ns)) : 0;
}

static __noinline void count_latency(struct reply_run *run, __u64 latency_ns)
{
	struct rpctee_latency_key key = {};
	__u64 one = 1, *count;

	if (!run->control->any_endpoint)
		__builtin_memcpy(key.address, run->segment.flow.destination, sizeof(key.address));
	key.port_be = run->segment.flow.destination_port_be;
	key.bucket = latency_bucket(latency_ns);
	count = bpf_map_lookup_elem(&rpctee_latency, &key);
	/* Another CPU may be the first one too. */
	if (!count && bpf_map_update_elem(&rpctee_latency, &key, &one, BPF_NOEXIST)) {
		count = bpf_map_lookup_elem(&rpctee_latency, &key);
		if (!count)
			run->counters->reply_latency_full++;
	}
	if (count)
		__sync_fetch_and_add(count, 1);
}

/* Barriers: see ignore_flow. */
static __noinline void count_outcome(struct reply_run *run, __u32 outcome)
{
	struct rpctee_replies *replies = find_replies(&run->segment.flow, run->control);

	if (!replies)
		return;
	if (outcome == ANSWER_OK)
		__sync_fetch_and_add(&replies->ok, 1);
	barrier();
	if (outcome == ANSWER_EXCEPTION)
		__sync_fetch_and_add(&replies->exception, 1);
	barrier();
	if (outcome == ANSWER_ERROR)
		__sync_fetch_and_add(&replies->error, 1);
}

/* Is it the answer to a sampled request? Then that has it now, and its latency is counted. */
static __noinline int match_answer(struct reply_run *run, __u64 id)
{
	struct rpctee_asked_key key;
	__u64 *asked_ns, latency_ns;

	run->counters->replies++;
	make_asked_key(&key, &run->segment.flow, id);
	asked_ns = bpf_map_lookup_elem(&rpctee_asked, &key);
	if (!asked_ns)
		return 0;
	latency_ns = bpf_ktime_get_ns() - *asked_ns;
	/* Only one of two that look at the same time takes it out. */
	if (bpf_map_delete_elem(&rpctee_asked, &key))
		return 0;
	count_latency(run, latency_ns);
	return 1;
}

/* Which byte of the body tells the kind of the result, from 1 on; 0: none that is known. */
static __always_inline __u32 place_of_kind(__u32 serialization)
{
	__u32 bit = SERIALIZATION_BIT(serialization);

	if (bit & (HESSIAN_IDS | JSON_IDS | PLAIN_IDS))
		return 1;
	if (bit & FASTJSON2_IDS)
		return 6;
	return bit & JAVA_IDS ? 7 : 0;
}

static __always_inline void dubbo_answer(struct reply_run *run, __u64 high, __u64 low)
{
	__u32 serialization = high >> 40 & RPCTEE_DUBBO_SERIALIZATION;
	__u32 place = place_of_kind(serialization);

	if (!match_answer(run, high << 32 | low >> 32))
		return;
	if ((high >> 32 & 0xff) != RPCTEE_DUBBO_OK) {
		count_outcome(run, ANSWER_ERROR);
	} else if (place && place <= run->flow->frame_left) {
		run->flow->outcome_due = place;
		run->flow->serialization = serialization;
	} else {
		count_outcome(run, ANSWER_OK);
	}
}

static __always_inline int is_exception(__u32 serialization, __u8 kind)
{
	__u32 bit = SERIALIZATION_BIT(serialization & RPCTEE_DUBBO_SERIALIZATION);

	if (bit & HESSIAN_IDS)
		kind -= HESSIAN_ZERO;
	else if (bit & JSON_IDS)
		kind -= '0';
	return kind == RESULT_EXCEPTION || kind == RESULT_EXCEPTION_WITH_ATTACHMENTS;
}

/* The byte that was due, if the packet has it. */
static __always_inline void read_outcome(struct reply_run *run)
{
	struct rpctee_reply_flow *flow = run->flow;
	__u32 left = reply_bytes_left(run);
	__u8 kind = 0xff;

	if (flow->outcome_due > left) {
		flow->outcome_due -= left;
		return;
	}
	if (load_bytes(run->skb, reply_offset(run) + flow->outcome_due - 1, &kind, 1))
		run->counters->load_failed++;
	flow->outcome_due = 0;
	if (is_exception(flow->serialization, kind))
		count_outcome(run, ANSWER_EXCEPTION);
	else
		count_outcome(run, ANSWER_OK);
}

/*
 * Does the struct of a Thrift reply, `body` behind the message's start, begin with a declared exception? What a
 * function returns is field 0, an exception it declares a later one; a function without a value returns nothing.
 */
static __always_inline int is_thrift_exception(struct reply_run *run, __u64 head)
{
	__u32 body = thrift_head_body(head);
	__u8 field[3] = {};

	if (reply_bytes_left(run) < body + (head & THRIFT_HEAD_COMPACT ? 1 : sizeof(field)))
		return 0;
	if (head & THRIFT_HEAD_COMPACT)
		return !load_bytes(run->skb, reply_offset(run) + body, field, 1) && field[0] >> 4;
	return !load_bytes(run->skb, reply_offset(run) + body, field, sizeof(field)) && field[0] &&
	       rpctee_be16(field + 1);
}

/* The message begins at `position`, unless that is the packet's end. A head that a packet boundary cut matches nothing.
 */
static __noinline void thrift_answer(struct reply_run *run)
{
	__u64 head;

	if (!reply_bytes_left(run))
		return;
	run->flow->outcome_due = 0;
	head = thrift_head(run->skb, reply_offset(run), reply_bytes_left(run));
	if (!match_answer(run, (__u32)head))
		return;
	if (thrift_head_type(head) == THRIFT_EXCEPTION)
		count_outcome(run, ANSWER_ERROR);
	else if (is_thrift_exception(run, head))
		count_outcome(run, ANSWER_EXCEPTION);
	else
		count_outcome(run, ANSWER_OK);
}

#endif /* RPCTEE_BPF_ANSWER_H_ */
