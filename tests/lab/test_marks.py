#!/usr/bin/env python3
"""Copies are never copied again, whoever made them, and policies of the configuration hold copies back.

Two nodes mirror in a circle: on the first v1, whose copies go to v2 on the second, which mirrors v2 to v1. Both are
applications that for each request ask a third service on the first node, with the attachments that came to them. Its
requests are mirrored to a fourth on the second node, and that one's back.
"""

import contextlib
import dataclasses
import sys

from guide import HOST, meta_router, route, routes, service
from lablib import PORT, Agent, Consumer, Provider, case, check, check_equal, marked_bytes, run, settle

REQUESTS = 1000
# Bounds what goes round if the marks should not hold.
LIMITS = {"max_mirror_requests_per_second": 20 * REQUESTS}
V1, V2, CALLED = 11, 12, 13  # numbers of pods; the called one's on the second node is its mirror


@dataclasses.dataclass
class Circle:
    agents: list
    v1: Provider
    v2: Provider
    called: Provider
    called_mirror: Provider

    def stop(self):
        """The ledgers of both agents by node, and then the reports of all four applications."""
        books = [agent.stop() for agent in self.agents]
        return *books, self.v1.stop(), self.v2.stop(), self.called.stop(), self.called_mirror.stop()


def circle_routes(first, second, percent):
    """The routes of the two nodes, each for v1 and v2, and for the called service in the place of them."""
    texts = []
    for source, mirror, share in (("v1", "v2", percent), ("v2", "v1", 100)):
        router = meta_router(route(mirror, share, source))
        called = router + service({"v1": [first.address(CALLED)], "v2": [second.address(CALLED)]})
        texts.append(router + service({"v1": [first.address(V1)], "v2": [second.address(V2)]})
                     + called.replace(HOST, "org.example.called").replace("meta-dubbo", "called"))
    return texts


@contextlib.contextmanager
def circle(lab, percent=100, **options):
    """`percent`: of what the first node mirrors; the second mirrors everything. `options`: of both agents."""
    with lab.second_node() as second:
        lab.add_pod("called", CALLED)
        second.add_pod("called", CALLED)
        agents = [Agent(where, text, node=node, **options) for where, text, node in
                  zip((lab, second), circle_routes(lab, second, percent), ("first", "second"))]
        called, called_mirror = Provider(lab, "called"), Provider(second, "called")
        call_on = "--call-on", f"{lab.address(CALLED)}:{PORT}"
        v1, v2 = Provider(lab, "v1", *call_on), Provider(second, "v2", *call_on)
        yield Circle(agents, v1, v2, called, called_mirror)


@case
def a_circle_over_two_nodes_makes_one_copy(lab):
    with circle(lab, limits=LIMITS) as nodes:
        consumer = Consumer(lab, "--requests", REQUESTS, "--depth", 4).result()
        settle(nodes.v2, REQUESTS, "v2 received all requests")
        settle(nodes.called, 2 * REQUESTS, "v1 and v2 called on for each")
        settle(nodes.called_mirror, REQUESTS, "what v1 called on for was mirrored")
        first, second, v1, v2, called, called_mirror = nodes.stop()
    check_equal((consumer["ok"], consumer["failed"]), (REQUESTS, 0), "right answers")
    for who, report in (("v1", v1), ("v2", v2), ("the called service's mirror", called_mirror)):
        check_equal((report["received"], report["repeated_arguments"], report["digest"]), (REQUESTS, 0, v1["digest"]),
                    f"each request once at {who}")
    check_equal((called["received"], called["repeated_arguments"]), (2 * REQUESTS, REQUESTS), "v1's calls on, and v2's")
    check_equal(v2["bytes"], marked_bytes(v1["bytes"], REQUESTS, "first"), "bytes at v2")
    check_equal(called["bytes"], v1["bytes"] + v2["bytes"], "attachments went on with the calls")
    check_equal((first["seen"], first["mirrored"], first["already_mirrored"]), (3 * REQUESTS, 2 * REQUESTS, REQUESTS),
                "on the first node: v1's requests and its calls on are copied, v2's calls on are not")
    check_equal((second["seen"], second["mirrored"], second["already_mirrored"]), (2 * REQUESTS, 0, 2 * REQUESTS),
                "on the second node, which sees only copies")


@case
def without_marks_two_nodes_would_mirror_each_other(lab):
    """That the case above can tell. As the first node copies half, the circle comes to an end by itself."""
    requests = REQUESTS // 5
    with circle(lab, 50, mark={"attachment": ""}) as nodes:
        Consumer(lab, "--requests", requests, "--depth", 4).result()
        settle(nodes.v1, requests + 1, "copies of copies reached v1")
        first, second, v1, v2, _, called_mirror = nodes.stop()
    check_equal(first["already_mirrored"] + second["already_mirrored"], 0, "marked requests")
    check(second["mirrored"] > 0, "copies were copied on the second node")
    for who, report in (("v1", v1), ("v2", v2), ("the called service's mirror", called_mirror)):
        check(report["repeated_arguments"] > 0, f"{who} received a request more than once ({report})")


@case
def policies_hold_copies_back_and_count_them(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes(), policies=[{"deny_methods": ["*"]}])
    Consumer(lab, "--requests", 200).result()
    denied = agent.stop()
    agent = Agent(lab, routes(), policies=[{"match": {"cluster": "*|v2|*"}, "dry_run": True}])
    Consumer(lab, "--requests", 200).result()
    tried = agent.stop()
    agent = Agent(lab, routes(), policies=[{"oneway": True}])
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
