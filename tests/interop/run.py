#!/usr/bin/env python3
"""Runs real Dubbo and Thrift programs with rpctee between them; see README.md.

Prints PASS, FAIL or SKIP and a name for each case; the exit status is 1 when a case failed.
"""

import argparse
import contextlib
import fnmatch
import functools
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

from suite import cases, lab, thrift_cases
from suite.lab import Unavailable
from suite.programs import Consumer, Failure, Provider

HERE = pathlib.Path(__file__).resolve().parent
BUILDS = {"java": "build.sh", "node": "build_node.sh", "thrift": "build_thrift.sh"}
MISSING = 77  # exit status of these for something that the machine lacks


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", default=["*"], metavar="PATTERN",
                        help="cases to run, such as 2.7-to-3/sizes or '*/share-*' (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--direct", action="store_true", help="only the runs without rpctee, to prove the programs")
    return parser.parse_args()


def case_name(consumer, provider, case):
    return f"interop/{consumer}-to-{provider}/{case.name}"


def is_chosen(name, patterns):
    return any(fnmatch.fnmatch(name, f"*{pattern}") for pattern in patterns)


@functools.cache
def missing(build):
    """Why what this build makes can't be had here; None when it can. Raises Failure."""
    built = subprocess.run([HERE / BUILDS[build]], text=True, stdout=subprocess.PIPE, check=False)
    if built.returncode == MISSING:
        return " ".join(built.stdout.split())
    if built.returncode != 0:
        raise Failure(f"{BUILDS[build]}: {built.stdout}")
    return None


def can_run(names, needs):
    """Prints the names as skipped, with the reason, when a build that they need can't be had."""
    if not names:
        return False
    reason = next(filter(None, map(missing, needs)), None)
    if reason:
        print("\n".join(f"SKIP {name}: {reason}" for name in names), flush=True)
    return reason is None


def chosen_pairs(patterns):
    """(consumer, provider, cases) with the Dubbo cases that are asked for."""
    for consumer, provider, all_cases in cases.PAIRS:
        yield consumer, provider, [case for case in all_cases
                                   if is_chosen(case_name(consumer, provider, case), patterns)]


def chosen_thrift(patterns):
    return [case for case in thrift_cases.CASES if is_chosen(case.name, patterns)]


def names_of(patterns):
    return ([case_name(consumer, provider, case) for consumer, provider, chosen in chosen_pairs(patterns)
             for case in chosen] + [case.name for case in chosen_thrift(patterns)])


def check_machine(direct):
    """Returns the rpctee binary. Raises Unavailable."""
    if os.geteuid() != 0:
        raise Unavailable("needs root, to make network namespaces")
    binary = pathlib.Path(os.environ.get("RPCTEE_BIN", lab.ROOT / "build/dev/userspace/cli/rpctee"))
    if not direct and not os.access(binary, os.X_OK):
        raise Failure(f"{binary} is not there: build it, or name another with RPCTEE_BIN")
    return binary


def passed(name, run):
    """Runs one case and prints what came of it."""
    start = time.monotonic()
    try:
        print(f"PASS {name} ({run()}; {time.monotonic() - start:.1f} s)", flush=True)
        return True
    except Failure as failure:
        print(f"FAIL {name}: {' '.join(str(failure).split())}", flush=True)
        return False


def run_pair(stage, consumer, provider, chosen, direct):
    def run(case):
        return f"v1 {stage.direct(case).v1.total}" if direct else cases.run_case(stage, case)

    return [passed(case_name(consumer, provider, case), functools.partial(run, case)) for case in chosen]


def run_dubbo(patterns, binary, work, direct):
    """Whether each case passed."""
    pairs = [pair for pair in chosen_pairs(patterns)
             if can_run([case_name(*pair[:2], case) for case in pair[2]], cases.needs(pair[0]))]
    results = []
    with contextlib.ExitStack() as consumers:
        running = {}
        for provider, pairs_of_it in itertools.groupby(pairs, key=lambda pair: pair[1]):
            with Provider(provider, "v1", lab.V1_ADDRESS, work) as v1, \
                    Provider(provider, "v2", lab.V2_ADDRESS, work) as v2:
                v1.wait_ready()
                v2.wait_ready()
                for consumer, _, chosen in pairs_of_it:
                    if consumer not in running:
                        running[consumer] = consumers.enter_context(Consumer(consumer, work))
                        running[consumer].wait_ready()
                    stage = cases.Stage(running[consumer], v1, v2, work, binary)
                    results += run_pair(stage, consumer, provider, chosen, direct)
    return results


def run_thrift(patterns, binary, work, direct):
    """Whether each case passed."""
    return [passed(case.name, functools.partial(thrift_cases.run_case, case, binary, work, direct))
            for case in chosen_thrift(patterns) if can_run([case.name], case.needs)]


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the lab is taken down
    names = names_of(arguments.patterns)
    if arguments.list:
        print("\n".join(names))
        return 0
    if not names:
        print("no case has such a name; see --list", file=sys.stderr)
        return 2
    work = lab.ROOT / "build/interop/run"
    work.mkdir(parents=True, exist_ok=True)
    try:
        binary = check_machine(arguments.direct)
        with lab.Lab():
            results = [result for run in (run_dubbo, run_thrift)
                       for result in run(arguments.patterns, binary, work, arguments.direct)]
        return 0 if all(results) else 1
    except Unavailable as reason:
        for name in names:
            print(f"SKIP {name}: {reason}")
        return 0
    except Failure as failure:
        print(f"FAIL interop: {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
