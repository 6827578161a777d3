/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the header of a frame says, at a place where one is known to stand: one entry for each protocol that announces a
 * frame's length.
 *
 * Headers are handled as numbers, high and low eight bytes, in host order, right-aligned: a header shorter than 16
 * bytes leaves the upper ones zero.
 */
#ifndef RPCTEE_BPF_FRAME_H_
#define RPCTEE_BPF_FRAME_H_

#include <linux/types.h>

#include "bpf/abi/abi.h"

enum frame_kind {
	FRAME_INVALID,
	FRAME_REQUEST,
	FRAME_EVENT,
	FRAME_RESPONSE,
};

static __always_inline __u32 header_bytes_of(__u32 content)
{
	return content == RPCTEE_CONTENT_DUBBO ? RPCTEE_DUBBO_HEADER_BYTES : RPCTEE_THRIFT_HEADER_BYTES;
}

/*
 * The next byte of a header that a packet boundary cut. It is shifted in, because a store at a variable place would
 * need CAP_PERFMON.
 */
static __always_inline void add_header_byte(__u64 *header, __u8 byte)
{
	header[0] = header[0] << 8 | header[1] >> 56;
	header[1] = header[1] << 8 | byte;
}

/* The magic and a possible length are all that is asked. */
static __always_inline enum frame_kind dubbo_frame(__u64 high, __u64 low, __u32 *frame_bytes)
{
	__u32 flags = high >> 40 & 0xff;
	__u32 body_bytes = (__u32)low;

	if (high >> 48 != RPCTEE_DUBBO_MAGIC || body_bytes > RPCTEE_BODY_MAX)
		return FRAME_INVALID;
	*frame_bytes = RPCTEE_DUBBO_HEADER_BYTES + body_bytes;
	if (flags & RPCTEE_DUBBO_EVENT)
		return FRAME_EVENT;
	return flags & RPCTEE_DUBBO_REQUEST ? FRAME_REQUEST : FRAME_RESPONSE;
}

/* A client sends nothing but requests. */
static __always_inline enum frame_kind thrift_frame(__u64 low, __u32 *frame_bytes)
{
	__u32 message_bytes = (__u32)low;

	if (message_bytes == 0 || message_bytes > RPCTEE_BODY_MAX)
		return FRAME_INVALID;
	*frame_bytes = RPCTEE_THRIFT_HEADER_BYTES + message_bytes;
	return FRAME_REQUEST;
}

static __always_inline enum frame_kind read_frame(__u32 content, __u64 high, __u64 low, __u32 *frame_bytes)
{
	return content == RPCTEE_CONTENT_DUBBO ? dubbo_frame(high, low, frame_bytes) : thrift_frame(low, frame_bytes);
}

#endif /* RPCTEE_BPF_FRAME_H_ */
