"""Which Thrift programs the cases put together, and what must hold after each of them."""

import collections
import dataclasses
import pathlib
import subprocess

from . import lab, routes, thrift_calls
from .programs import Agent, Failure, expect, expect_same, wait_until

BUILT = lab.ROOT / "build/interop/thrift"
NODE_MODULES = lab.ROOT / "build/interop/node/node_modules"
PROGRAMS = {"cpp": [BUILT / "cpp/peer"], "py": ["python3", BUILT / "py/peer.py"],
            "node": ["env", f"NODE_PATH={NODE_MODULES}", "node", BUILT / "js/peer.js"]}
SERVERS = tuple((language, server) for language in ("cpp", "py") for server in
                ("simple", "threaded", "pool", "nonblocking")) + (("node", "node"),)
# (protocol, name to multiplex by), in turn.
FORMS = {"framed": (("binary", "-"), ("compact", "-"), ("binary", "Demo"), ("compact", "Demo")),
         "buffered": (("binary", "-"), ("compact", "-"), ("compact", "Demo"), ("binary", "Demo")),
         "header": (("binary", "-"), ("compact", "-"))}
RUN_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class ThriftCase:
    client: str
    v1: tuple
    v2: tuple
    transport: str
    protocol: str
    service: str

    @property
    def name(self):
        peers = "-".join(["-".join(self.v1), "mirror", *self.v2])
        multiplexed = "" if self.service == "-" else "-multiplexed"
        return f"interop/thrift/{self.transport}-{self.protocol}{multiplexed}/{self.client}-to-{peers}"

    @property
    def needs(self):
        return ("thrift", "node") if "node" in (self.client, self.v1[0], self.v2[0]) else ("thrift",)

    @property
    def connections(self):
        return 1 if self.v1[1] == "simple" else 3  # a simple server serves one at a time

    @property
    def calls(self):
        # Python's nonblocking server stops reading a connection for good when 8 KiB wait there and a call ends with them.
        # A client never lets so much wait; copies do, as they are sent without waiting for answers.
        return thrift_calls.short_calls() if self.v2 == ("py", "nonblocking") else thrift_calls.calls()

    @property
    def rules(self):
        """Everything but `add`; a multiplexed call is also chosen by its service."""
        condition = {"method": ("regex", "sayHello|echoBytes|reprice|refuse|fire")}
        if self.service != "-":
            condition["interface"] = ("exact", self.service)
        return routes.Rules((condition,), "(?!add$).*", "no_route")


def offers(peer, transport):
    """Not all servers can be had with all transports."""
    language, server = peer
    if server == "nonblocking":
        return transport == "framed"
    return language != "node" or transport != "header"


def _cases():
    """Each server with each transport is v1 once and v2 once, and each language calls over each transport."""
    for transport, forms in FORMS.items():
        servers = [peer for peer in SERVERS if offers(peer, transport)]
        clients = list(dict.fromkeys(language for language, _ in servers))
        for number, v1 in enumerate(servers):
            v2 = servers[(number + len(servers) // 2) % len(servers)]
            yield ThriftCase(clients[(number + 1) % len(clients)], v1, v2, transport, *forms[number % len(forms)])


CASES = tuple(_cases())


class Server(lab.Process):
    def __init__(self, case, place, peer, address, work):
        self.calls = work / f"{place}.calls"
        self.calls.unlink(missing_ok=True)
        self._address = address
        language, server = peer
        super().__init__(place, [*PROGRAMS[language], "server", address, routes.PORT, server, case.transport,
                                 case.protocol, case.service, place, self.calls], work / f"{place}.log")

    def wait_ready(self):
        def listens():
            expect(self.running(), f"{self.log_path} ended: {self.log()[-500:]}")
            sockets = subprocess.run(["nsenter", f"--net=/proc/{self.child.pid}/ns/net", "ss", "-Hltn"],
                                     stdout=subprocess.PIPE, text=True, check=True).stdout
            return f"{self._address}:{routes.PORT}" in sockets

        wait_until(listens, RUN_SECONDS, f"start of {self.log_path}")

    def received(self):
        """The calls in the order in which they were executed."""
        if not self.calls.exists():
            return []
        text = self.calls.read_text(encoding="ascii")
        return [line.rstrip() for line in text[:text.rfind("\n") + 1].splitlines()]


def call(case, work, name):
    """The client's answers to all calls, one a line."""
    answers = work / f"{name}.answers"
    answers.unlink(missing_ok=True)
    with lab.Process("consumer", [*PROGRAMS[case.client], "client", lab.V1_ADDRESS, routes.PORT, case.transport,
                                  case.protocol, case.service, case.connections, work / "calls", answers],
                     work / f"{name}.log") as client:
        wait_until(lambda: not client.running(), RUN_SECONDS, f"end of {client.log_path}")
        expect(client.child.returncode == 0, f"the client ended with {client.child.returncode}: {client.log()[-500:]}")
    return answers.read_text(encoding="ascii").splitlines()


def run_case(case, binary, work, direct_only):
    """Returns a line on what was seen; raises Failure."""
    work = pathlib.Path(work) / "thrift"
    work.mkdir(exist_ok=True)
    calls = case.calls
    (work / "calls").write_text("".join(line + "\n" for line in calls), encoding="ascii")
    with Server(case, "v1", case.v1, lab.V1_ADDRESS, work) as v1, Server(case, "v2", case.v2, lab.V2_ADDRESS, work) as v2:
        v1.wait_ready()
        v2.wait_ready()
        answers = call(case, work, "direct")
        wait_until(lambda: len(v1.received()) >= len(calls), RUN_SECONDS, f"v1's receipt of {len(calls)} calls")
        expect_same(collections.Counter(v1.received()), collections.Counter(calls), "what v1 received without rpctee")
        check_order(case, v1.received(), calls, "v1")
        expect("FAILED" not in answers, "a call failed without rpctee, see direct.answers")
        return f"v1 {len(calls)}" if direct_only else mirrored(case, binary, work, v1, v2, calls, answers)


def mirrored(case, binary, work, v1, v2, calls, direct_answers):
    with Agent(binary, case.rules, 100, work, workers=1) as agent:
        agent.wait_ready()
        answers = call(case, work, "mirrored")
        wait_until(lambda: len(v1.received()) >= 2 * len(calls), RUN_SECONDS, f"v1's receipt of {len(calls)} calls")
        counters = agent.tap_counters()
        ledger = agent.final_ledger()
    try:
        expect(answers == direct_answers, "the client's answers differ from those without rpctee")
        expect_same(collections.Counter(v1.received()[len(calls):]), collections.Counter(calls), "what v1 received")
        chosen = [line for line in calls if case.rules.chooses(thrift_calls.method(line))]
        check_ledger(ledger, calls, chosen)
        wait_until(lambda: len(v2.received()) >= ledger["sent"], RUN_SECONDS, f"v2's receipt of {ledger['sent']} copies")
        check_copies(case, v2.received(), calls, chosen)
    except Failure as failure:
        raise Failure(f"{failure}; the tap counted {counters}, the ledger {ledger}") from failure
    return f"v2 {len(v2.received())} of {len(calls)}"


def check_ledger(ledger, calls, chosen):
    expect(ledger["balanced"], "the ledger does not balance")
    one_way = sum(thrift_calls.method(line) == thrift_calls.ONEWAY for line in chosen)
    expect_same(ledger["seen"], len(calls), "the ledger's seen")
    for name in ("mirrored", "copies", "sent"):
        expect_same(ledger[name], len(chosen), f"the ledger's {name}")
    expect_same(ledger["no_route"], len(calls) - len(chosen), "the ledger's no_route")
    expect_same(ledger["oneway_sent"], one_way, "the ledger's oneway_sent")
    answered = ledger["answered_ok"] + ledger["answered_exception"]
    expect_same(answered, len(chosen) - one_way, "the ledger's answered_ok and answered_exception")


def check_copies(case, received, calls, chosen):
    """v2 received each chosen call once, as it was, and those of one connection in their order."""
    got, want = collections.Counter(received), collections.Counter(chosen)
    missing, surplus = want - got, got - want
    expect(not missing and not surplus, f"v2 lacks {_short(missing)} and has besides {_short(surplus)}")
    check_order(case, received, calls, "v2")


def check_order(case, received, calls, who):
    for number in range(case.connections):
        sent = thrift_calls.of_connection(calls, number, case.connections)
        came = [line for line in received if line in set(sent)]
        expected = [line for line in sent if line in set(received)]
        expect(came == expected, f"{who} received the calls of connection {number} in another order")


def _short(lines):
    return [line[:60] for line in list(lines.elements())[:3]] + ([f"{lines.total()} in all"] if lines.total() > 3 else [])
