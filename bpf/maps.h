/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The maps of the tap program and its load-time constants. Names are what bpftool shows, so at most 15 characters.
 * Sizes that depend on configuration are set by the agent before it loads the program.
 */
#ifndef RPCTEE_BPF_MAPS_H_
#define RPCTEE_BPF_MAPS_H_

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi/abi.h"

#define RPCTEE_FLOW_LOCKS 256

/* Longest request that is copied, header included. Set by the agent. */
const volatile __u32 cfg_max_request_bytes = 16 << 20;
/* Packets with this mark are the agent's own; 0 = no test. Set by the agent. */
const volatile __u32 cfg_socket_mark = 0;
/* How many rings there are in rpctee_rings. Set by the agent. */
const volatile __u32 cfg_rings = 1;
/* A heartbeat older than this means that nobody reads the ring. Set by the agent. */
const volatile __u64 cfg_heartbeat_timeout_ns = 3000000000ULL;

/* Where mirrored services live. Written by the agent, read for each TCP packet; lives as long as the program. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct rpctee_endpoint_key);
	__type(value, struct rpctee_endpoint);
} rpctee_endpoint SEC(".maps");

/* One bit for each TCP port, the lowest bit of an element first: 1 = an endpoint has it. Written by the agent; spares
 * the packets to all other ports a look-up by address. */
#define RPCTEE_PORT_WORDS 1024
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RPCTEE_PORT_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} rpctee_ports SEC(".maps");

/* Where the first byte of a connection stands whose SYN was seen, until it comes. Written by the program. Apart from
 * the flows, so that a flood of SYNs pushes out nothing but others of its kind. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct rpctee_flow_key);
	__type(value, __u32);
} rpctee_syns SEC(".maps");

/* Cursor of each flow. Written by the program; an entry goes when the table needs room, on RST, or on a new SYN. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct rpctee_flow_key);
	__type(value, struct rpctee_flow);
} rpctee_flows SEC(".maps");

/* The agent's own connections, from their local to their remote end: never a flow. By both ends, since one local port
 * may serve others' connections to other remote ends. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct rpctee_flow_key);
	__type(value, __u32);
} rpctee_own SEC(".maps");

/* What the agent says about flows in STREAM. Written by the agent; an entry goes when the program has followed it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct rpctee_flow_key);
	__type(value, struct rpctee_handback);
} rpctee_handback SEC(".maps");

/* Parts of sampled requests, struct rpctee_record each, in one ring for each worker; a flow stays on its ring. Written
 * by the program; the agent makes the rings and puts them in. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RPCTEE_RINGS_MAX);
	__type(key, __u32);
	__array(values, struct ring);
} rpctee_rings SEC(".maps");

/* Which workers sleep, by ring. Written by both through shared memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RPCTEE_RINGS_MAX);
	__type(key, __u32);
	__type(value, struct rpctee_worker);
} rpctee_workers SEC(".maps");

/* What the program counted, one element on each CPU. Written by the program, read by the agent and by people. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rpctee_counters);
} rpctee_counters SEC(".maps");

/* The agent's sign of life and switches. Written by both through shared memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rpctee_control);
} rpctee_control SEC(".maps");

/*
 * Locks for kernels without atomic exchange in BPF (before 5.12): a flow's word `busy` is read and set under the lock
 * that its source port picks. Used by rpctee_tap_old only.
 */
struct flow_lock {
	struct bpf_spin_lock lock;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RPCTEE_FLOW_LOCKS);
	__type(key, __u32);
	__type(value, struct flow_lock);
} rpctee_locks SEC(".maps");

/*
 * Where a record is put together before it goes to the ring in one call, so that records have exactly the length that
 * they need. tc programs run with bottom halves off, so a CPU works on one record at a time.
 */
struct scratch {
	__u64 found;		 /* of one look at a payload, see forget_how */
	__u64 checked_jiffies;	 /* when the agent's sign of life was compared with the clock last */
	__u64 checked_heartbeat; /* and which one it was */
	__u64 next_flow;	 /* makes flow ids unique together with the CPU's number */
	struct rpctee_record record;
	__u8 bytes[RPCTEE_PART_MAX_BYTES] RPCTEE_ALIGNED(8);
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} rpctee_scratch SEC(".maps");

#endif /* RPCTEE_BPF_MAPS_H_ */
