/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Everything that the tap program and the agent share: map keys and values, ring records, constants.
 *
 * Plain C and plain C++. Fixed widths, explicit padding, no bool, enum or pointer inside a struct. Fields ending in _be
 * are in network byte order, all others in host order. IPv4 addresses stand as IPv4-mapped IPv6 (::ffff:a.b.c.d).
 * Sizes and offsets are asserted below, in both languages.
 */
#ifndef RPCTEE_BPF_ABI_ABI_H_
#define RPCTEE_BPF_ABI_ABI_H_

#include <linux/types.h>

#include "bpf/abi/reasons.h"
#include "bpf/abi/recognise.h"

#ifdef __cplusplus
#define RPCTEE_ASSERT(condition) static_assert(condition, #condition)
#else
#define RPCTEE_ASSERT(condition) _Static_assert(condition, #condition)
#endif

/* Byte arrays that are copied and hashed by words. */
#define RPCTEE_ALIGNED(bytes) __attribute__((aligned(bytes)))

/* A threshold at which every draw passes: draws are 32 bits wide, so one more than the largest. */
#define RPCTEE_THRESHOLD_ALL (1ULL << 32)

/* Most payload bytes in one ring record. A request longer than this comes in several records. */
#define RPCTEE_PART_MAX_BYTES 16384

/* How long the headers are that announce a frame's length. The longest one decides what a flow must keep. */
#define RPCTEE_DUBBO_HEADER_BYTES 16
#define RPCTEE_THRIFT_HEADER_BYTES 4
#define RPCTEE_HEADER_BYTES_MAX 16

/* Most rings, and so workers. */
#define RPCTEE_RINGS_MAX 16

/* Where traffic to a mirrored service goes. The all-zero address stands for "any address" (replay only). */
struct rpctee_endpoint_key {
	__u8 address[16] RPCTEE_ALIGNED(4);
	__u16 port_be;
	__u16 zero;
};

struct rpctee_endpoint {
	__u64 threshold;   /* a request is sampled when its draw is below; 0 samples nothing */
	__u32 endpoint_id; /* the agent's index of this endpoint, for people who read the map */
	__u32 zero;
};

/* One direction of one TCP connection: from the consumer (source) to the endpoint (destination). */
struct rpctee_flow_key {
	__u8 source[16] RPCTEE_ALIGNED(4);
	__u8 destination[16] RPCTEE_ALIGNED(4);
	__u16 source_port_be;
	__u16 destination_port_be;
};

enum rpctee_flow_state {
	RPCTEE_FLOW_SEEK = 0,	/* boundary unknown: the next payload is looked at, and the agent asked to find one */
	RPCTEE_FLOW_SYNC = 1,	/* next_seq is known, frames are walked */
	RPCTEE_FLOW_STREAM = 2, /* every byte goes up, the agent puts them in order and frames them */
	RPCTEE_FLOW_IGNORE = 3, /* nothing that can be mirrored: passed over until the connection ends */
};

enum rpctee_copy_state {
	RPCTEE_COPY_NONE = 0,	/* the current frame is not copied */
	RPCTEE_COPY_ACTIVE = 1, /* the current frame's bytes go into the ring */
};

struct rpctee_flow {
	__u64 flow_id;	    /* unique while the program is loaded; names the flow in records */
	__u32 busy;	    /* 1 while a CPU works on this flow */
	__u32 state;	    /* enum rpctee_flow_state */
	__u32 next_seq;	    /* TCP sequence number of the next byte expected, host order */
	__u32 frame_left;   /* bytes of the current frame that have not passed yet; 0 at a boundary */
	__u32 frame_bytes;  /* length of the current frame, header included */
	__u32 copy_state;   /* enum rpctee_copy_state */
	__u32 draw;	    /* the current request's draw */
	__u32 request;	    /* ordinal of the current request on this flow, wraps */
	__u32 header_have;  /* bytes of a header that a packet boundary cut; they stand in header */
	__u32 content;	    /* enum rpctee_content */
	__u64 header[2];    /* the bytes so far as one number, the last one lowest: header[1] has the last eight */
	__u32 cut_pending;  /* enum rpctee_cut_reason that the agent has not been told, because its record was lost */
	__u32 holes;	    /* grows with each hole that a segment of a stream left, and with each stream's end */
	__u32 stream_bytes; /* in STREAM: payload bytes that went up since the agent's last word; a limit ends it */
	__u32 joins;	    /* how often the agent was asked to find a boundary */
	__u32 first_seq;    /* of the connection's first byte, if first_known */
	__u32 first_known;  /* 1: the connection's SYN was seen */
	__u64 random;	    /* state of the flow's sequence of draws */
	__u64 threshold;    /* the endpoint's, as of `generation` */
	__u32 generation;   /* struct rpctee_control's, when the endpoint was looked up last */
	__u32 stream_holes; /* in STREAM: `holes` when it began; no earlier stream of the flow had so many */
};

enum rpctee_record_kind {
	RPCTEE_RECORD_PART = 1,		/* payload: bytes [offset, offset + payload) of a request */
	RPCTEE_RECORD_CUT = 2,		/* no payload: what was under way will not be completed; GAP: place lost */
	RPCTEE_RECORD_STREAM_BEGIN = 3, /* payload: the struct rpctee_flow as it stands at seq */
	RPCTEE_RECORD_STREAM_DATA = 4,	/* payload: bytes of the stream from seq on, in no order */
	RPCTEE_RECORD_STREAM_END = 5,	/* no payload: from seq on, where a frame begins, the program frames again */
};

/* What is known of a stream at the seq where it begins. */
enum rpctee_stream_start {
	RPCTEE_START_FRAME = 0,	     /* the frame that is under way: the flow was in SYNC */
	RPCTEE_START_FIRST_BYTE = 1, /* the first byte of the connection stands there */
	RPCTEE_START_UNKNOWN = 2,    /* nothing: the tap came into the middle of the connection, or lost its place */
};

enum rpctee_cut_reason {
	RPCTEE_CUT_NONE = 0,
	RPCTEE_CUT_GAP = 1,
	RPCTEE_CUT_RING_FULL = 2,
	RPCTEE_CUT_FLOW_ENDED = 3,
};

/* Of PART and CUT records. */
struct rpctee_part {
	__u32 request;	   /* ordinal of the request on its flow */
	__u32 draw;	   /* the request's draw: rule i applies when draw < threshold_i */
	__u32 frame_bytes; /* length of the whole request, header included */
	__u32 offset;	   /* where this part starts in the request; 0 for the first */
};

/* Of STREAM records. */
struct rpctee_piece {
	__u32 seq;   /* TCP sequence number of the first payload byte, host order */
	__u32 holes; /* the flow's, see struct rpctee_flow */
	__u32 start; /* BEGIN: enum rpctee_stream_start */
	__u32 zero;
};

/* A ring record: this header, and the payload, which is the rest of the record's length as the ring tells it. */
struct rpctee_record {
	__u64 flow_id;
	__u64 time_ns; /* CLOCK_MONOTONIC when the part was seen */
	struct rpctee_flow_key flow;
	__u8 kind;	 /* enum rpctee_record_kind */
	__u8 cut_reason; /* enum rpctee_cut_reason: of this CUT, or, in a first part, of a cut whose record was lost */
	__u8 content;	 /* enum rpctee_content: a protocol, or 0 in a stream whose protocol the agent is to find */
	__u8 zero;
	union {
		struct rpctee_part part;
		struct rpctee_piece piece;
	};
};

/* What the agent may say about a flow in STREAM. */
enum rpctee_word {
	RPCTEE_WORD_TAKE_BACK = 0, /* frame again, from the next segment on that starts with a request */
	RPCTEE_WORD_GIVE_UP = 1,   /* what is missing will not come, or no boundary can be found: go to SEEK */
	RPCTEE_WORD_GO_ON = 2,	   /* the bytes so far were taken: go on sending */
	RPCTEE_WORD_IGNORE = 3,	   /* `content` says why nothing on this connection can be mirrored */
};

/*
 * The agent's word on a flow in STREAM, by flow. The program takes the entry out when it follows it. It passes over
 * what was said of another flow of the same addresses, or of an earlier stream of the same flow.
 */
struct rpctee_handback {
	__u64 flow_id; /* the flow that is meant */
	__u32 holes;   /* the flow's that the agent has heard of; TAKE_BACK: with no more, every byte is there */
	__u8 word;     /* enum rpctee_word */
	__u8 content;  /* enum rpctee_content: TAKE_BACK: the protocol */
	__u16 zero;
};

/* One element, mmapped by the agent: how the program should treat packets. */
struct rpctee_control {
	__u64 heartbeat_ns; /* CLOCK_MONOTONIC of the agent's last sign of life; 0 = let every packet go. The program
			       writes the 0 when it finds the time stale. */
	__u32 any_endpoint; /* 1: also look up the port alone, with the all-zero address */
	__u32 joins_left;   /* how many flows may yet ask the agent for a boundary; the agent fills it up */
	__u32 generation;   /* of the table of endpoints; the agent counts on, never to 0, when it has changed it */
	__u32 zero;
};

/* One element for each ring, mmapped by the agent; a cache line each. */
struct rpctee_worker {
	__u32 asleep; /* the worker sets 1 before it sleeps; the program clears it when it wakes the worker */
	__u32 zero[15];
};

#define RPCTEE_COUNTER_FIELD(name, help) __u64 name;
/* One element per CPU. Written by the program only. */
struct rpctee_counters {
	RPCTEE_TAP_COUNTERS(RPCTEE_COUNTER_FIELD)
};
#undef RPCTEE_COUNTER_FIELD

RPCTEE_ASSERT(sizeof(struct rpctee_endpoint_key) == 20);
RPCTEE_ASSERT(sizeof(struct rpctee_endpoint) == 16);
RPCTEE_ASSERT(sizeof(struct rpctee_flow_key) == 36);
RPCTEE_ASSERT(sizeof(struct rpctee_flow) == 112);
RPCTEE_ASSERT(__builtin_offsetof(struct rpctee_flow, header) == 48);
RPCTEE_ASSERT(sizeof(struct rpctee_part) == 16 && sizeof(struct rpctee_piece) == 16);
RPCTEE_ASSERT(sizeof(struct rpctee_record) == 72);
RPCTEE_ASSERT(__builtin_offsetof(struct rpctee_record, part) == 56);
RPCTEE_ASSERT(sizeof(struct rpctee_worker) == 64);
RPCTEE_ASSERT(sizeof(struct rpctee_handback) == 16);
RPCTEE_ASSERT(sizeof(struct rpctee_control) == 24);
RPCTEE_ASSERT(sizeof(struct rpctee_counters) % sizeof(__u64) == 0);

#endif /* RPCTEE_BPF_ABI_ABI_H_ */
