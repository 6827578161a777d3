#!/usr/bin/env python3
"""Several workers: every request is mirrored once by one of them, and their books together balance."""

import pathlib
import re
import signal
import sys
import time

from lablib import (Agent, Consumer, Provider, case, check, check_equal, marked_bytes, routes, run, settle, tail,
                    wait_until)

WORKERS = 3
NAMES = {f"rpctee-w{number}" for number in range(WORKERS)}
CONNECTIONS = 60
LOG_INTERVAL_SECONDS = 10


def thread_names(agent):
    """The names of the agent's threads; nsenter has become the agent, so its process is the one that was started."""
    return [path.read_text(encoding="utf-8").strip()
            for path in pathlib.Path(f"/proc/{agent.popen.pid}/task").glob("*/comm")]


def started(lab, **more):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes(100), workers=WORKERS, **more)
    check_equal(sorted(name for name in thread_names(agent) if name.startswith("rpctee-w")), sorted(NAMES), "workers")
    return v1, v2, agent


def printed_ledger(agent):
    """What SIGUSR1 makes the agent print."""
    start = len(agent.log())
    agent.send_signal(signal.SIGUSR1)
    agent.wait_for_log(r"balanced +(yes|NO)", start=start)
    return agent.log()[start:]


@case
def three_workers_mirror_every_request_once(lab):
    v1, v2, agent = started(lab)
    requests = 20000
    consumer = Consumer(lab, "--requests", requests, "--connections", CONNECTIONS, "--depth", 4).result()
    settle(v2, requests, "v2 received all requests")
    ledger, one, two = agent.stop(), v1.stop(), v2.stop()
    check_equal((consumer["ok"], one["received"]), (requests, requests), "right answers, and requests at v1")
    for key in ("received", "digest"):
        check_equal(two[key], one[key], f"{key} at v2, as at v1")
    check_equal(two["bytes"], marked_bytes(one["bytes"], requests), "bytes at v2, as at v1 and the mark")
    check_equal((two["repeated_arguments"], two["duplicate_ids"]), (0, 0), "repeated arguments and ids at v2")
    check_equal(two["connections"], WORKERS, "connections to v2, one of each worker")
    check_equal([ledger[name] for name in ("seen", "sampled", "received", "mirrored", "answered_ok")], [requests] * 5,
                f"in the ledger ({ledger})")


@case
def sizes_from_a_few_bytes_to_500_000_over_three_workers(lab):
    v1, v2, agent = started(lab, ring_bytes=64 << 20)
    consumer = Consumer(lab, "--requests", 2000, "--connections", 12, "--size-mix").result()
    settle(v2, 2000, "v2 received all requests", 20)
    ledger, one, two = agent.stop(), v1.stop(), v2.stop()
    check_equal(consumer["ok"], 2000, "right answers")
    for key in ("received", "digest"):
        check_equal(two[key], one[key], f"{key} at v2, as at v1 ({ledger})")
    check_equal(two["bytes"], marked_bytes(one["bytes"], 2000), f"bytes at v2, as at v1 and the mark ({ledger})")


@case
def stopped_under_load_the_books_balance(lab):
    v1, v2, agent = started(lab)
    consumer = Consumer(lab, "--requests", 0, "--duration", 60, "--connections", CONNECTIONS, "--depth", 4)
    wait_until(lambda: v2.received() > 5000, "copies")
    ledger = agent.stop()
    result = consumer.finish()
    check_equal((result["failed"], result["unexpected"]), (0, 0), f"wrong answers ({result})")
    check_equal(v1.stop()["received"], result["requests"], "requests at v1")
    two = v2.stop()
    check_equal((two["received"], two["repeated_arguments"]), (ledger["sent"], 0), f"copies at v2 ({ledger})")
    check_equal(ledger["in_ring"] + ledger["open"] + ledger["in_flight"], 0, f"left over ({ledger})")
    return f"{ledger['mirrored']} mirrored of {result['requests']}"


@case
def the_ledger_is_balanced_whenever_it_is_asked_for(lab):
    v1, v2, agent = started(lab)
    consumer = Consumer(lab, "--requests", 0, "--duration", 60, "--connections", CONNECTIONS, "--depth", 4)
    wait_until(lambda: v2.received() > 1000, "copies")
    for _ in range(20):
        ledger = printed_ledger(agent)
        check(re.search(r"balanced +yes", ledger), f"it says {tail(ledger, 20)}")
    consumer.finish()
    agent.stop()
    v1.stop()


@case
def new_routes_reach_every_worker(lab):
    v1, v2, agent = started(lab)
    consumer = Consumer(lab, "--requests", 0, "--duration", 60, "--connections", CONNECTIONS, "--rate", 4000)
    wait_until(lambda: v2.received() > 1000, "copies")
    agent.change_routes(routes(100, mirror=None), r"routes: 0 mirror rules")
    time.sleep(0.3)
    before, at_v1 = v2.received(), v1.received()
    wait_until(lambda: v1.received() > at_v1 + 1000, "traffic")
    check_equal(v2.received(), before, "copies while no rule mirrors")
    agent.change_routes(routes(100), r"routes: 1 mirror rules")
    wait_until(lambda: v2.received() > before + 1000, "copies again")
    result = consumer.finish()
    check_equal(result["failed"], 0, f"wrong answers ({result})")
    ledger = agent.stop()
    check_equal(v2.stop()["received"], ledger["mirrored"], f"copies at v2 ({ledger})")


@case
def a_mirror_that_is_down_is_told_of_once_and_not_by_each_worker(lab):
    Provider(lab, "v1")
    begun = time.monotonic()
    agent = Agent(lab, routes(100), workers=WORKERS)
    Consumer(lab, "--requests", 3000, "--connections", CONNECTIONS).result()
    agent.stop()
    lines = re.findall(r"mirror 10\.44\.0\.12:\d+: connection closed", agent.log())
    intervals = 1 + int((time.monotonic() - begun) / LOG_INTERVAL_SECONDS)
    check(1 <= len(lines) <= intervals, f"{len(lines)} lines about it in {intervals} intervals: {tail(agent.log(), 12)}")


if __name__ == "__main__":
    sys.exit(run())
