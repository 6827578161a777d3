/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What 16 bytes of a Dubbo header say, and how sure one can be that bytes are one (Apache Dubbo, ExchangeCodec).
 */
#ifndef RPCTEE_BPF_DUBBO_H_
#define RPCTEE_BPF_DUBBO_H_

#include <linux/types.h>

#include "bpf/abi/abi.h"

#define DUBBO_MAGIC_HIGH 0xda
#define DUBBO_MAGIC_LOW 0xbb
#define DUBBO_FLAG_REQUEST 0x80
#define DUBBO_FLAG_EVENT 0x20
#define DUBBO_SERIALIZATION_MASK 0x1f
#define DUBBO_SERIALIZATION_HESSIAN2 2
/* Serialization ids that Dubbo has given out: 1-12, 16, 21, 22, 23, 25, 31. */
#define DUBBO_SERIALIZATIONS 0x82e11ffeU
/* Bodies of events are a null or one letter, in any serialization. */
#define DUBBO_EVENT_MAX_BYTES 16
/* Longest string that Hessian2 writes with a one-byte length; the body starts with one, the Dubbo version. */
#define HESSIAN2_SHORT_STRING_MAX 31

enum dubbo_kind {
	DUBBO_INVALID,
	DUBBO_REQUEST,
	DUBBO_EVENT,
	DUBBO_RESPONSE,
};

static __always_inline __u32 dubbo_body_bytes(const __u8 *header)
{
	return (__u32)header[12] << 24 | (__u32)header[13] << 16 | (__u32)header[14] << 8 | header[15];
}

/* What stands at a known boundary. The magic and a body length that is not negative are all that is asked. */
static __always_inline enum dubbo_kind dubbo_header_kind(const __u8 *header)
{
	if (header[0] != DUBBO_MAGIC_HIGH || header[1] != DUBBO_MAGIC_LOW || header[12] & 0x80)
		return DUBBO_INVALID;
	if (header[2] & DUBBO_FLAG_EVENT)
		return DUBBO_EVENT;
	return header[2] & DUBBO_FLAG_REQUEST ? DUBBO_REQUEST : DUBBO_RESPONSE;
}

/*
 * The strict test, for bytes where nothing is known: a request, or a heartbeat, which a connection may begin with.
 * `have` of RPCTEE_DUBBO_STRICT_BYTES bytes are there; a shorter start passes as far as it goes.
 */
static __always_inline int dubbo_starts_request(const __u8 *bytes, __u32 have, __u32 max_request_bytes)
{
	__u32 serialization = bytes[2] & DUBBO_SERIALIZATION_MASK;
	__u32 body_bytes = dubbo_body_bytes(bytes);

	if (have >= 1 && bytes[0] != DUBBO_MAGIC_HIGH)
		return 0;
	if (have >= 2 && bytes[1] != DUBBO_MAGIC_LOW)
		return 0;
	if (have >= 3 && (!(bytes[2] & DUBBO_FLAG_REQUEST) || !(DUBBO_SERIALIZATIONS >> serialization & 1)))
		return 0;
	/* The status byte of requests is never written. */
	if (have >= 4 && bytes[3] != 0)
		return 0;
	if (have < 16)
		return have > 0;
	if (body_bytes == 0 || body_bytes & 0x80000000)
		return 0;
	if (bytes[2] & DUBBO_FLAG_EVENT)
		return body_bytes <= DUBBO_EVENT_MAX_BYTES;
	if (serialization != DUBBO_SERIALIZATION_HESSIAN2)
		return body_bytes <= max_request_bytes;
	/* The Dubbo version comes first: a short string such as "2.0.2". */
	if (have >= 17 && (bytes[16] == 0 || bytes[16] > HESSIAN2_SHORT_STRING_MAX))
		return 0;
	if (have >= 18 && (bytes[17] < '0' || bytes[17] > '9'))
		return 0;
	return have < 19 || bytes[18] == '.';
}

#endif /* RPCTEE_BPF_DUBBO_H_ */
