"""What the lab tests and the demo share: the namespaces, the sample programs, the agent, and how cases are run.

A test file declares cases with @case and ends with `run()`. Each case gets a Lab that is up and nothing else; what
it starts is stopped when it ends. Prints `PASS name`, `FAIL name: why` or `SKIP name: why` for each case.
Only Python's standard library. Environment: RPCTEE_BUILD (default build/dev), LAB_ID (default t and the process id).
"""

import contextlib
import ctypes
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

# Also for the test files, which import all they need from here.
from guide import ADDRESSES, HOST, PORT, SERVICE_ENTRY, mirror_to, pod, routes, subsets

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("RPCTEE_BUILD", ROOT / "build/dev")).resolve()
RPCTEE = BUILD / "userspace/cli/rpctee"
PROVIDER = BUILD / "tests/lab/sample/rpctee-sample-provider"
CONSUMER = BUILD / "tests/lab/sample/rpctee-sample-consumer"
NEIGHBOUR = BUILD / "tests/lab/neighbour/rpctee-lab-neighbour"
START_SECONDS = 10
RUN_SECONDS = 120
PR_SET_PDEATHSIG = 1

MARK = "rpctee-mirror"
NODE = "lab"  # the agent's name for itself, and so the mark's value

CASES = []


class Failure(Exception):
    """A promise that was not kept; the text says which."""


class Skip(Exception):
    """Something that this machine lacks."""


def case(function):
    CASES.append(function)
    return function


def check(condition, text):
    if not condition:
        raise Failure(text)


def check_equal(got, expected, what):
    check(got == expected, f"{what}: got {got}, expected {expected}")


def wait_until(condition, what, seconds=START_SECONDS):
    """Polls until `condition()` is true; returns its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure(f"not within {seconds} s: {what}")


def binomial_interval(count, share, confidence=0.999):
    """The equal-tailed interval that a count of `count` draws of `share` lies in, with at least that confidence."""
    if share <= 0 or share >= 1:
        return round(count * share), round(count * share)
    tail = (1 - confidence) / 2
    logs = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
            + k * math.log(share) + (count - k) * math.log1p(-share) for k in range(count + 1)]
    low, below = 0, math.exp(logs[0])
    while below <= tail:
        low += 1
        below += math.exp(logs[low])
    high, above = count, math.exp(logs[count])
    while above <= tail:
        high -= 1
        above += math.exp(logs[high])
    return low, high


def end_with_parent():
    """Nothing that was started outlives this process, even if it is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A program in a namespace, its stderr in a file; ended when the lab ends at the latest."""

    def __init__(self, lab, role, name, command):
        self.name = name
        self.log_path = lab.directory / f"{name}.{len(lab.processes)}.log"
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.popen = subprocess.Popen(lab.enter(role, command), stdout=subprocess.PIPE, stderr=log, text=True,
                                          stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)
        lab.processes.append(self)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, pattern, seconds=START_SECONDS, start=0):
        """Waits until the log from character `start` on matches; returns the match."""

        def found():
            match = re.search(pattern, self.log()[start:])
            if not match and self.popen.poll() is not None:
                raise Failure(f"{self.name} ended with {self.popen.returncode}: {tail(self.log())}")
            return match

        return wait_until(found, f"{self.name} says {pattern!r}; it said: {tail(self.log())}", seconds)

    def send_signal(self, number):
        self.popen.send_signal(number)

    def end(self, number=signal.SIGTERM, seconds=START_SECONDS):
        """Sends the signal and waits; returns what the program printed."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            output, _ = self.popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as expired:
            self.popen.kill()
            self.popen.communicate()
            raise Failure(f"{self.name} did not end within {seconds} s: {tail(self.log())}") from expired
        return output


def tail(text, lines=6):
    return " | ".join(text.strip().splitlines()[-lines:])


class Provider(Process):
    def __init__(self, lab, role, *options, address=None):
        listen = f"{address or '[::]'}:{PORT}"
        super().__init__(lab, role, role, [PROVIDER, "--listen", listen, "--name", role, *options])
        self.wait_for_log("listens on")

    def stop(self):
        """The provider's closing report."""
        return json.loads(self.end().strip().splitlines()[-1])

    def received(self):
        """How many requests it has received so far."""
        self.send_signal(signal.SIGUSR1)
        return json.loads(self.popen.stdout.readline())["received"]


class Consumer(Process):
    def __init__(self, lab, *options, role="consumer", to="v1", ipv6=False, address=None):
        address = address or (f"[{ADDRESSES[to][1]}]" if ipv6 else ADDRESSES[to][0])
        super().__init__(lab, role, "consumer", [CONSUMER, "--connect", f"{address}:{PORT}", *map(str, options)])

    def finish(self):
        """Makes it ask nothing more; returns its result."""
        self.send_signal(signal.SIGTERM)
        return self.result()

    def result(self, seconds=RUN_SECONDS):
        try:
            output, _ = self.popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as expired:
            raise Failure(f"the consumer did not end within {seconds} s") from expired
        check(output.strip(), f"the consumer failed: {tail(self.log())}")
        return json.loads(output.strip().splitlines()[-1])


class Neighbour(Process):
    """Somebody else's tc program on an interface of the node, with an opinion on TCP packets to the port. A clsact filter
    of its stays when it ends, as those of others do."""

    def __init__(self, lab, interface, *options):
        super().__init__(lab, "node", "neighbour", [NEIGHBOUR, "--interface", interface, *map(str, options)])
        self.wait_for_log("attached")

    def packets(self):
        """Ends it; returns how many of these packets it saw."""
        return int(self.end().strip())


class Agent(Process):
    def __init__(self, lab, routes, ready=True, workers=0, mirror=None, limits=None, grace="2s", binary=None, node=NODE,
                 mark=None, policies=None, **tap):
        """`routes`: text of the route file. `mirror`, `limits`, `tap`: keys of the configuration's sections that differ.
        `grace`: how long it waits for answers at its end. `binary`: another build's. `node`, `mark`, `policies`: parts of
        the configuration."""
        self.lab = lab
        self.number = len(lab.processes)
        self.routes_path = lab.directory / f"routes.{self.number}.yaml"
        self.write_routes(routes)
        self.ledger_path = lab.directory / f"ledger.{self.number}.json"
        # A burst must fit even when v2 gets no CPU for a while.
        mirror = {"max_in_flight": 100_000, "max_buffer_bytes": "64MiB", "reply_timeout": "10s",
                  "reconnect_min": "50ms", "reconnect_max": "500ms", **(mirror or {})}
        config = {"node": node, "workers": workers, "mirror": mirror, "shutdown_grace": grace, "limits": limits or {},
                  "mark": mark or {}, "policies": policies or [],
                  "routes": {"files": [str(self.routes_path)], "reload": "100ms"},
                  "tap": {"interfaces": ["veth*"], "pin_directory": str(lab.pin_directory), **tap}}
        config_path = lab.directory / f"agent.{self.number}.yaml"
        config_path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        super().__init__(lab, "node", "agent",
                         [binary or RPCTEE, "agent", "-c", config_path, "--ledger-json", self.ledger_path])
        if ready:
            self.wait_for_log(r"\bready\b")

    def write_routes(self, text):
        """Replaces the route file at once, as kubectl and config maps do."""
        temporary = self.routes_path.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.rename(self.routes_path)

    def change_routes(self, text, said):
        """Replaces the routes and waits until the agent's log tells of it."""
        start = len(self.log())
        self.write_routes(text)
        self.wait_for_log(said, start=start)

    def stop(self):
        """Ends it; returns the ledger, which must balance."""
        self.end(seconds=20)
        check_equal(self.popen.returncode, 0, f"exit status of the agent ({tail(self.log())})")
        ledger = json.loads(self.ledger_path.read_text(encoding="utf-8"))
        check(ledger["balanced"], f"the ledger does not balance: {ledger}")
        errors = sum(sum(mirror["errors"].values()) for mirror in ledger["mirrors"])
        check_equal(errors, ledger["answered_error"], f"errors by name ({ledger['mirrors']})")
        return ledger


class Lab:
    """The namespaces of scripts/lab.sh, a directory for files, and all processes that were started in it. Another `net`
    gives it addresses of its own, so that two labs may be linked."""

    def __init__(self, identity=None, net=0):
        self.id = identity or os.environ.get("LAB_ID", f"t{os.getpid()}")
        self.net = net
        self.processes = []
        self.pin_directory = pathlib.Path(f"/sys/fs/bpf/rpctee-lab-{self.id}")
        self.pods = []
        self.temporary = tempfile.TemporaryDirectory(prefix="rpctee-lab-")
        self.directory = pathlib.Path(self.temporary.name)

    def script(self, *arguments):
        done = subprocess.run([ROOT / "scripts/lab.sh", *map(str, arguments)],
                              env={**os.environ, "LAB_ID": self.id, "LAB_NET": str(self.net)},
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise Failure(f"lab.sh {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def enter(self, role, command):
        return ["nsenter", f"--net=/run/netns/rpctee-{role}-{self.id}", "--", *map(str, command)]

    def run(self, role, *command):
        """Runs a command to its end in a namespace; returns its output."""
        done = subprocess.run(self.enter(role, command), capture_output=True, text=True, check=False, timeout=60)
        check(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return done.stdout

    def add_pod(self, name, number):
        self.script("add-pod", name, number)
        self.pods.append(name)

    def add_behind(self, router, name, number):
        """A pod whose way to the node leads through the pod `router`."""
        self.script("add-behind", router, name, number)
        self.pods.append(name)

    def address(self, number):
        """Of the pod with this number."""
        return f"10.44.{self.net}.{number}"

    @contextlib.contextmanager
    def second_node(self):
        """For a while, a lab beside this one whose node is linked with this one's."""
        with Lab(f"{self.id}b", self.net + 1) as other:
            self.script("link", other.id)
            yield other

    def bpftool(self, kind, action, pin):
        """What bpftool tells of one of the running agent's pins."""
        done = subprocess.run(["bpftool", "-j", kind, action, "pinned", self.pin_directory / pin],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"bpftool {kind} {action} {pin}: {done.stdout} {done.stderr}")
        return json.loads(done.stdout)

    def tap_counters(self):
        """What the running agent's tap counted so far, by name."""
        totals = {}
        for processor in self.bpftool("map", "dump", "counters")[0]["formatted"]["values"]:
            for name, count in processor["value"].items():
                totals[name] = totals.get(name, 0) + count
        return totals

    def tap_flows(self):
        """The running agent's flow table: struct rpctee_flow by the text of its key."""
        return {json.dumps(entry["formatted"]["key"]): entry["formatted"]["value"]
                for entry in self.bpftool("map", "dump", "flows")}

    def tap_program(self):
        """What the kernel says of the running agent's tap program; with its run time once that was measured."""
        return {"run_time_ns": 0, "run_cnt": 0, **self.bpftool("prog", "show", "program")}

    def remove_pod(self, name):
        self.script("remove-pod", name)
        self.pods.remove(name)

    def clean(self):
        """Ends every process and removes added pods, so that the next case finds a plain lab."""
        for process in reversed(self.processes):
            with contextlib.suppress(Failure):
                process.end(seconds=5)
        self.processes.clear()
        for name in reversed(list(self.pods)):
            self.remove_pod(name)

    def __enter__(self):
        self.script("down")  # of an earlier run that was killed
        self.script("up")
        return self

    def __exit__(self, *_):
        self.clean()
        self.script("down")
        self.temporary.cleanup()


def marked_bytes(count, requests, node=NODE):
    """How many bytes `requests` requests of `count` bytes take as marked copies: two short Hessian2 strings more each."""
    return count + requests * (1 + len(MARK) + 1 + len(node))


def requests_in(path):
    """What a provider wrote with --log-requests, when it has ended: (connection, request, hash of its contents) of
    each, as they came."""
    return [tuple(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]


def settle(provider, expected, what, seconds=10):
    """Waits until the provider has received `expected` requests."""
    state = {"count": 0}

    def enough():
        state["count"] = provider.received()
        return state["count"] >= expected

    try:
        wait_until(enough, what, seconds)
    except Failure as failure:
        raise Failure(f"{what}: {state['count']} of {expected} after {seconds} s") from failure


def missing():
    """Why the cases can't run here; None when they can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    for binary in (RPCTEE, PROVIDER, CONSUMER):
        if not os.access(binary, os.X_OK):
            raise Failure(f"{binary} is not built")
    return None


def run_case(lab, function, name):
    try:
        detail = function(lab)
        print(f"PASS {name}" + (f" ({detail})" if detail else ""), flush=True)
        return True
    except Skip as skip:
        print(f"SKIP {name}: {skip}", flush=True)
        return True
    except Failure as failure:
        print(f"FAIL {name}: {' '.join(str(failure).split())}", flush=True)
    except Exception:  # a case must not take the others with it
        print(f"FAIL {name}: {' | '.join(traceback.format_exc().strip().splitlines()[-4:])}", flush=True)
    finally:
        lab.clean()
    return False


def run():
    """Runs the cases whose name holds one of the command line's words (all without words)."""
    # So that the lab is taken down when the run is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    prefix = pathlib.Path(sys.argv[0]).stem.removeprefix("test_")
    chosen = [(f"{prefix}/{f.__name__}", f) for f in CASES
              if len(sys.argv) == 1 or any(word in f"{prefix}/{f.__name__}" for word in sys.argv[1:])]
    try:
        reason = missing()
        if reason:
            for name, _ in chosen:
                print(f"SKIP {name}: {reason}")
            return 0
        with Lab() as lab:
            return 0 if all([run_case(lab, function, name) for name, function in chosen]) else 1
    except Failure as failure:
        print(f"FAIL {prefix}: {failure}")
        return 1
