/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What a client speaks, by the bytes that it sends: the one test that the tap program and the agent both use.
 *
 * Plain C and plain C++, without includes. Dubbo: Apache Dubbo, ExchangeCodec. Thrift: thrift-binary-protocol.md,
 * thrift-compact-protocol.md and HeaderFormat.md of Apache Thrift. TLS: RFC 8446, 5.1. HTTP/2: RFC 9113, 3.4.
 *
 * `bytes` always has RPCTEE_RECOGNISE_BYTES readable bytes, of which the first `have` are the stream's and the rest is
 * zero: so no index depends on the input, and every verifier can follow.
 */
#ifndef RPCTEE_BPF_ABI_RECOGNISE_H_
#define RPCTEE_BPF_ABI_RECOGNISE_H_

#define RPCTEE_RECOGNISE_BYTES 32

/* The first three are protocols that are mirrored. */
enum rpctee_content {
	RPCTEE_CONTENT_UNKNOWN = 0, /* not enough bytes to say */
	RPCTEE_CONTENT_DUBBO = 1,
	RPCTEE_CONTENT_THRIFT_FRAMED = 2,   /* a length, then a message: binary, compact or THeader */
	RPCTEE_CONTENT_THRIFT_UNFRAMED = 3, /* messages without a length: binary or compact */
	RPCTEE_CONTENT_TLS = 4,
	RPCTEE_CONTENT_HTTP1 = 5,
	RPCTEE_CONTENT_HTTP2 = 6, /* Triple, gRPC */
	RPCTEE_CONTENT_TELNET = 7,
	RPCTEE_CONTENT_OTHER = 8,
};
#define RPCTEE_CONTENTS 9

#define RPCTEE_DUBBO_MAGIC 0xdabb
#define RPCTEE_DUBBO_REQUEST 0x80
#define RPCTEE_DUBBO_EVENT 0x20
/* Who writes a serialization chooses its number: any but 0. */
#define RPCTEE_DUBBO_SERIALIZATION 0x1f
#define RPCTEE_DUBBO_HESSIAN2 2
/* Bodies of events are a null or one letter, in any serialization. */
#define RPCTEE_DUBBO_EVENT_MAX_BYTES 16
/* The longest string that Hessian2 writes with a one-byte length; the body starts with one, the Dubbo version. */
#define RPCTEE_HESSIAN2_SHORT_STRING 31
/* How many bytes of a request the strict tests look at. */
#define RPCTEE_DUBBO_STRICT_BYTES 19
#define RPCTEE_THRIFT_STRICT_BYTES 20
/*
 * The longest body of a Dubbo frame, and the longest Thrift message: what announces more is no frame, wherever it
 * stands. What is copied has a lower limit of its own. Dubbo's default limit is 8 MiB, Thrift's 16,384,000.
 */
#define RPCTEE_BODY_MAX (256U << 20)
#define RPCTEE_THRIFT_NAME_MAX 255

static inline unsigned int rpctee_be32(const unsigned char *bytes)
{
	return (unsigned int)bytes[0] << 24 | (unsigned int)bytes[1] << 16 | (unsigned int)bytes[2] << 8 | bytes[3];
}

static inline unsigned int rpctee_be16(const unsigned char *bytes)
{
	return (unsigned int)bytes[0] << 8 | bytes[1];
}

static inline int rpctee_is_graphic(unsigned char byte)
{
	return byte > 0x20 && byte < 0x7f;
}

/*
 * The strict test, for bytes where nothing is known: a Dubbo request, or a heartbeat, which a connection may begin
 * with. A start shorter than RPCTEE_DUBBO_STRICT_BYTES passes as far as it goes.
 */
static inline int rpctee_starts_dubbo(const unsigned char *bytes, unsigned int have)
{
	unsigned int serialization = bytes[2] & RPCTEE_DUBBO_SERIALIZATION;
	unsigned int body_bytes = rpctee_be32(bytes + 12);

	if (have < 2)
		return have == 1 && bytes[0] == RPCTEE_DUBBO_MAGIC >> 8;
	if (rpctee_be16(bytes) != RPCTEE_DUBBO_MAGIC)
		return 0;
	if (have >= 3 && (!(bytes[2] & RPCTEE_DUBBO_REQUEST) || serialization == 0))
		return 0;
	/* The status byte of requests is never written. */
	if (have >= 4 && bytes[3] != 0)
		return 0;
	if (have < 16)
		return 1;
	if (body_bytes == 0 || body_bytes > RPCTEE_BODY_MAX)
		return 0;
	if (bytes[2] & RPCTEE_DUBBO_EVENT)
		return body_bytes <= RPCTEE_DUBBO_EVENT_MAX_BYTES;
	if (serialization != RPCTEE_DUBBO_HESSIAN2)
		return 1;
	/* The Dubbo version comes first: a short string such as "2.0.2". */
	if (have >= 17 && (bytes[16] == 0 || bytes[16] > RPCTEE_HESSIAN2_SHORT_STRING))
		return 0;
	if (have >= 18 && (bytes[17] < '0' || bytes[17] > '9'))
		return 0;
	return have < 19 || bytes[18] == '.';
}

/* A name's length and as many of its first bytes as `have` allows; `name` has four readable bytes. */
static inline int rpctee_is_thrift_name(const unsigned char *name, unsigned int have, unsigned int name_bytes)
{
	if (name_bytes == 0 || name_bytes > RPCTEE_THRIFT_NAME_MAX)
		return 0;
	if (have >= 1 && !rpctee_is_graphic(name[0]))
		return 0;
	if (have >= 2 && name_bytes >= 2 && !rpctee_is_graphic(name[1]))
		return 0;
	if (have >= 3 && name_bytes >= 3 && !rpctee_is_graphic(name[2]))
		return 0;
	return have < 4 || name_bytes < 4 || rpctee_is_graphic(name[3]);
}

/*
 * Behind a name of at most seven bytes, does CALL or ONEWAY stand? A name of one letter proves nothing else: the last
 * byte of a body, which is 0, and the length of the frame behind it, from 289 to 382, look like one.
 */
static inline int rpctee_is_thrift_call(const unsigned char *name, unsigned int name_bytes)
{
	unsigned long long rest = (unsigned long long)rpctee_be32(name) << 32 | rpctee_be32(name + 4);
	unsigned int type = (unsigned int)((rest << (8 * (name_bytes & 7))) >> 56);

	return type == 1 || type == 4;
}

static inline unsigned int rpctee_left(unsigned int have, unsigned int from)
{
	return have > from ? have - from : 0;
}

/* A strict binary message: version 1, CALL or ONEWAY, a name. At least four bytes are there; 12 are readable. */
static inline int rpctee_starts_thrift_binary(const unsigned char *message, unsigned int have)
{
	unsigned int head = rpctee_be32(message);

	if (head != 0x80010001U && head != 0x80010004U)
		return 0;
	return have < 8 || rpctee_is_thrift_name(message + 8, rpctee_left(have, 8), rpctee_be32(message + 4));
}

/*
 * A compact message: version 1, CALL or ONEWAY, sequence id, a name. At least two bytes are there; 16 are readable. The
 * sequence id has a variable length, so what stands behind it is shifted out of a number.
 */
static inline int rpctee_starts_thrift_compact(const unsigned char *message, unsigned int have)
{
	unsigned long long rest = (unsigned long long)rpctee_be32(message + 2) << 32 | rpctee_be32(message + 6);
	unsigned int name_bytes, used = 3;

	if (message[0] != 0x82 || (message[1] != 0x21 && message[1] != 0x81))
		return 0;
	if (have < 10)
		return 1;
	/* A varint of a 32-bit number has five bytes at most. */
	if (rest >> 63) {
		rest <<= 8;
		used++;
	}
	if (rest >> 63) {
		rest <<= 8;
		used++;
	}
	if (rest >> 63) {
		rest <<= 8;
		used++;
	}
	if (rest >> 63) {
		rest <<= 8;
		used++;
	}
	if (rest >> 63)
		return 0;
	rest <<= 8;
	name_bytes = (unsigned int)(rest >> 56);
	/* Names of 128 bytes and more have a length of two bytes. */
	if (name_bytes == 0)
		return 0;
	return used > 8 || name_bytes > 127 || rpctee_is_graphic((unsigned char)(rest >> 48));
}

/* A THeader: magic and flags behind the length, then a header of `words` words. At least two bytes are there. */
static inline int rpctee_starts_thrift_header(const unsigned char *message, unsigned int have,
					      unsigned int message_bytes)
{
	unsigned int words = rpctee_be16(message + 8);

	if (rpctee_be16(message) != 0x0fff)
		return 0;
	if (have >= 4 && rpctee_be16(message + 2) != 0)
		return 0;
	if (have < 10)
		return 1;
	if (words == 0 || 10 + 4 * words > message_bytes)
		return 0;
	/* The protocol is binary or compact; there are three transforms. */
	if (have >= 11 && message[10] != 0 && message[10] != 2)
		return 0;
	return have < 12 || message[11] <= 3;
}

/* The message of a framed request, of which at least two bytes are there. */
static inline int rpctee_starts_thrift_message(const unsigned char *message, unsigned int have,
					       unsigned int message_bytes)
{
	unsigned int name_bytes = rpctee_be32(message);

	if (message[0] == 0x82)
		return rpctee_starts_thrift_compact(message, have);
	if (message[0] == 0x0f)
		return rpctee_starts_thrift_header(message, have, message_bytes);
	if (message[0] == 0x80)
		return have < 4 ? message[1] == 0x01 : rpctee_starts_thrift_binary(message, have);
	/* Not strict, as the first Thrift wrote it: the name comes first, its length below 256. */
	if (message[0] != 0 || message[1] != 0)
		return 0;
	if (have < 4)
		return 1;
	if (name_bytes + 10 > message_bytes || !rpctee_is_thrift_name(message + 4, rpctee_left(have, 4), name_bytes))
		return 0;
	return name_bytes > 7 || have < 5 + name_bytes || rpctee_is_thrift_call(message + 4, name_bytes);
}

/*
 * The strict test for a framed Thrift request. Fewer than six bytes say too little to be believed: then it is 0, but
 * see rpctee_may_start_thrift_framed.
 */
static inline int rpctee_starts_thrift_framed(const unsigned char *bytes, unsigned int have)
{
	unsigned int message_bytes = rpctee_be32(bytes);

	if (have < 6 || message_bytes < 8 || message_bytes > RPCTEE_BODY_MAX)
		return 0;
	return rpctee_starts_thrift_message(bytes + 4, have - 4, message_bytes);
}

/* Can these fewer than six bytes grow into a framed request? Into one of less than 16 MiB, so that other first bytes
 * need no second segment. */
static inline int rpctee_may_start_thrift_framed(const unsigned char *bytes, unsigned int have)
{
	return bytes[0] == 0 &&
	       (have < 5 || bytes[4] == 0x82 || bytes[4] == 0x0f || bytes[4] == 0x80 || bytes[4] == 0x00);
}

/* The strict test for an unframed Thrift request, of which at least four bytes are there. */
static inline int rpctee_starts_thrift_unframed(const unsigned char *bytes, unsigned int have)
{
	if (bytes[0] == 0x82)
		return rpctee_starts_thrift_compact(bytes, have);
	return rpctee_starts_thrift_binary(bytes, have);
}

/* Do these bytes start with a request of this protocol? 0 also when there are too few to say. */
static inline int rpctee_starts_request(unsigned int protocol, const unsigned char *bytes, unsigned int have)
{
	if (protocol == RPCTEE_CONTENT_DUBBO)
		return rpctee_starts_dubbo(bytes, have);
	if (protocol == RPCTEE_CONTENT_THRIFT_FRAMED)
		return rpctee_starts_thrift_framed(bytes, have);
	return protocol == RPCTEE_CONTENT_THRIFT_UNFRAMED && have >= 4 && rpctee_starts_thrift_unframed(bytes, have);
}

/* The protocol of a request that starts here, or RPCTEE_CONTENT_UNKNOWN. */
static inline unsigned int rpctee_request_at(const unsigned char *bytes, unsigned int have)
{
	if (bytes[0] == RPCTEE_DUBBO_MAGIC >> 8)
		return rpctee_starts_dubbo(bytes, have) ? RPCTEE_CONTENT_DUBBO : RPCTEE_CONTENT_UNKNOWN;
	if (rpctee_starts_thrift_framed(bytes, have))
		return RPCTEE_CONTENT_THRIFT_FRAMED;
	if (have >= 4 && rpctee_starts_thrift_unframed(bytes, have))
		return RPCTEE_CONTENT_THRIFT_UNFRAMED;
	return RPCTEE_CONTENT_UNKNOWN;
}

/* A method of HTTP/1.1 and the blank behind it, or its first four letters. */
static inline int rpctee_is_http_method(unsigned int word)
{
	return word == 0x47455420U /* "GET " */ || word == 0x504f5354U /* "POST" */ ||
	       word == 0x50555420U /* "PUT " */ || word == 0x48454144U /* "HEAD" */ ||
	       word == 0x44454c45U /* "DELE" */ || word == 0x4f505449U /* "OPTI" */ ||
	       word == 0x50415443U /* "PATC" */ || word == 0x54524143U /* "TRAC" */ || word == 0x434f4e4eU /* "CONN" */;
}

/* Text of which four bytes are there, or fewer: then only what can't become HTTP any more is decided. */
static inline unsigned int rpctee_recognise_text(const unsigned char *bytes, unsigned int have)
{
	unsigned int word = rpctee_be32(bytes);
	int may_be_method = bytes[0] == 'G' || bytes[0] == 'P' || bytes[0] == 'H' || bytes[0] == 'D' ||
			    bytes[0] == 'O' || bytes[0] == 'T' || bytes[0] == 'C';

	if (have < 4)
		return may_be_method ? RPCTEE_CONTENT_UNKNOWN : RPCTEE_CONTENT_TELNET;
	if (word == 0x50524920U /* "PRI " */)
		return RPCTEE_CONTENT_HTTP2;
	return rpctee_is_http_method(word) ? RPCTEE_CONTENT_HTTP1 : RPCTEE_CONTENT_TELNET;
}

/*
 * What a connection carries, by its first bytes. RPCTEE_CONTENT_UNKNOWN: more are needed, which with at least
 * RPCTEE_THRIFT_STRICT_BYTES is never so.
 */
static inline unsigned int rpctee_recognise(const unsigned char *bytes, unsigned int have)
{
	unsigned int protocol;

	if (have == 0)
		return RPCTEE_CONTENT_UNKNOWN;
	protocol = rpctee_request_at(bytes, have);
	if (protocol != RPCTEE_CONTENT_UNKNOWN)
		return protocol;
	if (have < 6 && rpctee_may_start_thrift_framed(bytes, have))
		return RPCTEE_CONTENT_UNKNOWN;
	if (have < 4 && (bytes[0] == 0x80 || bytes[0] == 0x82))
		return RPCTEE_CONTENT_UNKNOWN;
	if (bytes[0] == 0x16)
		return have == 1 ? RPCTEE_CONTENT_UNKNOWN
				 : (bytes[1] == 0x03 ? RPCTEE_CONTENT_TLS : RPCTEE_CONTENT_OTHER);
	/* Printable text, the ends of its lines, and telnet's own commands (RFC 854). */
	if (rpctee_is_graphic(bytes[0]) || bytes[0] == '\r' || bytes[0] == '\n' || bytes[0] == 0xff)
		return rpctee_recognise_text(bytes, have);
	return RPCTEE_CONTENT_OTHER;
}

#endif /* RPCTEE_BPF_ABI_RECOGNISE_H_ */
