#!/usr/bin/env python3
"""Copies are never copied again, whoever made them, and policies of the configuration hold copies back.

Two agents with marks of their own for their sockets know nothing of each other's connections, as on two nodes.
"""

import sys

from guide import meta_router, route, service
from lablib import Agent, Consumer, Provider, case, check, check_equal, marked_bytes, run, settle

REQUESTS = 2000


def routes_between(source, mirror, percent=100):
    """The guide's routes, from one subset to the other."""
    return meta_router(route(mirror, percent, source)) + service()


def second_node(lab, **options):
    return Agent(lab, routes_between("v2", "v1"), node="second", mirror={"socket_mark": 0x1234},
                 pin_directory=f"{lab.pin_directory}-second", **options)


@case
def a_cycle_over_two_nodes_makes_one_copy(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    first, second = Agent(lab, routes_between("v1", "v2"), node="first"), second_node(lab)
    consumer = Consumer(lab, "--requests", REQUESTS, "--depth", 4).result()
    settle(v2, REQUESTS, "v2 received all requests")
    books = {"first": first.stop(), "second": second.stop()}
    one, two = v1.stop(), v2.stop()
    check_equal(consumer["ok"], REQUESTS, "right answers")
    check_equal((one["received"], two["received"]), (REQUESTS, REQUESTS), f"requests at v1 and v2 ({books})")
    check_equal(two["bytes"], marked_bytes(one["bytes"], REQUESTS, "first"), "bytes at v2")
    check_equal((books["first"]["mirrored"], books["first"]["already_mirrored"]), (REQUESTS, 0), "on the first node")
    check_equal((books["second"]["mirrored"], books["second"]["already_mirrored"]), (0, REQUESTS), "on the second node")


@case
def without_marks_two_nodes_would_mirror_each_other(lab):
    """That the case above can tell: with a share that halves, a cycle comes to an end by itself."""
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    unmarked = {"attachment": ""}
    first = Agent(lab, routes_between("v1", "v2", 50), node="first", mark=unmarked)
    second = second_node(lab, mark=unmarked)
    Consumer(lab, "--requests", REQUESTS, "--depth", 4).result()
    first.stop()
    second.stop()
    check(v1.stop()["received"] > REQUESTS, "copies of copies reached v1")
    v2.stop()


@case
def policies_hold_copies_back_and_count_them(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes_between("v1", "v2"), policies=[{"deny_methods": ["*"]}])
    Consumer(lab, "--requests", 200).result()
    denied = agent.stop()
    agent = Agent(lab, routes_between("v1", "v2"), policies=[{"match": {"cluster": "*|v2|*"}, "dry_run": True}])
    Consumer(lab, "--requests", 200).result()
    tried = agent.stop()
    agent = Agent(lab, routes_between("v1", "v2"), policies=[{"oneway": True}])
    Consumer(lab, "--requests", 200).result()
    settle(v2, 200, "v2 received one-way copies")
    oneway = agent.stop()
    one, two = v1.stop(), v2.stop()
    check_equal((denied["copies"], denied["method_denied"]), (200, 200), f"denied ({denied})")
    check_equal((tried["copies"], tried["rule_dry_run"]), (200, 200), f"tried ({tried})")
    check_equal(oneway["oneway_sent"], 200, f"made one-way ({oneway})")
    check_equal((one["oneway"], two["received"], two["oneway"]), (0, 200, 200), "one-way at v1, and what v2 received")


if __name__ == "__main__":
    sys.exit(run())
