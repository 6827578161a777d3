#!/usr/bin/env python3
"""The dead-man switch: when the agent shows no sign of life for 3 s, the tap program lets every packet go at once."""

import contextlib
import ctypes
import os
import platform
import signal
import sys
import time

from lablib import Agent, Consumer, Provider, Skip, case, check, check_equal, requests_in, routes, run, wait_until

BPF_ENABLE_STATS = 32
SYSCALL_BPF = {"x86_64": 321, "aarch64": 280}
WINDOW_RUNS = 2000  # runs of the program that an average is made of
WINDOWS = 5  # the least of so many averages counts: what others on the machine do only adds
# Of the run time before, in the same run. It is a seventh; where each packet is parsed and looked up before the clock says
# that nobody is there, nearly a half.
MOST_OF_LIVE = 0.27
QUIET_SECONDS = 0.3
FIRST_OF_BATCH = 1_000_000_000
FLOW_SYNC = 1  # RPCTEE_FLOW_SYNC
# What must stand still while the switch is on.
STILL = ("endpoint_packets", "flows_created", "seen", "sampled", "records", "record_bytes", "streams", "gaps")


@contextlib.contextmanager
def run_time_statistics():
    """The kernel measures the run time of BPF programs while this is open, whatever its sysctl says."""
    number = SYSCALL_BPF.get(platform.machine())
    if number is None:
        raise Skip(f"no number of the bpf system call for {platform.machine()}")
    attributes = ctypes.create_string_buffer(120)  # type 0: BPF_STATS_RUN_TIME
    fd = ctypes.CDLL(None, use_errno=True).syscall(number, BPF_ENABLE_STATS, attributes, len(attributes))
    check(fd >= 0, f"BPF_ENABLE_STATS: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        os.close(fd)


def run_ns(lab):
    """What a run of the program takes when nothing disturbs it."""
    return min(average_run_ns(lab) for _ in range(WINDOWS))


def average_run_ns(lab):
    """Over the next WINDOW_RUNS runs or more."""
    before = lab.tap_program()
    after = wait_until(lambda: ready if (ready := lab.tap_program())["run_cnt"] - before["run_cnt"] >= WINDOW_RUNS
                       else None, f"{WINDOW_RUNS} packets")
    return (after["run_time_ns"] - before["run_time_ns"]) / (after["run_cnt"] - before["run_cnt"])


def wait_until_quiet(lab):
    """Until no packet comes any more; returns the counters."""
    state = {"counters": lab.tap_counters(), "since": time.monotonic()}

    def quiet():
        counters = lab.tap_counters()
        if counters != state["counters"]:
            state.update(counters=counters, since=time.monotonic())
        return time.monotonic() - state["since"] >= QUIET_SECONDS

    wait_until(quiet, "no packets")
    return state["counters"]


def changes(before, after, names=None):
    return {name: after[name] - before[name] for name in names or after if after[name] != before[name]}


def the_program_returns_at_once(lab, live_ns):
    """Run time and counters under load, with the switch on. Returns the run time."""
    still = lab.tap_counters()
    stale_ns = run_ns(lab)
    check(stale_ns < live_ns * MOST_OF_LIVE,
          f"a run takes {stale_ns:.0f} ns with the switch on, {live_ns:.0f} ns before")
    check_equal(changes(still, lab.tap_counters(), STILL), {}, "what was looked at with the switch on")
    return stale_ns


def every_packet_is_let_go(lab, requests):
    """With the lab quiet but for these requests, every packet is counted as let go, and nothing else is."""
    before = wait_until_quiet(lab)
    result = Consumer(lab, "--requests", requests, "--depth", 8, "--first", FIRST_OF_BATCH).result()
    check_equal((result["ok"], result["failed"]), (requests, 0), f"right answers ({result})")
    changed = changes(before, wait_until_quiet(lab))
    # Neighbour discovery may come in between; it is passed over before or after the look at the heartbeat.
    passed_over = changed.pop("not_ip", 0) + changed.pop("not_tcp", 0)
    packets = changed.pop("packets", 0)
    check(packets > 0, "packets came")
    check_equal(changed, {"heartbeat_stale": packets - passed_over}, f"counted of {packets} packets")


def wait_until_framed_again(lab, before):
    """Until the program has framed requests of each flow of `before` since then, and goes on doing so."""

    def framed():
        flows = lab.tap_flows()
        return all(flows[key]["state"] == FLOW_SYNC and flows[key]["request"] > flow["request"] + 10
                   for key, flow in before.items())

    wait_until(framed, "requests of each connection that lived through it")


def stale_packets(lab):
    return lab.tap_counters()["heartbeat_stale"]


@case
def a_stopped_agent_costs_nothing_and_its_return_mirrors_again(lab):
    log = lab.directory / "copies.log"
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2", "--log-requests", log)
    agent = Agent(lab, routes(100), interfaces=["vethv1"])
    with run_time_statistics():
        consumer = Consumer(lab, "--requests", 0, "--duration", 120, "--rate", 4000, "--depth", 8, "--connections", 4)
        wait_until(lambda: v2.received() > 0, "copies")
        live_ns = run_ns(lab)
        check_equal(stale_packets(lab), 0, "packets let go while the agent lives")

        agent.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        wait_until(lambda: stale_packets(lab) > 0, "the switch")
        switch_seconds = time.monotonic() - stopped
        check(switch_seconds > 1.5, f"the switch came after {switch_seconds:.1f} s, not 3 s after the last heartbeat")
        stale_ns = the_program_returns_at_once(lab, live_ns)
        flows = lab.tap_flows()
        check_equal(len(flows), 4, "flows")

    consumer.send_signal(signal.SIGSTOP)
    every_packet_is_let_go(lab, 2000)
    consumer.send_signal(signal.SIGCONT)

    agent.send_signal(signal.SIGCONT)
    back = time.monotonic()
    wait_until_framed_again(lab, flows)
    back_seconds = time.monotonic() - back
    seen = lab.tap_counters()["seen"]
    wait_until(lambda: lab.tap_counters()["seen"] > seen + 1000, "more of them")
    result = consumer.finish()
    ledger, one, two = agent.stop(), v1.stop(), v2.stop()
    check_equal((result["failed"], result["unexpected"]), (0, 0), f"wrong answers ({result})")
    check_equal(one["received"], result["requests"] + 2000, "requests at v1")
    check_equal((two["received"], two["repeated_arguments"]), (ledger["mirrored"], 0), f"copies at v2 ({ledger})")
    copied = {request for _, request, _ in requests_in(log)}
    missing = [number for number in range(result["requests"] - 500, result["requests"])
               if f"request-{number}" not in copied]
    check_equal(missing, [], "requests among the last 500 that were not mirrored")
    return (f"{live_ns:.0f} ns a packet, {stale_ns:.0f} ns with the switch on, {switch_seconds:.1f} s after the stop; "
            f"all connections framed again {back_seconds:.1f} s after the return")


if __name__ == "__main__":
    sys.exit(run())
