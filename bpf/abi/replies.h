/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the tap program and the agent share about the primary's answers, when their direction is tapped too.
 *
 * Plain C and plain C++, by the rules of abi.h. The buckets of latencies: latency.h.
 */
#ifndef RPCTEE_BPF_ABI_REPLIES_H_
#define RPCTEE_BPF_ABI_REPLIES_H_

#include "bpf/abi/abi.h"
#include "bpf/abi/latency.h"

/* A sampled request whose answer is waited for. The value is when its header was seen, CLOCK_MONOTONIC, ns. */
struct rpctee_asked_key {
	struct rpctee_flow_key flow; /* from the consumer to the endpoint */
	__u32 id_high;		     /* of the request, as it stands in its header */
	__u32 id_low;
};

enum rpctee_reply_state {
	RPCTEE_REPLY_SEEK = 0, /* boundary unknown: until a packet starts with an answer */
	RPCTEE_REPLY_SYNC = 1, /* next_seq is known, frames are walked */
};

/* The other direction of a flow; its key is the flow's: from the consumer to the endpoint. */
struct rpctee_reply_flow {
	__u32 busy;	   /* 1 while a CPU works on it */
	__u32 state;	   /* enum rpctee_reply_state */
	__u32 next_seq;	   /* TCP sequence number of the next byte expected, host order */
	__u32 frame_left;  /* bytes behind the current frame's header that have not passed yet */
	__u32 header_have; /* bytes of a header that a packet boundary cut */
	__u32 content;	   /* enum rpctee_content: that of the requests */
	__u64 header[2];   /* the bytes so far, as in struct rpctee_flow */
	/* Not 0: Dubbo: the byte that tells how a matched answer ended is the outcome_due'th from here on; Thrift: the
	 * message is still to come. */
	__u32 outcome_due;
	__u32 serialization; /* of that answer */
};

/* Of one endpoint. `asked` is less than what follows by no more than is under way; what it is more was not answered. */
struct rpctee_replies {
	__u64 asked;	      /* sampled requests whose answer is waited for */
	__u64 ok;	      /* of their answers: the service returned */
	__u64 exception;      /* the service answered with an exception of its own */
	__u64 error;	      /* the framework answered with an error */
	__u64 unframed_bytes; /* in packets without a known boundary: answers in them were not seen */
};

/* How many of an endpoint's answers took so long. The value is a count of 64 bits. */
struct rpctee_latency_key {
	__u8 address[16] RPCTEE_ALIGNED(4);
	__u16 port_be;
	__u16 bucket;
};

RPCTEE_ASSERT(sizeof(struct rpctee_asked_key) == 44);
RPCTEE_ASSERT(sizeof(struct rpctee_reply_flow) == 48);
RPCTEE_ASSERT(sizeof(struct rpctee_replies) == 40);
RPCTEE_ASSERT(sizeof(struct rpctee_latency_key) == 20);

#endif /* RPCTEE_BPF_ABI_REPLIES_H_ */
