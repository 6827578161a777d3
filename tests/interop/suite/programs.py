"""Provider, consumer and agent as the cases use them."""

import collections
import dataclasses
import json
import os
import pathlib
import subprocess
import time

from . import lab, routes

HERE = pathlib.Path(__file__).resolve().parents[1]
RUN_JAVA = HERE / "run_java.sh"
NPM_PACKAGES = ("dubbo2.js", "apache-dubbo-js")
NODE_MODULES = lab.ROOT / "build/interop/node/node_modules"
START_SECONDS = 30
RUN_SECONDS = 120
# The provider writes its report every 50 ms; unchanged for so long, nothing more is on its way.
QUIET_SECONDS = 0.3
DIGEST_MODULUS = 1 << 64


class Failure(Exception):
    """Why a case failed."""


def expect(condition, why):
    if not condition:
        raise Failure(why)


def expect_same(actual, expected, what):
    expect(actual == expected, f"{what}: {actual}, expected {expected}")


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.05)


@dataclasses.dataclass(frozen=True)
class Tally:
    """How many calls, and the sum of their hashes."""

    calls: int = 0
    digest: int = 0

    def since(self, before):
        return Tally(self.calls - before.calls, (self.digest - before.digest) % DIGEST_MODULUS)


@dataclasses.dataclass
class Received:
    """What a provider received in a period: calls by kind ("method" or "method@tenant") and by peer address."""

    total: int
    kinds: dict
    peers: dict

    def since(self, before):
        kinds = {kind: tally.since(before.kinds.get(kind, Tally())) for kind, tally in self.kinds.items()}
        peers = {peer: calls - before.peers.get(peer, 0) for peer, calls in self.peers.items()}
        return Received(self.total - before.total, {kind: tally for kind, tally in kinds.items() if tally.calls},
                        {peer: calls for peer, calls in peers.items() if calls})

    def calls(self, kind):
        return self.kinds.get(kind, Tally()).calls


class Provider(lab.Process):
    def __init__(self, version, place, address, work):
        self.report = work / f"{place}-{version}.json"
        self.report.unlink(missing_ok=True)
        super().__init__(place, [RUN_JAVA, "provider", version, "--listen", f"{address}:{routes.PORT}",
                                 "--name", place, "--report", self.report], work / f"{place}-{version}.log")

    def wait_ready(self):
        wait_until(lambda: "ready" in self.log() or not self.running(), START_SECONDS, f"start of {self.log_path}")
        if not self.running():
            raise Failure(f"provider ended: {self.log()[-500:]}")

    def received(self):
        report = json.loads(self.report.read_text())
        kinds = {kind: Tally(tally["calls"], int(tally["digest"], 16)) for kind, tally in report["kinds"].items()}
        return Received(report["total"], kinds, report["peers"])


def settled(*providers):
    """What each provider has received, once nothing more comes."""
    last, since = [p.received() for p in providers], time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        time.sleep(0.05)
        now = [p.received() for p in providers]
        if now != last:
            last, since = now, time.monotonic()
    return last


class Consumer(lab.Process):
    """One program that runs scenarios one after the other, each on a connection of its own: a version of Apache Dubbo or
    a package of npm."""

    def __init__(self, version, work):
        address = f"{lab.V1_ADDRESS}:{routes.PORT}"
        command = [RUN_JAVA, "consumer", version, "--url", f"dubbo://{address}", "--scenario", "-"]
        if version in NPM_PACKAGES:
            command = ["env", f"NODE_PATH={NODE_MODULES}", "node", HERE / "node/dubbo_consumer.js", version, address]
        super().__init__("consumer", command, work / f"consumer-{version}.log",
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        os.set_blocking(self.child.stdout.fileno(), False)
        self._output = b""

    def wait_ready(self):
        self._line("ready", START_SECONDS)

    def run(self, case, out):
        """Returns how many calls failed."""
        self.child.stdin.write(f"{case.scenario} {case.calls} {case.threads} {case.serialization} {out}\n".encode())
        words = self._line("done ", RUN_SECONDS).split()
        return int(dict(word.split("=") for word in words[2:])["failed"])

    def _line(self, prefix, seconds):
        found = []

        def look():
            self._output += self.child.stdout.read() or b""
            *lines, self._output = self._output.split(b"\n")
            found.extend(line for line in map(bytes.decode, lines) if line.startswith(prefix))
            if not found and not self.running():
                raise Failure(f"consumer ended: {self.log()[-500:]}")
            return found

        wait_until(look, seconds, f"consumer's line {prefix!r}")
        return found[0]


class Agent(lab.Process):
    def __init__(self, binary, rules, percent, work, workers=0):
        self.rules = rules
        self.routes_path = work / "routes.yaml"
        self.ledger_path = work / "ledger.json"
        self.ledger_path.unlink(missing_ok=True)
        self.share(percent)
        config = work / "agent.yaml"
        config.write_text(routes.agent_config(self.routes_path, workers))
        super().__init__("node", [binary, "agent", "-c", config, "--ledger-json", self.ledger_path], work / "agent.log")

    def share(self, percent):
        """Replaces the routes as a whole, as a tool that writes them would."""
        following = self.routes_path.with_suffix(".next")
        following.write_text(self.rules.text(percent))
        following.replace(self.routes_path)

    def wait_ready(self):
        wait_until(lambda: "ready" in self.log() or not self.running(), START_SECONDS, "agent's start")
        if not self.running():
            raise Failure(f"the agent ended at start: {self.log()[-800:]}")

    def tap_counters(self):
        """The tap program's counters that are not zero, summed over CPUs: they tell why something was missed."""
        dump = subprocess.run(["bpftool", "--json", "map", "dump", "pinned", f"{lab.PIN_DIRECTORY}/counters"],
                              stdout=subprocess.PIPE, stderr=self._log, check=False)
        if dump.returncode != 0:
            raise Failure("bpftool could not read the tap's counters, see agent.log")
        sums = collections.Counter()
        for cpu in json.loads(dump.stdout)[0]["formatted"]["values"]:
            sums.update(cpu["value"])
        return {name: count for name, count in sums.items() if count}

    def final_ledger(self):
        status = self.stop()
        if status != 0:
            raise Failure(f"the agent ended with status {status}: {self.log()[-500:]}")
        return json.loads(self.ledger_path.read_text())
