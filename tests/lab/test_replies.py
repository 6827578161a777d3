#!/usr/bin/env python3
"""The primary's own answers, where their direction is tapped too: how many, how they ended, how long they took."""

import json
import pathlib
import re
import signal
import sys

from lablib import ADDRESSES, PORT, Agent, Consumer, Provider, case, check, check_equal, routes, run, settle, wait_until

PLACE = "vethv1"
V1 = f"{ADDRESSES['v1'][0]}:{PORT}"
# A power of two of microseconds, where a bucket of the histogram begins.
V1_US, V2_US = 8192, 131072


def filters(lab, direction):
    return lab.run("node", "tc", "filter", "show", "dev", PLACE, direction)


def hooks(lab, agent):
    """Which tcx hooks the agent's links on v1's host side hold; empty on kernels without tcx."""
    index = json.loads(lab.run("node", "ip", "-j", "link", "show", "dev", PLACE))[0]["ifindex"]
    held = []
    for path in pathlib.Path(f"/proc/{agent.popen.pid}/fdinfo").iterdir():
        fields = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
        if fields.get("link_type", "").strip() == "tcx" and int(fields["ifindex"]) == index:
            held.append(re.search(r"(ingress|egress)", fields["attach_type"]).group(1))
    return sorted(held)


def figures(ledger):
    """What the ledger says of v1 for the only rule."""
    check_equal(len(ledger["replies"]), 1, "rules with replies")
    return ledger["replies"][0]["v1"]


def ended(v1):
    return {name: v1[name] for name in ("asked", "ok", "exception", "error", "unanswered")}


@case
def off_by_default_and_then_nothing_looks_at_answers(lab):
    Provider(lab, "v1")
    for attach in ("auto", "clsact"):
        agent = Agent(lab, routes(100), attach=attach)
        check_equal(hooks(lab, agent), ["egress"] if "by tcx" in agent.log() else [], "links on v1's host side")
        check("rpctee" not in filters(lab, "ingress"), "no filter of ours sees answers")
        check("answers" not in agent.log(), "no word of answers in the log")
        check(not (lab.pin_directory / "replies").exists(), "no table of replies is pinned")
        Consumer(lab, "--requests", 20).result()
        ledger = agent.stop()
        check("replies" not in ledger, "no member of the ledger tells of answers")
        check_equal(ledger["seen"], 20, "requests in the ledger")


@case
def what_v1_answered_is_counted_and_timed_beside_v2(lab):
    Provider(lab, "v1", "--delay-us", str(V1_US))
    v2_pod = Provider(lab, "v2", "--delay-us", str(V2_US))
    agent = Agent(lab, routes(100), replies=True, mirror={"reply_timeout": "60s"}, grace="60s")
    result = Consumer(lab, "--requests", 60).result()
    check_equal(result["ok"], 60, f"right answers ({result})")
    settle(v2_pod, 60, "v2 received all", seconds=60)
    agent.send_signal(signal.SIGUSR1)
    said = agent.wait_for_log(r"v1 60 asked .* 60 ok, 0 exception, 0 error, 0 unanswered; p50 ([\d.]+) ms")
    ledger = agent.stop()
    v1 = figures(ledger)
    check_equal(ended(v1), {"asked": 60, "ok": 60, "exception": 0, "error": 0, "unanswered": 0}, "v1")
    check_equal(v1["unframed_bytes"], 0, "bytes without a boundary")
    check_equal(list(ledger["replies"][0]["v1_endpoints"]), [V1], "endpoints of the rule")
    v2 = ledger["replies"][0]["v2"]
    check_equal(ended(v2), ended(v1), "v2, of the same requests")
    check(V1_US <= v1["p50_us"] < V2_US <= v2["p50_us"], f"each takes its time ({v1}, {v2})")
    return f"v1 p50 {said.group(1)} ms"


@case
def answers_with_an_error_are_told_from_others(lab):
    Provider(lab, "v1", "--answer-status", "70")
    Provider(lab, "v2")
    agent = Agent(lab, routes(100), replies=True)
    Consumer(lab, "--requests", 500, "--depth", 8).result()
    check_equal(ended(figures(agent.stop())), {"asked": 500, "ok": 0, "exception": 0, "error": 500, "unanswered": 0}, "v1")


@case
def only_the_answers_to_drawn_requests_are_counted(lab):
    Provider(lab, "v1")
    Provider(lab, "v2")
    agent = Agent(lab, routes(10), replies=True)
    result = Consumer(lab, "--requests", 5000, "--depth", 16, "--connections", 4).result()
    counters = lab.tap_counters()
    ledger = agent.stop()
    check_equal(result["ok"], 5000, f"right answers ({result})")
    v1 = figures(ledger)
    check_equal((v1["asked"], v1["ok"]), (ledger["sampled"], ledger["sampled"]), f"v1's answers to what was drawn ({v1})")
    check_equal(counters["replies"], 5000, "answers whose header was seen")


@case
def the_tap_for_answers_is_put_back_too(lab):
    Provider(lab, "v1")
    Provider(lab, "v2")
    agent = Agent(lab, routes(100), replies=True, attach="clsact")
    priority = re.search(r"pref (\d+) bpf chain \d+ handle 0x[0-9a-f]+ rpctee_reply", filters(lab, "ingress")).group(1)
    lab.run("node", "tc", "filter", "del", "dev", PLACE, "ingress", "prio", priority)
    agent.wait_for_log(rf"somebody removed the tap on {PLACE} .* ingress for answers")
    agent.wait_for_log(rf"tapping {PLACE} .* ingress for answers by clsact again")
    wait_until(lambda: "rpctee_reply" in filters(lab, "ingress"), "the filter is there again")
    Consumer(lab, "--requests", 100).result()
    ledger = agent.stop()
    check_equal(figures(ledger)["ok"], 100, "answers that were counted")
    check_equal((ledger["taps_removed"], ledger["taps_put_back"]), (1, 1), "what the ledger says of taps")
    check("rpctee" not in filters(lab, "ingress") + filters(lab, "egress"), "the filters go with the agent")


@case
def both_programs_at_one_hook_are_no_strangers_to_each_other(lab):
    Provider(lab, "v1")
    Provider(lab, "v2")
    for attach in ("auto", "clsact"):
        agent = Agent(lab, routes(100), replies=True, direction="both", attach=attach)
        result = Consumer(lab, "--requests", 100).result()
        check_equal(result["ok"], 100, f"right answers ({result})")
        ledger = agent.stop()
        check_equal(ledger["taps_behind"], 0, "places behind others' programs")
        check_equal((ledger["seen"], figures(ledger)["ok"]), (100, 100), "requests, and their answers, once each")


if __name__ == "__main__":
    sys.exit(run())
