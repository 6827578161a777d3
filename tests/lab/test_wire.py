#!/usr/bin/env python3
"""The wire is the same with and without us: each connection's bytes at both ends, all packets, TCP's counters.

Each case runs the same load without an agent, then with one at tcx and with one at clsact that mirror all requests.
"""

import contextlib
import json
import os
import sys

from lablib import ADDRESSES, Agent, Consumer, Provider, case, check, check_equal, routes, run, settle
from wirelib import check_no_trouble, compare_bytes, compare_packets, link_trouble, start_watches

ATTACH = (None, "tcx", "clsact")
# Retransmissions without a loss come when an end waits for its turn on a busy machine, so a few more say nothing. That
# nothing was lost is what the packets show.
MORE_RETRANSMITTED = 0.01  # of the segments
ATTEMPTS = 3  # for this comparison; all others must hold each time


@contextlib.contextmanager
def on_one_cpu():
    """Nothing overtakes anything when all that happens does so on one CPU, in the kernel's part too."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def one_run(lab, attach, requests, options, ipv6):
    """Returns (connections at the consumer, connections at v1, packets at each place)."""
    pods = {name: ADDRESSES[name][::-1] if ipv6 else ADDRESSES[name] for name in ("v1", "v2")}
    paths = {name: lab.directory / f"wire.{name}.json" for name in ("consumer", "v1")}
    before = link_trouble(lab)
    watches = start_watches(lab)
    v1, v2 = Provider(lab, "v1", "--wire-report", paths["v1"]), Provider(lab, "v2")
    agent = Agent(lab, routes(100, pods=pods), attach=attach, ring_bytes=64 << 20) if attach else None
    consumer = Consumer(lab, "--requests", requests, "--wire-report", paths["consumer"], *options, ipv6=ipv6).result()
    settle(v1, requests, "v1 received all")
    if agent:
        settle(v2, requests, "v2 received all")
        ledger = agent.stop()
        check_equal(ledger["mirrored"], requests, f"requests mirrored ({ledger})")
    one = v1.stop()
    v2.stop()
    packets = [watch.stop() for watch in watches]
    check_no_trouble(before, link_trouble(lab))
    check_equal((consumer["ok"], consumer["failed"], consumer["unexpected"]), (requests, 0, 0), f"answers ({consumer})")
    check_equal((one["received"], one["digest"], one["malformed"]), (requests, consumer["digest"], 0), "at v1")
    ends = {name: json.loads(path.read_text()) for name, path in paths.items()}
    return ends["consumer"], ends["v1"], packets


def tcp_totals(*ends):
    totals = {}
    for connections in ends:
        for connection in connections:
            for name, count in connection["tcp"].items():
                totals[name] = totals.get(name, 0) + count
    return totals


def tcp_is_no_worse(got, alone):
    """Counters of all connections, with the agent and without it."""
    return all(got[name] <= alone[name] + MORE_RETRANSMITTED * got["segments_out"]
               for name in ("retransmitted", "out_of_order"))


def same_with_and_without(lab, requests, *options, ipv6=False, in_order=False):
    totals = {}
    for attach in ATTACH:
        for attempt in range(ATTEMPTS):
            consumer, provider, packets = one_run(lab, attach, requests, options, ipv6)
            compare_bytes(consumer, provider)
            compare_packets(packets, in_order)
            totals[attach] = tcp_totals(consumer, provider)
            lab.clean()
            if tcp_is_no_worse(totals[attach], totals[None]):
                break
            check(attempt + 1 < ATTEMPTS, f"TCP's counters with {attach}: {totals[attach]}, alone: {totals[None]}")
    return "retransmitted " + ", ".join(f"{counts['retransmitted']} of {counts['segments_out']} ({attach or 'alone'})"
                                        for attach, counts in totals.items())


@case
def requests_and_answers_of_all_sizes(lab):
    return same_with_and_without(lab, 2000, "--size-mix", "--depth", 4, "--connections", 8)


@case
def long_requests_and_answers(lab):
    return same_with_and_without(lab, 400, "--bytes", 150_000, "--depth", 2, "--connections", 4)


@case
def bursts_of_oneway_requests_over_ipv6(lab):
    return same_with_and_without(lab, 10_000, "--oneway-every", 1, "--burst", 20, "--connections", 16, "--bytes", 700,
                                 ipv6=True)


@case
def many_connections(lab):
    return same_with_and_without(lab, 9000, "--connections", 300, "--depth", 2, "--oneway-every", 3)


@case
def packets_keep_their_order(lab):
    with on_one_cpu():
        return same_with_and_without(lab, 2000, "--size-mix", "--depth", 4, "--connections", 8, in_order=True)


if __name__ == "__main__":
    sys.exit(run())
