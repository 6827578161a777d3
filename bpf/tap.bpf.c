// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The tap: watches TCP segments to mirrored endpoints, frames and samples whole requests, and copies what was sampled.
 * A second program watches what the endpoints answer, and only counts.
 *
 * Each entry program does nothing but call its observer and return TC_ACT_UNSPEC, so the verdict can't depend on
 * anything. The observers read packets with bpf_skb_load_bytes and write neither packet nor context.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "bpf/alive.h"
#include "bpf/flow.h"
#include "bpf/reply.h"

static __always_inline void count_passed_over(struct rpctee_counters *counters, enum packet_status status)
{
	switch (status) {
	case PACKET_NOT_IP:
		counters->not_ip++;
		break;
	case PACKET_NOT_TCP:
		counters->not_tcp++;
		break;
	case PACKET_FRAGMENT:
		counters->fragments++;
		break;
	case PACKET_MALFORMED:
		counters->malformed++;
		break;
	case PACKET_OTHER_PORT:
		counters->not_endpoint++;
		break;
	case PACKET_TCP:
		break;
	}
}

static __always_inline struct rpctee_endpoint *find_endpoint(const struct rpctee_flow_key *flow,
							     const struct rpctee_control *control)
{
	struct rpctee_endpoint *endpoint;
	struct rpctee_endpoint_key key = {};

	key.port_be = flow->destination_port_be;
	__builtin_memcpy(key.address, flow->destination, sizeof(key.address));
	endpoint = bpf_map_lookup_elem(&rpctee_endpoint, &key);
	if (endpoint || !control->any_endpoint)
		return endpoint;
	__builtin_memset(key.address, 0, sizeof(key.address));
	return bpf_map_lookup_elem(&rpctee_endpoint, &key);
}

/*
 * Is the segment on its way to an endpoint? A flow remembers the answer as long as the table of endpoints stays as it
 * is. Finds the flow and the threshold.
 */
static __always_inline int find_threshold(struct run *run)
{
	struct rpctee_flow *flow = bpf_map_lookup_elem(&rpctee_flows, &run->segment.flow);
	struct rpctee_endpoint *endpoint;

	run->flow = flow;
	if (flow && flow->generation == run->control->generation) {
		run->threshold = flow->threshold;
		return 1;
	}
	endpoint = find_endpoint(&run->segment.flow, run->control);
	if (!endpoint)
		return 0;
	run->threshold = endpoint->threshold;
	if (flow) {
		flow->threshold = run->threshold;
		barrier();
		flow->generation = run->control->generation;
	}
	return 1;
}

static __always_inline void observe(struct __sk_buff *skb, const enum kernel_age age)
{
	__u32 zero = 0;
	struct run run;
	enum packet_status status;

	run.counters = bpf_map_lookup_elem(&rpctee_counters, &zero);
	run.control = bpf_map_lookup_elem(&rpctee_control, &zero);
	/* These arrays always have their one element; the verifier wants to hear it. */
	if (!run.counters || !run.control)
		return;
	run.counters->packets++;
	if (!run.control->heartbeat_ns) {
		run.counters->heartbeat_stale++;
		return;
	}
	if (cfg_socket_mark && skb->mark == cfg_socket_mark) {
		run.counters->own_packets++;
		return;
	}
	status = parse_packet(skb, &run.segment, ENDPOINT_IS_DESTINATION);
	if (status != PACKET_TCP) {
		count_passed_over(run.counters, status);
		return;
	}
	if (!find_threshold(&run)) {
		run.counters->not_endpoint++;
		return;
	}
	if (is_agent_gone(run.control, age)) {
		run.counters->heartbeat_stale++;
		return;
	}
	run.skb = skb;
	run.now_ns = 0;
	run.position = 0;
	run.stopped = 0;
	run.counters->endpoint_packets++;
	run.counters->endpoint_bytes += run.segment.payload_bytes;
	observe_segment(&run, age);
}

/* Turns the key of a segment from an endpoint into that of the requests that it answers. */
static __always_inline void turn_round(struct rpctee_flow_key *key)
{
	struct rpctee_flow_key came = *key;

	__builtin_memcpy(key->source, came.destination, sizeof(key->source));
	__builtin_memcpy(key->destination, came.source, sizeof(key->destination));
	key->source_port_be = came.destination_port_be;
	key->destination_port_be = came.source_port_be;
}

static __always_inline void observe_reply(struct __sk_buff *skb, const enum kernel_age age)
{
	__u32 zero = 0;
	struct reply_run run;

	run.counters = bpf_map_lookup_elem(&rpctee_counters, &zero);
	run.control = bpf_map_lookup_elem(&rpctee_control, &zero);
	if (!run.counters || !run.control)
		return;
	if (!run.control->heartbeat_ns) {
		run.counters->reply_stale++;
		return;
	}
	if (parse_packet(skb, &run.segment, ENDPOINT_IS_SOURCE) != PACKET_TCP) {
		run.counters->reply_not_endpoint++;
		return;
	}
	turn_round(&run.segment.flow);
	if (is_agent_gone(run.control, age)) {
		run.counters->reply_stale++;
		return;
	}
	run.skb = skb;
	run.position = 0;
	run.stopped = 0;
	observe_answers(&run, age);
}

static __noinline void observe_new(struct __sk_buff *skb)
{
	observe(skb, KERNEL_NEW);
}

static __noinline void observe_old(struct __sk_buff *skb)
{
	observe(skb, KERNEL_OLD);
}

static __noinline void observe_reply_new(struct __sk_buff *skb)
{
	observe_reply(skb, KERNEL_NEW);
}

static __noinline void observe_reply_old(struct __sk_buff *skb)
{
	observe_reply(skb, KERNEL_OLD);
}

/* The agent loads one of each two, by what the kernel has: for requests always, for answers when it is told to. */
SEC("tc")
int rpctee_tap(struct __sk_buff *skb)
{
	observe_new(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int rpctee_tap_old(struct __sk_buff *skb)
{
	observe_old(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int rpctee_reply(struct __sk_buff *skb)
{
	observe_reply_new(skb);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int rpctee_reply_old(struct __sk_buff *skb)
{
	observe_reply_old(skb);
	return TC_ACT_UNSPEC;
}

/* GPL-compatible because bpf_ktime_get_ns is for such programs only. */
char LICENSE[] SEC("license") = "GPL";
