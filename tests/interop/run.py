#!/usr/bin/env python3
"""Runs real Apache Dubbo programs with rpctee between them; see README.md.

Prints PASS, FAIL or SKIP and a name for each case; the exit status is 1 when a case failed.
"""

import argparse
import contextlib
import fnmatch
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

from suite import cases, lab
from suite.lab import Unavailable
from suite.programs import Consumer, Failure, Provider

HERE = pathlib.Path(__file__).resolve().parent
MISSING = 77  # exit status of build.sh for something that the machine lacks


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", default=["*"], metavar="PATTERN",
                        help="cases to run, such as 2.7-to-3/sizes or '*/share-*' (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--direct", action="store_true", help="only the runs without rpctee, to prove the programs")
    return parser.parse_args()


def case_name(consumer, provider, case):
    return f"interop/{consumer}-to-{provider}/{case.name}"


def selected(patterns):
    """Yields (consumer, provider, cases) with the cases that are asked for."""
    for consumer, provider, all_cases in cases.PAIRS:
        chosen = [case for case in all_cases
                  if any(fnmatch.fnmatch(case_name(consumer, provider, case), f"*{p}") for p in patterns)]
        if chosen:
            yield consumer, provider, chosen


def prepare(direct):
    """Builds what is needed; returns the rpctee binary. Raises Unavailable."""
    if os.geteuid() != 0:
        raise Unavailable("needs root, to make network namespaces")
    built = subprocess.run([HERE / "build.sh"], text=True, stdout=subprocess.PIPE, check=False)
    if built.returncode == MISSING:
        raise Unavailable(" ".join(built.stdout.split()))
    if built.returncode != 0:
        raise Failure(built.stdout)
    binary = pathlib.Path(os.environ.get("RPCTEE_BIN", lab.ROOT / "build/dev/userspace/cli/rpctee"))
    if not direct and not os.access(binary, os.X_OK):
        raise Failure(f"{binary} is not there: build it, or name another with RPCTEE_BIN")
    return binary


def run_pair(stage, consumer, provider, chosen, direct):
    failed = 0
    for case in chosen:
        start = time.monotonic()
        try:
            if direct:
                seen = f"v1 {stage.direct(case).v1.total}"
            else:
                seen = cases.run_case(stage, case)
            print(f"PASS {case_name(consumer, provider, case)} ({seen}; {time.monotonic() - start:.1f} s)", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAIL {case_name(consumer, provider, case)}: {failure}", flush=True)
    return failed


def run_all(chosen_pairs, binary, work, direct):
    failed = 0
    with lab.Lab(), contextlib.ExitStack() as consumers:
        running = {}
        for provider, pairs in itertools.groupby(chosen_pairs, key=lambda pair: pair[1]):
            with Provider(provider, "v1", lab.V1_ADDRESS, work) as v1, \
                    Provider(provider, "v2", lab.V2_ADDRESS, work) as v2:
                v1.wait_ready()
                v2.wait_ready()
                for consumer, _, chosen in pairs:
                    if consumer not in running:
                        running[consumer] = consumers.enter_context(Consumer(consumer, work))
                        running[consumer].wait_ready()
                    stage = cases.Stage(running[consumer], v1, v2, work, binary)
                    failed += run_pair(stage, consumer, provider, chosen, direct)
    return failed


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the lab is taken down
    chosen_pairs = list(selected(arguments.patterns))
    names = [case_name(consumer, provider, case) for consumer, provider, chosen in chosen_pairs for case in chosen]
    if arguments.list:
        print("\n".join(names))
        return 0
    if not names:
        print("no case has such a name; see --list", file=sys.stderr)
        return 2
    work = lab.ROOT / "build/interop/run"
    work.mkdir(parents=True, exist_ok=True)
    try:
        binary = prepare(arguments.direct)
        return 1 if run_all(chosen_pairs, binary, work, arguments.direct) else 0
    except Unavailable as missing:
        for name in names:
            print(f"SKIP {name}: {missing}")
        return 0
    except Failure as failure:
        print(f"FAIL interop: {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
