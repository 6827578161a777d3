#!/usr/bin/env python3
"""Attaching and detaching under load loses, alters and leaves nothing: 10,000 times, 5,000 by tcx and 5,000 by clsact.

The tap is on v1's interface (tests/lab/swap) while consumers call v1.
"""

import contextlib
import json
import pathlib
import sys

from lablib import (BUILD, PORT, ADDRESSES, RUN_SECONDS, Consumer, Failure, Process, Provider, case, check, check_equal,
                    run, tail)
from wirelib import check_no_trouble, compare_bytes, compare_packets, link_trouble, start_watches

SWAP = BUILD / "tests/lab/swap/rpctee-lab-swap"
RCU_EXPEDITED = pathlib.Path("/sys/kernel/rcu_expedited")
# Growth from the first twenty-fifth of the rounds to the last: the allocator's own caches, no more.
HEAP_GROWTH_MOST = {False: 64 << 10, True: 256 << 10}
MAPPED_GROWTH_MOST = 4 << 20
# Beside each other: many small requests, and some of all sizes up to 500,000 bytes.
LOADS = (("--rate", 15_000, "--depth", 16, "--connections", 8, "--oneway-every", 7),
         ("--rate", 400, "--depth", 4, "--connections", 4, "--size-mix", "--first", 1_000_000_000))


@contextlib.contextmanager
def quick_grace_periods():
    """A tcx round does little but wait for two grace periods of the kernel, 20 ms each; this makes them short."""
    before = RCU_EXPEDITED.read_text(encoding="ascii")
    RCU_EXPEDITED.write_text("1", encoding="ascii")
    try:
        yield
    finally:
        RCU_EXPEDITED.write_text(before, encoding="ascii")


def swap(lab, attach, rounds, reopen):
    """Runs the rounds; returns the program's report."""
    # The load must not keep it from its turn.
    command = ["nice", "-n", "-10", SWAP, "vethv1", "--attach", attach, "--rounds", rounds, "--endpoint", 
               f"{ADDRESSES['v1'][0]}:{PORT}"]
    process = Process(lab, "node", "swap", command + (["--reopen"] if reopen else []))
    output, _ = process.popen.communicate(timeout=RUN_SECONDS)
    check_equal(process.popen.returncode, 0, f"exit status of the rounds ({output} {tail(process.log())})")
    return json.loads(output.strip().splitlines()[-1])


def nothing_is_left(lab, report, reopen):
    check_equal(report["descriptors_after"], report["descriptors_before"], f"open descriptors ({report})")
    check(report["objects_seen"] > 0, f"programs and maps were there ({report})")
    check_equal(report["objects_left"], [], "programs, maps and links that the kernel still knows")
    for direction in ("ingress", "egress"):
        check_equal(lab.run("node", "tc", "filter", "show", "dev", "vethv1", direction), "", f"filters at {direction}")
    grown = {kind: report[f"{kind}_bytes_late"] - report[f"{kind}_bytes_early"] for kind in ("heap", "mapped")}
    check(grown["heap"] <= HEAP_GROWTH_MOST[reopen] and grown["mapped"] <= MAPPED_GROWTH_MOST, f"memory grew: {grown}")


def swapped_under_load(lab, attach, rounds, reopen=False):
    paths = [lab.directory / f"wire.{name}.json" for name in ("v1", "one", "two")]
    if attach == "clsact":
        # Before the load: while the kernel makes the qdisc it takes the device's queues out of service and drops what
        # comes, whoever asks for it. Once made it stays.
        lab.run("node", "tc", "qdisc", "replace", "dev", "vethv1", "clsact")
    before = link_trouble(lab)
    watches = start_watches(lab)
    v1 = Provider(lab, "v1", "--wire-report", paths[0])
    consumers = [Consumer(lab, "--requests", 0, "--duration", RUN_SECONDS, "--wire-report", path, *load)
                 for path, load in zip(paths[1:], LOADS)]
    with quick_grace_periods():
        report = swap(lab, attach, rounds, reopen)
    results = [consumer.finish() for consumer in consumers]
    one = v1.stop()
    packets = [watch.stop() for watch in watches]
    check_no_trouble(before, link_trouble(lab))
    for result in results:
        check_equal((result["failed"], result["unexpected"]), (0, 0), f"wrong answers ({result})")
    check_equal(one["received"], sum(result["requests"] for result in results), "requests at v1")
    ends = [json.loads(path.read_text()) for path in paths]
    compare_bytes(ends[1] + ends[2], ends[0])
    compare_packets(packets)
    check_equal(report["rounds"], rounds, "rounds")
    nothing_is_left(lab, report, reopen)
    return (f"{report['bytes'] >> 20} MiB to v1, never less than {report['least_bytes'] >> 10} KiB in {rounds // 25} "
            f"rounds; {report['packets']} packets met the program")


@case
def five_thousand_rounds_by_tcx(lab):
    return swapped_under_load(lab, "tcx", 5000)


@case
def five_thousand_rounds_by_clsact(lab):
    return swapped_under_load(lab, "clsact", 5000)


@case
def rounds_with_a_tap_of_their_own_by_tcx(lab):
    return swapped_under_load(lab, "tcx", 50, reopen=True)


@case
def rounds_with_a_tap_of_their_own_by_clsact(lab):
    return swapped_under_load(lab, "clsact", 50, reopen=True)


if __name__ == "__main__":
    sys.exit(run())
