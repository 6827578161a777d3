#!/usr/bin/env python3
"""The primary notices nothing when mirrors are down, deaf, failing or restarted, nor when mirrors form a cycle."""

import sys
import time

from lablib import (ADDRESSES, HOST, Agent, Consumer, Provider, case, check, check_equal, mirror_to, pod,
                    routes, run, settle, SERVICE_ENTRY, subsets)


def unharmed(result, v1, requests):
    check_equal((result["ok"], result["failed"], result["unexpected"]), (requests, 0, 0), f"right answers ({result})")
    check_equal(set(result["answers_by_provider"]), {"v1"}, "who answered")
    one = v1.stop()
    check_equal((one["received"], one["digest"]), (requests, result["digest"]), "what v1 received")


@case
def mirror_that_is_not_there(lab):
    v1 = Provider(lab, "v1")
    agent = Agent(lab, routes(100))
    result = Consumer(lab, "--requests", 5000, "--depth", 8).result()
    ledger = agent.stop()
    unharmed(result, v1, 5000)
    check_equal(ledger["seen"], 5000, "requests in the ledger")
    check_equal(ledger["answered_ok"], 0, "answers")


@case
def mirror_whose_network_is_gone(lab):
    v1 = Provider(lab, "v1")
    agent = Agent(lab, routes(100, pods={"v1": ADDRESSES["v1"], "v2": ("10.44.0.99",)}))
    result = Consumer(lab, "--requests", 5000, "--depth", 8).result()
    ledger = agent.stop()
    unharmed(result, v1, 5000)
    check_equal(ledger["seen"], 5000, "requests in the ledger")


@case
def mirror_that_never_reads(lab):
    v1 = Provider(lab, "v1")
    Provider(lab, "v2", "--never-read")
    agent = Agent(lab, routes(100), mirror={"max_buffer_bytes": "4MiB", "reply_timeout": "2s"}, ring_bytes=64 << 20)
    result = Consumer(lab, "--requests", 4000, "--depth", 4, "--bytes", 8000).result()
    ledger = agent.stop()
    unharmed(result, v1, 4000)
    check_equal(ledger["seen"], 4000, "requests in the ledger")
    check_equal(ledger["answered_ok"], 0, "answers")
    check(ledger["queue_full"] + ledger["no_endpoint"] > 0, f"the bounded buffer sheds copies ({ledger})")


@case
def mirror_that_answers_errors(lab):
    v1 = Provider(lab, "v1")
    v2 = Provider(lab, "v2", "--answer-status", "70")
    agent = Agent(lab, routes(100))
    result = Consumer(lab, "--requests", 3000, "--depth", 8).result()
    settle(v2, 3000, "v2 received all")
    ledger = agent.stop()
    unharmed(result, v1, 3000)
    check_equal(ledger["answered_error"], 3000, f"answers with an error ({ledger})")


@case
def mirror_that_is_slow(lab):
    v1 = Provider(lab, "v1")
    v2 = Provider(lab, "v2", "--delay-us", "200000")
    agent = Agent(lab, routes(100))
    result = Consumer(lab, "--requests", 3000, "--depth", 8).result()
    settle(v2, 3000, "v2 received all")
    time.sleep(0.5)
    ledger = agent.stop()
    unharmed(result, v1, 3000)
    check_equal(ledger["answered_ok"], 3000, f"answers ({ledger})")


@case
def mirror_that_restarts(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    consumer = Consumer(lab, "--requests", 0, "--duration", 4, "--rate", 2000, "--depth", 8)
    time.sleep(1)
    first = v2.stop()
    time.sleep(0.5)
    v2 = Provider(lab, "v2")
    result = consumer.result()
    ledger = agent.stop()
    second = v2.stop()
    unharmed(result, v1, result["requests"])
    check(first["received"] > 0 and second["received"] > 0, f"copies before and after: {first}, {second}")
    check(ledger["answered_ok"] <= first["received"] + second["received"], f"answers ({ledger})")


@case
def a_cycle_of_mirrors_gives_one_copy(lab):
    """v1 is mirrored to v2 and v2 to v1: the copy that reaches v2 must not come back to v1."""
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    cycle = f"""---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata:
  name: cycle
  namespace: meta-dubbo
spec:
  hosts:
    - {HOST}
  routes:
    - name: one
      route:
        - destination:
            host: {HOST}
            subset: v1{mirror_to("v2", 100)}
    - name: two
      route:
        - destination:
            host: {HOST}
            subset: v2{mirror_to("v1", 100)}
"""
    text = cycle + SERVICE_ENTRY + subsets("v1", "v2") + pod("v1", ADDRESSES["v1"]) + pod("v2", ADDRESSES["v2"])
    agent = Agent(lab, text)
    result = Consumer(lab, "--requests", 3000, "--depth", 8).result()
    settle(v2, 3000, "v2 received all")
    time.sleep(0.5)
    ledger = agent.stop()
    two = v2.stop()
    unharmed(result, v1, 3000)
    check_equal((two["received"], two["repeated_arguments"]), (3000, 0), "copies at v2")
    check_equal(ledger["seen"], 3000, "requests in the ledger")


@case
def the_agent_starts_and_stops_under_load(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    consumer = Consumer(lab, "--requests", 0, "--duration", 5, "--depth", 16)
    for _ in range(3):
        time.sleep(0.3)
        agent = Agent(lab, routes(100), ring_bytes=64 << 20)
        time.sleep(0.5)
        agent.stop()
    result = consumer.result()
    v2.stop()
    unharmed(result, v1, result["requests"])


if __name__ == "__main__":
    sys.exit(run())
