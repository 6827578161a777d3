/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Whether the agent lives: the programs do nothing for one that is gone.
 */
#ifndef RPCTEE_BPF_ALIVE_H_
#define RPCTEE_BPF_ALIVE_H_

#include "bpf/record.h"

/*
 * Nobody reads the rings any more when the agent's sign of life is old. The first packet that finds it so switches the
 * program off, and all others return at once until the agent is back. A CPU looks at the clock once a jiffy at most.
 */
static __always_inline int is_agent_gone(struct rpctee_control *control, const enum kernel_age age)
{
	struct scratch *scratch = get_scratch();
	__u64 beat_ns = control->heartbeat_ns;
	__u64 jiffies = bpf_jiffies64();
	__u64 now_ns;

	if (!scratch)
		return 1;
	if (scratch->checked_jiffies == jiffies && scratch->checked_heartbeat == beat_ns)
		return 0;
	now_ns = bpf_ktime_get_ns();
	if (now_ns <= beat_ns || now_ns - beat_ns <= cfg_heartbeat_timeout_ns) {
		scratch->checked_jiffies = jiffies;
		scratch->checked_heartbeat = beat_ns;
		return 0;
	}
	if (age == KERNEL_NEW)
		__sync_val_compare_and_swap(&control->heartbeat_ns, beat_ns, 0);
	else
		control->heartbeat_ns = 0;
	return 1;
}

#endif /* RPCTEE_BPF_ALIVE_H_ */
