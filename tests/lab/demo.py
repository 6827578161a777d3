#!/usr/bin/env python3
"""The walkthrough of the Aeraki guide in the lab; run by scripts/demo.sh, which builds what it needs.

Prints what each side saw and ends with one JSON line. Exit status 0 when all is as promised.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from lablib import (ADDRESSES, CONSUMER, PORT, PROVIDER, ROOT, RPCTEE, Agent, Consumer, Failure, Lab, Process, Provider,
                    binomial_interval, routes, tail)

RUN_JAVA = ROOT / "tests/interop/run_java.sh"
QUIET_SECONDS = 0.6
MOST_A_SECOND = 10_000  # so that two cores have time left for v1, v2 and the agent
SETTLE_SECONDS = 30


class JavaProvider(Process):
    """The Apache Dubbo provider of tests/interop, with the reports of the sample one."""

    def __init__(self, lab, role):
        self.report = lab.directory / f"{role}.json"
        super().__init__(lab, role, role, [RUN_JAVA, "provider", "3", "--listen", f"{ADDRESSES[role][0]}:{PORT}",
                                           "--name", role, "--report", self.report])
        for line in self.popen.stdout:
            if line.startswith("ready"):
                return
        raise Failure(f"provider {role} did not start: {tail(self.log())}")

    def received(self):
        return json.loads(self.report.read_text())["total"]

    def stop(self):
        self.end()
        report = json.loads(self.report.read_text())
        return {"received": report["total"], "digest": report["digest"]}


class JavaConsumer(Process):
    def __init__(self, lab, requests):
        self.answers = lab.directory / "answers"
        super().__init__(lab, "consumer", "consumer",
                         [RUN_JAVA, "consumer", "3", "--url", f"dubbo://{ADDRESSES['v1'][0]}:{PORT}", "--scenario",
                          "calls", "--calls", requests, "--threads", 8, "--connections", 1, "--out", self.answers])

    def result(self, seconds):
        output, _ = self.popen.communicate(timeout=seconds)
        done = re.search(r"^done \S+ calls=(\d+) failed=(\d+) ms=(\d+)", output, re.MULTILINE)
        if not done:
            raise Failure(f"the consumer failed: {tail(self.log())}")
        calls, failed, milliseconds = map(int, done.groups())
        text = self.answers.read_text(encoding="utf-8")
        by_provider = {name: len(re.findall(rf"\bfrom {name}\b", text)) for name in ("v1", "v2")}
        return {"requests": calls, "ok": calls - failed, "answers_by_provider": by_provider, "unexpected": 0,
                "requests_per_second": 1000 * calls / max(1, milliseconds)}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="demo.sh", description="The Aeraki walkthrough, on this machine")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--percent", type=float, default=100)
    parser.add_argument("--real", action="store_true", help="Apache Dubbo programs instead of our own")
    parser.add_argument("--keep", action="store_true", help="leave the lab and the files for a look")
    arguments = parser.parse_args()
    if not 1 <= arguments.requests <= 10_000_000 or not 0 <= arguments.percent <= 100:
        parser.error("--requests is 1 to 10000000, --percent 0 to 100")
    return arguments


def say(text):
    print(text, flush=True)


def wait_until_quiet(provider):
    """Until the provider's count stands still."""
    count, since, start = provider.received(), time.monotonic(), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS and time.monotonic() - start < SETTLE_SECONDS:
        time.sleep(0.05)
        now = provider.received()
        if now != count:
            count, since = now, time.monotonic()


def walk_through(lab, arguments):
    """Returns (consumer, v1, v2, ledger)."""
    make = JavaProvider if arguments.real else Provider
    say("Starting the providers v1 and v2 ...")
    v1, v2 = make(lab, "v1"), make(lab, "v2")
    text = routes(f"{arguments.percent:g}")
    path = lab.directory / "guide.yaml"
    path.write_text(text, encoding="utf-8")
    say(f"\nThe guide's routes, as `rpctee check {path}` reads them:\n")
    checked = subprocess.run([RPCTEE, "check", path], text=True, check=False)
    if checked.returncode != 0:
        raise Failure("rpctee check refuses the guide's routes")
    say("\nStarting `rpctee agent` on the node ...")
    agent = Agent(lab, text)
    say("".join(f"  {line}\n" for line in agent.log().splitlines()))
    say(f"The consumer calls v1 {arguments.requests} times ...")
    consumer = (JavaConsumer(lab, arguments.requests) if arguments.real
                else Consumer(lab, "--requests", arguments.requests, "--depth", 4, "--rate", MOST_A_SECOND)).result(600)
    wait_until_quiet(v2)
    ledger = agent.stop()
    return consumer, v1.stop(), v2.stop(), ledger


def show(consumer, v1, v2, ledger):
    answers = consumer["answers_by_provider"]
    rows = [
        ("", "consumer", "v1 (production)", "v2 (mirror)"),
        ("requests", f"{consumer['requests']} sent", f"{v1['received']} received", f"{v2['received']} received"),
        ("answers the consumer got", f"{consumer['ok']} right", f"{answers.get('v1', 0)} from v1",
         f"{answers.get('v2', 0)} from v2"),
        ("digest of the contents", consumer.get("digest", "-"), v1["digest"], v2["digest"]),
    ]
    say("")
    for row in rows:
        say("  " + "".join(f"{cell:<{width}}" for cell, width in zip(row, (28, 20, 20, 20))).rstrip())
    say("\n  ledger: " + ", ".join(f"{name} {count}" for name, count in ledger.items() if type(count) is int and count)
        + f"; balanced: {'yes' if ledger['balanced'] else 'NO'}\n")


def broken_promises(arguments, consumer, v1, v2):
    low, high = binomial_interval(arguments.requests, arguments.percent / 100)
    promises = [
        (consumer["ok"] == arguments.requests, "the consumer got the right answer to every request"),
        (consumer["answers_by_provider"].get("v2", 0) == 0, "the consumer saw answers of v1 only"),
        (consumer["unexpected"] == 0, "the consumer saw nothing that it did not ask for"),
        (v1["received"] == arguments.requests, "v1 received every request"),
        (low <= v2["received"] <= high, f"v2 received {low} to {high} requests"),
        (arguments.percent < 100 or v2["digest"] == v1["digest"], "v2 received what v1 received"),
    ]
    return [text for kept, text in promises if not kept]


def demo(lab, arguments):
    consumer, v1, v2, ledger = walk_through(lab, arguments)
    show(consumer, v1, v2, ledger)
    broken = broken_promises(arguments, consumer, v1, v2)
    for text in broken:
        say(f"  NOT KEPT: {text}")
    say(json.dumps({"requests": consumer["requests"], "consumer_ok": consumer["ok"], "v1_received": v1["received"],
                    "v2_received": v2["received"],
                    "replies_from_v2_seen_by_consumer": consumer["answers_by_provider"].get("v2", 0),
                    "ledger_balanced": ledger["balanced"]}, separators=(",", ":")))
    return 1 if broken else 0


def keep(lab):
    kept = pathlib.Path(f"/tmp/rpctee-demo-{lab.id}")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(lab.directory, kept)
    print(f"kept: the files in {kept}, the lab until `LAB_ID={lab.id} scripts/lab.sh down`", file=sys.stderr)


def main():
    arguments = parse_arguments()
    os.environ.setdefault("LAB_ID", "demo")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for binary in (RPCTEE, PROVIDER, CONSUMER):
        if not os.access(binary, os.X_OK):
            sys.exit(f"{binary} is not built; run scripts/demo.sh")
    lab = Lab()
    try:
        lab.__enter__()
        return demo(lab, arguments)
    except Failure as failure:
        say(f"demo failed: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if arguments.keep:
            lab.clean()
            keep(lab)
        else:
            lab.__exit__()


if __name__ == "__main__":
    sys.exit(main())
