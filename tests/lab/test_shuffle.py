#!/usr/bin/env python3
"""Over a network that loses, delays and doubles packets, each request that v1 received whole is seen exactly once.

The consumer stands behind a pod whose only way on is a TUN device with a program at it (tests/lab/shuffle): of the
packets, of MTU size there, 2 % are lost, 5 % delayed behind up to 8 others, 1 % doubled, both ways. The tap is on v1's
interface, behind that. SHUFFLE_SEED starts the draws elsewhere.
"""

import json
import os
import pathlib
import sys

from lablib import (ADDRESSES, BUILD, PORT, RUN_SECONDS, Agent, Consumer, Process, Provider, Skip, case, check,
                    check_equal, marked_bytes, requests_in, routes, run, settle, tail, wait_until)

SHUFFLER = BUILD / "tests/lab/shuffle/rpctee-lab-shuffler"
THRIFT_PEER = pathlib.Path(__file__).resolve().parent / "thrift_peer.py"
SEED = int(os.environ.get("SHUFFLE_SEED", "1"))
# A packet that is lost again and again comes after the doubled waits of TCP.
SETTLE_SECONDS = 60
GRACE = "10s"


class BadNetwork(Process):
    """The pod in the middle, and `far`, the consumer's pod behind it."""

    def __init__(self, lab):
        if not os.path.exists("/dev/net/tun"):
            raise Skip("needs /dev/net/tun")
        lab.add_pod("middle", 20)
        lab.add_behind("middle", "far", 14)
        lab.run("middle", "ip", "tuntap", "add", "dev", "tun0", "mode", "tun")
        lab.run("middle", "ip", "link", "set", "tun0", "up", "txqueuelen", "5000")
        for family in ("-4", "-6"):
            for interface in ("vethfar", "eth0"):
                lab.run("middle", "ip", family, "rule", "add", "iif", interface, "lookup", "100")
            lab.run("middle", "ip", family, "route", "add", "default", "dev", "tun0", "table", "100")
        super().__init__(lab, "middle", "shuffler", [SHUFFLER, "--device", "tun0", "--seed", str(SEED)])
        self.wait_for_log("shuffles")

    def stop(self):
        """What it did, in words; all of the kinds must have happened, or the case shows nothing."""
        counts = json.loads(self.end().strip().splitlines()[-1])
        for kind in ("lost", "overtaken", "doubled"):
            check(counts[kind] > 0, f"packets {kind}: {counts}")
        return (f"of {counts['packets']} packets {counts['lost']} lost, {counts['overtaken']} overtaken, "
                f"{counts['doubled']} doubled")


class Pair:
    """v1 and v2, which list the requests that they receive."""

    def __init__(self, lab):
        self.logs = {name: lab.directory / f"requests.{name}.log" for name in ("v1", "v2")}
        self.v1, self.v2 = (Provider(lab, name, "--log-requests", log) for name, log in self.logs.items())

    def stop(self):
        """Both reports, and both lists."""
        one, two = self.v1.stop(), self.v2.stop()
        for report in (one, two):
            check_equal((report["malformed"], report["repeated_arguments"]), (0, 0), f"broken or repeated ({report})")
        return one, two, requests_in(self.logs["v1"]), requests_in(self.logs["v2"])


def by_connection(requests):
    connections = {}
    for connection, request, contents in requests:
        connections.setdefault(connection, []).append((request, contents))
    return connections


def missing_from(received, copied):
    """Says which requests of which connection there is no copy of."""
    copies = {copy[1:] for copy in copied}
    text = []
    for connection, requests in by_connection(received).items():
        missing = [position for position, request in enumerate(requests) if request not in copies]
        if missing:
            text.append(f"{connection}: {len(missing)} of {len(requests)}, from position {missing[0]} to {missing[-1]}")
    return "; ".join(text)


def all_seen(lab, requests, *options, ipv6=False, workers=0):
    network, pair = BadNetwork(lab), Pair(lab)
    pods = {name: ADDRESSES[name][::-1] if ipv6 else ADDRESSES[name] for name in ("v1", "v2")}
    agent = Agent(lab, routes(100, pods=pods), grace=GRACE, workers=workers, ring_bytes=64 << 20)
    consumer = Consumer(lab, "--requests", requests, *options, role="far", ipv6=ipv6).result()
    settle(pair.v1, requests, "v1 received all", SETTLE_SECONDS)
    counters, ledger = lab.tap_counters(), agent.stop()
    one, two, received, copied = pair.stop()
    check_equal((consumer["ok"], consumer["failed"]), (requests, 0), f"right answers ({consumer})")
    check_equal((one["received"], one["digest"]), (requests, consumer["digest"]), "what v1 received")
    explained = {name: count for name, count in {**counters, **ledger}.items() if count}
    check_equal(missing_from(received, copied), "", f"requests without a copy ({explained})")
    check_equal((two["received"], two["digest"], two["bytes"]),
                (requests, one["digest"], marked_bytes(one["bytes"], requests)), "copies")
    check_equal((ledger["seen"], ledger["mirrored"]), (requests, requests), f"seen and mirrored ({explained})")
    return f"{network.stop()}; {counters['streams']} times out of line"


@case
def requests_of_all_sizes_with_answers(lab):
    return all_seen(lab, 1500, "--size-mix", "--depth", 4, "--connections", 8)


@case
def many_small_requests_with_answers(lab):
    return all_seen(lab, 6000, "--depth", 8, "--connections", 8, "--bytes", 200)


@case
def requests_of_300_000_bytes(lab):
    return all_seen(lab, 120, "--depth", 2, "--connections", 4, "--bytes", 300_000)


@case
def bursts_of_oneway_requests(lab):
    return all_seen(lab, 6000, "--oneway-every", 1, "--burst", 50, "--connections", 8, "--bytes", 500)


@case
def oneway_and_other_requests_over_ipv6(lab):
    return all_seen(lab, 3000, "--oneway-every", 2, "--burst", 5, "--depth", 4, "--connections", 8, "--bytes", 900,
                    ipv6=True)


@case
def requests_of_all_sizes_over_three_workers(lab):
    return all_seen(lab, 1500, "--size-mix", "--depth", 4, "--connections", 12, workers=3)


class ThriftService(Process):
    def __init__(self, lab, role):
        super().__init__(lab, role, f"thrift-{role}", [sys.executable, THRIFT_PEER, "serve", PORT])
        self.wait_for_log("listens on")

    def stop(self):
        return json.loads(self.end().strip().splitlines()[-1])


@case
def framed_thrift_requests_of_all_sizes_over_two_workers(lab):
    requests = 1600
    network, one, two = BadNetwork(lab), ThriftService(lab, "v1"), ThriftService(lab, "v2")
    agent = Agent(lab, routes(100), grace=GRACE, workers=2, ring_bytes=64 << 20)
    caller = Process(lab, "far", "caller", [sys.executable, THRIFT_PEER, "call", ADDRESSES["v1"][0], PORT, requests])
    output, _ = caller.popen.communicate(timeout=RUN_SECONDS)
    check(output.strip(), f"the caller failed: {tail(caller.log())}")
    sent, received = json.loads(output), one.stop()
    counters, ledger = lab.tap_counters(), agent.stop()
    check_equal((sent["requests"], received), (requests, sent), "what v1 received")
    explained = {name: count for name, count in {**counters, **ledger}.items() if count}
    check_equal([ledger[name] for name in ("seen", "received", "mirrored", "answered_ok")], [requests] * 4,
                f"seen, received, mirrored and answered ({explained})")
    check_equal(two.stop()["requests"], requests, "copies")
    return f"{network.stop()}; {counters['streams']} times out of line"


def joined_in_the_middle(lab, *options):
    """From the first copy of a connection on, there is one of each request."""
    network, pair = BadNetwork(lab), Pair(lab)
    consumer = Consumer(lab, "--requests", 0, "--duration", RUN_SECONDS, "--connections", 8, *options, role="far")
    wait_until(lambda: pair.v1.received() >= 500, "requests before the agent comes", SETTLE_SECONDS)
    agent = Agent(lab, routes(100), grace=GRACE, ring_bytes=64 << 20)
    before = pair.v1.received()
    wait_until(lambda: pair.v1.received() >= before + 5000, "requests after the agent came", SETTLE_SECONDS)
    result = consumer.finish()
    settle(pair.v1, result["requests"], "v1 received all", SETTLE_SECONDS)
    counters, ledger = lab.tap_counters(), agent.stop()
    _, two, received, copied = pair.stop()
    check_equal((result["failed"], result["unexpected"]), (0, 0), f"wrong answers ({result})")
    explained = {name: count for name, count in {**counters, **ledger}.items() if count}
    check(len(copied) == len({copy[1:] for copy in copied}), "copies came once")
    check_equal({copy[1:] for copy in copied} - {request[1:] for request in received}, set(), "invented requests")
    check_equal((two["received"], ledger["seen"]), (ledger["mirrored"], ledger["mirrored"]), f"copies ({explained})")
    joined = 0
    copies = {copy[1:] for copy in copied}
    for connection, requests in by_connection(received).items():
        seen = [request in copies for request in requests]
        check(any(seen), f"{connection} was joined ({explained})")
        first = seen.index(True)
        joined = max(joined, first)
        check_equal(seen[first:].count(False), 0, f"requests of {connection} not seen after the first ({explained})")
    return f"{network.stop()}; {len(copied)} of {len(received)} seen, joined at the {joined}th request at the latest"


@case
def an_agent_that_comes_later_joins_between_answers(lab):
    return joined_in_the_middle(lab, "--depth", 4, "--rate", 2500, "--bytes", 700)


@case
def an_agent_that_comes_later_joins_bursts_of_oneway_requests(lab):
    return joined_in_the_middle(lab, "--oneway-every", 1, "--rate", 2500, "--bytes", 1200)


if __name__ == "__main__":
    sys.exit(run())
