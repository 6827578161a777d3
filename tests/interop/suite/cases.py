"""The cases, and what must hold after each of them."""

import dataclasses
import math

from . import lab, routes
from .programs import NPM_PACKAGES, Agent, Failure, Received, expect, expect_same, settled, wait_until

# A correct build leaves this interval once in a thousand cases.
CONFIDENCE = 0.999
# For a provider on a busy machine to get to the last call.
ARRIVAL_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    scenario: str
    calls: int
    threads: int
    percent: float = 100
    serialization: str = "hessian2"
    rules: routes.Rules = routes.EVERYTHING


def by_fields(serialization, rules=routes.BY_FIELDS):
    """72 different calls, each ten times, of which the rules choose some."""
    return Case(f"fields-{serialization}", "tenants", 720, 4, serialization=serialization, rules=rules)


SHARE_100 = Case("share-100", "calls", 20_000, 8)
SIZES = Case("sizes", "sizes", 82, 2)
CASES = (
    SHARE_100,
    Case("share-50", "calls", 20_000, 8, 50),
    Case("share-0.5", "calls", 20_000, 8, 0.5),
    SIZES,
    Case("one-way", "oneway", 5_000, 4),
    Case("threads-50", "threads50", 5_000, 50),
)
RELOAD = Case("routes-reloaded", "calls", 2_000, 4)
COMPACTED = by_fields("compactedjava", routes.BY_FIELDS_OF_TEXT)
FIELDS_2_7 = tuple(map(by_fields, ("hessian2", "native-hessian", "fastjson", "gson", "java", "nativejava"))) + (COMPACTED,)
FIELDS_3 = tuple(map(by_fields, ("hessian2", "fastjson2", "fastjson", "gson", "java", "nativejava"))) + (COMPACTED,)


def all_of(serialization, scenario="tenants"):
    """The same calls; only a rule without conditions applies to all of them."""
    return Case(f"all-{serialization}", scenario, 720, 4, serialization=serialization)


# Not read by rpctee: only rules without conditions apply, and copies have no mark. Avro can't write objects whose fields
# are null, and protobuf has messages alone.
UNREAD_3 = (*map(all_of, ("kryo", "fst", "protostuff", "msgpack")), all_of("avro", "calls"))
UNREAD = (by_fields("kryo", routes.BY_FIELDS_UNREAD), *UNREAD_3, all_of("kryo2"), all_of("protobuf", "messages"))
PROTOBUF_JSON = Case("fields-protobuf-json", "messages", 720, 4, serialization="protobuf-json",
                     rules=routes.BY_FIELDS_OF_MESSAGES)

# A client of npm has no one-way calls and writes hessian2 alone.
NPM = (Case("calls", "calls", 2_000, 8), by_fields("hessian2"))

# (consumer, provider, cases). Pairs with the same provider stand together: it is started once for them.
PAIRS = (
    ("2.7", "2.7", CASES + (RELOAD,) + FIELDS_2_7 + (PROTOBUF_JSON,) + UNREAD),
    ("dubbo2.js", "2.7", NPM),
    ("3", "3", CASES + FIELDS_3 + UNREAD_3),
    ("2.7", "3", (SHARE_100, SIZES, by_fields("java"))),
    ("apache-dubbo-js", "3", NPM),
)


def needs(consumer):
    """Which of the builds a pair with this consumer takes."""
    return ("java", "node") if consumer in NPM_PACKAGES else ("java",)


@dataclasses.dataclass
class Run:
    """What one run of a scenario left."""

    answers: bytes
    v1: Received
    v2: Received


class Stage:
    """The running programs of a pair, and the runs without rpctee that others are compared with."""

    def __init__(self, consumer, v1, v2, work, binary):
        self.consumer, self.v1, self.v2 = consumer, v1, v2
        self.work, self.binary = work, binary
        self._v2_before = None
        self._direct = {}

    def direct(self, case):
        """The run without rpctee, made once for each scenario."""
        key = (case.scenario, case.calls, case.threads, case.serialization)
        if key not in self._direct:
            run = self._run(case)
            expect(run.v1.total == case.calls, f"v1 received {run.v1.total} of {case.calls} calls")
            expect(run.v2.total == 0, f"v2 received {run.v2.total} calls without rpctee")
            self._direct[key] = run
        return self._direct[key]

    def mirrored(self, case):
        """The same run with the agent on the node, the agent's final ledger, and the tap program's counters."""
        with Agent(self.binary, case.rules, case.percent, self.work) as agent:
            agent.wait_ready()
            run = self._run(case)
            counters = agent.tap_counters()
            ledger = agent.final_ledger()
        # One-way copies are sent long before a busy v2 has got to them.
        wait_until(lambda: self.v2.received().since(self._v2_before).total >= ledger["sent"], ARRIVAL_SECONDS,
                   f"v2's receipt of {ledger['sent']} copies")
        (v2,) = settled(self.v2)
        run = dataclasses.replace(run, v2=v2.since(self._v2_before))
        return run, ledger, counters

    def reloaded(self, case):
        """Nothing is mirrored at 0 %; after the routes file has changed to 100 %, everything is."""
        with Agent(self.binary, case.rules, 0, self.work) as agent:
            agent.wait_ready()
            run = self._run(case)
            expect(run.v2.total == 0, f"v2 received {run.v2.total} calls at 0 %")
            applied = agent.log().count("routes: ")
            agent.share(case.percent)
            wait_until(lambda: agent.log().count("routes: ") > applied, 5, "reload of the changed routes")
            return self._run(case), agent.final_ledger()

    def _run(self, case):
        v1_before, self._v2_before = settled(self.v1, self.v2)
        out = self.work / f"{case.name}.answers"
        failed = self.consumer.run(case, out)
        expect(failed == 0, f"{failed} of {case.calls} calls failed, see {out}")
        wait_until(lambda: self.v1.received().since(v1_before).total >= case.calls, ARRIVAL_SECONDS,
                   f"v1's receipt of {case.calls} calls")
        v1, v2 = settled(self.v1, self.v2)
        return Run(out.read_bytes(), v1.since(v1_before), v2.since(self._v2_before))


def run_case(stage, case):
    """Returns a line on what was seen; raises Failure."""
    direct = stage.direct(case)
    if case is RELOAD:
        run, ledger = stage.reloaded(case)
        check_primary(run, direct)
        check_same_calls(case, run)
        expect(ledger["balanced"], f"the ledger does not balance: {ledger}")
        return f"v2 {run.v2.total} of {run.v1.total} after the change"
    run, ledger, counters = stage.mirrored(case)
    check_primary(run, direct)
    try:
        check_ledger(case, run, ledger)
        return check_copies(case, run)
    except Failure as failure:
        raise Failure(f"{failure}; the tap counted {counters}") from failure


def check_copies(case, run):
    """v2 received its share; returns a line on what was seen."""
    if case.percent == 100:
        check_same_calls(case, run)
        return f"v2 {run.v2.total} of {run.v1.total}"
    low, high = binomial_interval(run.v1.total, case.percent / 100)
    expect(low <= run.v2.total <= high, f"v2 received {run.v2.total} of {run.v1.total}, outside {low}..{high}")
    return f"v2 {run.v2.total} of {run.v1.total}, inside {low}..{high}"


def check_primary(run, direct):
    """The consumer and v1 can't tell that rpctee was there."""
    expect(run.answers == direct.answers, "the consumer's answers differ from those without rpctee")
    expect(b"from v2" not in run.answers, "the consumer saw an answer of v2")
    expect_same(run.v1.kinds, direct.v1.kinds, "what v1 received")
    expect(set(run.v1.peers) == {lab.CONSUMER_ADDRESS}, f"v1 was called by {run.v1.peers}")


def check_same_calls(case, run):
    """v2 received each of v1's calls that the rules choose once, with the same arguments, and no other."""
    chosen = {kind: tally for kind, tally in run.v1.kinds.items() if case.rules.chooses(kind)}
    expect_same({kind: tally.calls for kind, tally in run.v2.kinds.items()},
                {kind: tally.calls for kind, tally in chosen.items()}, "v2's calls by kind")
    expect_same(run.v2.kinds, chosen, "v2's digests of methods and arguments")
    expect(set(run.v2.peers) <= {lab.NODE_ADDRESS}, f"v2 was called by {run.v2.peers}")


def check_ledger(case, run, ledger):
    expect(ledger["balanced"], f"the ledger does not balance: {ledger}")
    expect_same(ledger["seen"], run.v1.total, "the ledger's seen")
    for name in ("mirrored", "copies", "sent"):
        expect_same(ledger[name], run.v2.total, f"the ledger's {name}")
    unmarked = run.v2.total if case in UNREAD else 0
    expect_same(ledger["unmarked"], unmarked, "the ledger's unmarked")
    expect_same(ledger["answered_ok"] + ledger["oneway_sent"], run.v2.total, "answered_ok + oneway_sent")
    expect_same(ledger["oneway_sent"], run.v2.calls("fire"), "the ledger's oneway_sent")
    expect_same(ledger[case.rules.otherwise], run.v1.total - run.v2.total, f"the ledger's {case.rules.otherwise}")


def binomial_interval(n, p):
    """The counts between which a binomial(n, p) falls with the probability CONFIDENCE, equal tails."""

    def probability(k):
        return math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p)
                        + (n - k) * math.log1p(-p))

    def tail(counts):
        total = 0.0
        for k in counts:
            total += probability(k)
            if total > (1 - CONFIDENCE) / 2:
                return k
        raise ValueError("no such tail")

    return tail(range(n + 1)), tail(range(n, -1, -1))
