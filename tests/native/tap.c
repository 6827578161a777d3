// The tap program, compiled for this machine. The headers of the system come first, so that what stands below changes
// nothing in them.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// What the agent sets before it loads the program is constant afterwards. Here it must stay writable.
#define const
#include "bpf/tap.bpf.c"
#undef const
