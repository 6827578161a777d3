/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * How latencies are counted: one scheme of buckets for what the program measures of the primary and the agent of the
 * mirrors, so that the two can be laid side by side.
 *
 * Plain C and plain C++, without includes. Microseconds, four buckets for each power of two: a bucket is at most a
 * quarter wider than its lower end. The last one also takes all that is longer, from 117 seconds on.
 */
#ifndef RPCTEE_BPF_ABI_LATENCY_H_
#define RPCTEE_BPF_ABI_LATENCY_H_

#define RPCTEE_LATENCY_BUCKETS 104
#define RPCTEE_LATENCY_MAX_US ((1U << 27) - 1)

/* Without loops or leading zeros, which BPF has no instruction for. */
static inline unsigned int rpctee_latency_bucket(unsigned long long ns)
{
	unsigned long long us = ns / 1000;
	unsigned int rest = us < RPCTEE_LATENCY_MAX_US ? (unsigned int)us : RPCTEE_LATENCY_MAX_US;
	unsigned int shift = 0;

	if (rest >= 1U << 18) {
		rest >>= 16;
		shift += 16;
	}
	if (rest >= 1U << 10) {
		rest >>= 8;
		shift += 8;
	}
	if (rest >= 1U << 6) {
		rest >>= 4;
		shift += 4;
	}
	if (rest >= 1U << 4) {
		rest >>= 2;
		shift += 2;
	}
	if (rest >= 1U << 3) {
		rest >>= 1;
		shift += 1;
	}
	/* Below 8 us each has its own bucket; above, rest is from 4 to 7. */
	return shift * 4 + rest;
}

/* The shortest latency of a bucket. That of RPCTEE_LATENCY_BUCKETS is where the last one ends. */
static inline unsigned long long rpctee_latency_floor_us(unsigned int bucket)
{
	if (bucket < 8)
		return bucket;
	return (4ULL + bucket % 4) << (bucket / 4 - 1);
}

#endif /* RPCTEE_BPF_ABI_LATENCY_H_ */
