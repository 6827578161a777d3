#!/usr/bin/env python3
"""v2 gets the share that the route says, of the requests that v1 got; the consumer gets v1's answers only."""

import sys

from lablib import (ADDRESSES, Agent, Consumer, Failure, Provider, binomial_interval, case, check, check_equal,
                    marked_bytes, routes, run, settle)


def mirrored(lab, percent, requests, *options, ipv6=False, seconds=10, **tap):
    """One run of the walkthrough; checks what holds for every share. Returns (consumer, v1, v2, ledger)."""
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    pods = {name: ADDRESSES[name][::-1] if ipv6 else ADDRESSES[name] for name in ("v1", "v2")}
    agent = Agent(lab, routes(percent, pods=pods), **tap)
    consumer = Consumer(lab, "--requests", requests, *options, ipv6=ipv6).result()
    late = ""
    if percent == 100:
        try:
            settle(v2, requests, "v2 received all requests", seconds)
        except Failure as failure:
            late = str(failure)
    ledger, one, two = agent.stop(), v1.stop(), v2.stop()
    check(not late, f"{late}; the ledger: { {name: count for name, count in ledger.items() if count} }")
    check_equal(consumer["ok"], requests, f"right answers ({consumer})")
    check_equal(consumer["unexpected"], 0, "answers to nothing that was asked")
    check(set(consumer["answers_by_provider"]) <= {"v1"}, f"only v1 answers: {consumer['answers_by_provider']}")
    check_equal(one["received"], requests, "requests that v1 received")
    check_equal((one["digest"], one["repeated_arguments"]), (consumer["digest"], 0), "contents at v1")
    check_equal(two["duplicate_ids"], 0, "ids that came twice on one connection to v2")
    check_equal(two["repeated_arguments"], 0, "copies that came twice")
    check_equal(two["malformed"], 0, "malformed frames at v2")
    check_equal(ledger["seen"], requests, "requests in the ledger")
    low, high = binomial_interval(requests, percent / 100)
    check(low <= two["received"] <= high, f"v2 received {two['received']}, not in {low}..{high}")
    return consumer, one, two, ledger


def all_mirrored(lab, requests, *options, **more):
    consumer, one, two, ledger = mirrored(lab, 100, requests, *options, **more)
    for key in ("digest", "oneway", "echo"):
        check_equal(two[key], one[key], f"{key} at v2, as at v1")
    check_equal(two["bytes"], marked_bytes(one["bytes"], requests), "bytes at v2, as at v1 and the mark")
    check_equal(ledger["mirrored"], requests, f"mirrored in the ledger ({ledger})")
    check_equal(ledger["answered_ok"] + ledger["oneway_sent"], requests, f"copies that ended well ({ledger})")
    return consumer, one, two


@case
def at_100_percent_v2_gets_every_request_with_the_same_contents(lab):
    all_mirrored(lab, 20000, "--depth", 16, "--connections", 4)


@case
def at_50_percent_v2_gets_about_half(lab):
    _, _, two, _ = mirrored(lab, 50, 20000, "--depth", 8)
    return f"{two['received']} of 20000"


@case
def at_half_a_percent_v2_gets_about_one_in_200(lab):
    _, _, two, _ = mirrored(lab, 0.5, 40000, "--depth", 16)
    return f"{two['received']} of 40000"


@case
def at_0_percent_v2_gets_nothing(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes(0))
    consumer = Consumer(lab, "--requests", 2000).result()
    agent.stop()
    check_equal(consumer["ok"], 2000, "right answers")
    check_equal(v1.stop()["received"], 2000, "requests at v1")
    check_equal(v2.stop()["received"], 0, "requests at v2")


@case
def one_request_at_a_time(lab):
    all_mirrored(lab, 3000)


@case
def sizes_from_a_few_bytes_to_500_000(lab):
    all_mirrored(lab, 3000, "--size-mix", "--depth", 4, ring_bytes=64 << 20)


@case
def ipv6_requests(lab):
    all_mirrored(lab, 5000, "--depth", 8, ipv6=True)


@case
def oneway_requests_are_mirrored_and_heartbeats_never(lab):
    consumer, one, two = all_mirrored(lab, 5000, "--depth", 8, "--oneway-every", 3, "--heartbeat-every", 10)
    check_equal(one["oneway"], consumer["oneway"], "one-way requests at v1")
    check_equal(one["events"], 500, "heartbeats at v1")
    check_equal(two["events"], 0, "heartbeats at v2")


@case
def echo_requests_are_mirrored(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    consumer = Consumer(lab, "--requests", 1000, "--method", "$echo").result()
    settle(v2, 1000, "v2 received all")
    agent.stop()
    check_equal(consumer["ok"], 1000, "right answers")
    check_equal((v1.stop()["echo"], v2.stop()["echo"]), (1000, 1000), "echo requests at v1 and v2")


@case
def frames_cut_at_every_byte(lab):
    all_mirrored(lab, 1500, "--write-split")


@case
def frames_cut_at_every_byte_and_many_in_flight(lab):
    all_mirrored(lab, 3000, "--write-split", "--depth", 8, "--bytes", 60)


@case
def many_connections(lab):
    all_mirrored(lab, 20000, "--connections", 200, "--depth", 2)


@case
def clsact_instead_of_tcx(lab):
    all_mirrored(lab, 5000, "--depth", 8, attach="clsact")


@case
def on_the_consumer_s_interface_at_ingress(lab):
    all_mirrored(lab, 5000, "--depth", 8, interfaces=["vethc"], direction="ingress")


@case
def the_consumer_s_results_are_the_same_without_the_agent(lab):
    options = ("--requests", 3000, "--size-mix", "--depth", 4, "--oneway-every", 5)
    results = []
    for with_agent in (False, True):
        v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
        agent = Agent(lab, routes(100)) if with_agent else None
        consumer = Consumer(lab, *options).result()
        if agent:
            agent.stop()
        v2.stop()
        one = v1.stop()
        results.append({key: consumer[key] for key in ("requests", "ok", "failed", "oneway", "unexpected",
                                                       "answers_by_provider", "digest")}
                       | {key: one[key] for key in ("received", "oneway", "bytes", "digest", "connections")})
    check_equal(results[1], results[0], "with the agent")


if __name__ == "__main__":
    sys.exit(run())
