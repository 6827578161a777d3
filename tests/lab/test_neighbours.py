#!/usr/bin/env python3
"""Other people's tc programs on the pod's host side: what they do to the tap is noticed, told and mended, under load."""

import contextlib
import json
import pathlib
import re
import signal
import sys
import time

from lablib import (Agent, Consumer, Failure, Neighbour, Provider, Skip, case, check, check_equal, routes, run, settle)

PLACE = "vethv1"
BACK = 60000  # a priority behind ours


def without_filters(lab):
    """What an earlier case left in clsact is gone."""
    with contextlib.suppress(Failure):
        lab.run("node", "tc", "qdisc", "del", "dev", PLACE, "clsact")


def our_filter(lab):
    """Priority and handle of the tap's filter on v1's host side; None when there is none."""
    match = re.search(r"pref (\d+) bpf chain \d+ handle (0x[0-9a-f]+) rpctee_tap",
                      lab.run("node", "tc", "filter", "show", "dev", PLACE, "egress"))
    return match.groups() if match else None


def our_link(lab, agent):
    """The id of the agent's tcx link on v1's host side."""
    index = json.loads(lab.run("node", "ip", "-j", "link", "show", "dev", PLACE))[0]["ifindex"]
    for path in pathlib.Path(f"/proc/{agent.popen.pid}/fdinfo").iterdir():
        fields = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
        if fields.get("link_type", "").strip() == "tcx" and int(fields["ifindex"]) == index:
            return fields["link_id"].strip()
    raise Failure(f"the agent has no link on {PLACE}")


def taken_under_load(lab, agent, take, said="removed"):
    """Calls `take` while requests flow; the agent must tell of it and put the tap back. Returns how long that took."""
    v2 = Provider(lab, "v2")
    v1 = Provider(lab, "v1")
    consumer = Consumer(lab, "--requests", 0, "--duration", 4, "--rate", 500, "--depth", 4)
    time.sleep(0.5)
    start = time.monotonic()
    take()
    agent.wait_for_log(rf"somebody {said} the tap on {PLACE} .* egress")
    agent.wait_for_log(rf"tapping {PLACE} .* egress by \w+ again")
    seconds = time.monotonic() - start
    result = consumer.result()
    check_equal((result["ok"], result["failed"]), (result["requests"], 0), f"right answers ({result})")
    check_equal(v1.stop()["received"], result["requests"], "requests at v1")
    v1 = Provider(lab, "v1")
    before = v2.received()
    check_equal(Consumer(lab, "--requests", 200, "--first", 10 ** 6).result()["ok"], 200, "right answers")
    settle(v2, before + 200, "v2 received what was sent after the tap was put back")
    return seconds


def ends_well(agent, removed, put_back):
    ledger = agent.stop()
    check_equal((ledger["taps_removed"], ledger["taps_put_back"], ledger["taps_missing"]), (removed, put_back, 0),
                f"what the ledger says of taps ({ledger})")


@case
def a_filter_that_is_deleted_is_put_back(lab):
    without_filters(lab)
    neighbour = Neighbour(lab, PLACE, "--egress", "--clsact", "--priority", BACK, "--verdict", 0)
    agent = Agent(lab, routes(100), attach="clsact")
    seconds = taken_under_load(
        lab, agent, lambda: lab.run("node", "tc", "filter", "del", "dev", PLACE, "egress", "prio", our_filter(lab)[0]))
    ends_well(agent, 1, 1)
    check(neighbour.packets() > 200, "the neighbour saw the packets all the time")
    return f"after {seconds * 1000:.0f} ms"


@case
def a_qdisc_that_is_deleted_is_put_back(lab):
    without_filters(lab)
    neighbour = Neighbour(lab, PLACE, "--egress", "--verdict", -1)
    agent = Agent(lab, routes(100), attach="clsact")
    seconds = taken_under_load(lab, agent, lambda: lab.run("node", "tc", "qdisc", "del", "dev", PLACE, "clsact"))
    ends_well(agent, 1, 1)
    check(neighbour.packets() > 200, "the neighbour saw the packets all the time")
    return f"after {seconds * 1000:.0f} ms"


@case
def a_filter_that_is_replaced_is_put_back_beside_the_new_one(lab):
    without_filters(lab)
    agent = Agent(lab, routes(100), attach="clsact")
    priority, handle = our_filter(lab)
    seconds = taken_under_load(
        lab, agent, lambda: lab.run("node", "tc", "filter", "replace", "dev", PLACE, "egress", "prio", priority, "handle",
                                    handle, "bpf", "bytecode", "1,6 0 0 0,"), said="replaced")
    check_equal(our_filter(lab)[0], str(int(priority) + 1), "the tap's priority now")
    ends_well(agent, 1, 1)
    left = lab.run("node", "tc", "filter", "show", "dev", PLACE, "egress")
    check(re.search(rf"pref {priority} .* handle {handle} .*bytecode", left), f"the neighbour's filter stays ({left})")
    return f"after {seconds * 1000:.0f} ms"


@case
def a_link_that_is_detached_by_force_is_put_back(lab):
    neighbour = Neighbour(lab, PLACE, "--egress", "--verdict", 0)
    agent = Agent(lab, routes(100), attach="auto")
    if "by tcx" not in agent.log():
        raise Skip("this kernel has no tcx")

    seconds = taken_under_load(lab, agent, lambda: lab.run("node", "bpftool", "link", "detach", "id", our_link(lab, agent)))
    ends_well(agent, 1, 1)
    check(neighbour.packets() > 200, "the neighbour saw the packets all the time")
    return f"after {seconds * 1000:.0f} ms"


@case
def who_takes_it_again_and_again_is_given_way_to(lab):
    """As another manager of filters that wants the hook for itself: a fight must not become a loop."""
    without_filters(lab)
    v1 = Provider(lab, "v1")
    agent = Agent(lab, routes(100), attach="clsact")
    consumer = Consumer(lab, "--requests", 0, "--duration", 6, "--rate", 500, "--depth", 4)
    end = time.monotonic() + 5
    taken = 0
    while time.monotonic() < end:
        ours = our_filter(lab)
        if ours:
            lab.run("node", "tc", "filter", "del", "dev", PLACE, "egress", "prio", ours[0])
            taken += 1
        time.sleep(0.02)
    result = consumer.result()
    check_equal((result["ok"], result["failed"]), (result["requests"], 0), f"right answers ({result})")
    check_equal(v1.stop()["received"], result["requests"], "requests at v1")
    ledger = agent.stop()
    check(2 <= taken <= 5, f"it came back {taken} times in 5 s: at once, then after 1, 2 and 4 s")
    check(ledger["taps_removed"] >= taken - 1, f"all told ({ledger})")
    return f"taken {taken} times in 5 s"


@case
def who_stands_in_front_is_named(lab):
    without_filters(lab)
    neighbour = Neighbour(lab, PLACE, "--egress", "--clsact", "--priority", 7, "--handle", 66, "--verdict", -1)
    agent = Agent(lab, routes(100), attach="clsact")
    front = r"behind clsact filter at priority 7, handle 0x42 \(neighbour\)"
    agent.wait_for_log(rf"tapping {PLACE} .* egress by clsact, {front}")
    start = len(agent.log())
    agent.send_signal(signal.SIGUSR1)
    agent.wait_for_log(rf"tapped +{PLACE} egress: {front}", start=start)
    second = Neighbour(lab, PLACE, "--egress", "--verdict", -1)
    agent.wait_for_log(rf"the tap on {PLACE} .* egress is now behind tcx program \d+ \(neighbour\), clsact filter")
    second.end()
    ledger = agent.stop()
    check_equal((ledger["taps_removed"], ledger["taps_behind"]), (0, 1), f"taps in the ledger ({ledger})")
    neighbour.end()


if __name__ == "__main__":
    sys.exit(run())
