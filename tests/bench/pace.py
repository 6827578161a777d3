"""What the agent takes and adds at a given pace: its CPU time, wake-ups, and how much later the mirror gets a request. See
bench.sh."""

import pathlib
import statistics
import sys

from lablib import Agent, Consumer, Provider, check, routes

RUN_SECONDS = 3
WARM_UP_SECONDS = 0.5
ARGUMENT_BYTES = 256
# Of a core, and of milliseconds at the 99th percentile, by share in per cent.
GOALS = {100: {"cpu": 0.03, "delay_ms": 3.0}}


def thread_seconds(process):
    """CPU time of all threads, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{process.popen.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="utf-8").split()[0]) for task in tasks) / 1e9


def context_switches(process):
    """How often a thread of it went to sleep."""
    tasks = pathlib.Path(f"/proc/{process.popen.pid}/task").glob("*/status")
    return sum(int(line.split()[1]) for task in tasks for line in task.read_text(encoding="utf-8").splitlines()
               if line.startswith("voluntary_ctxt_switches"))


def times(path):
    """When each request came, by the hash of its contents."""
    return {request: int(time_ns) for request, time_ns in map(str.split, path.read_text(encoding="utf-8").splitlines())}


def percentile(values, share):
    values = sorted(values)
    return values[min(int(len(values) * share), len(values) - 1)]


def one_run(lab, share, binary, options):
    logs = {role: lab.directory / f"{role}.times" for role in ("v1", "v2")}
    v1, v2 = (Provider(lab, role, "--log-times", path) for role, path in logs.items())
    agent = Agent(lab, routes(share), interfaces=["vethv1"], workers=1, binary=binary)
    load = ("--requests", 0, "--rate", options.rate, "--connections", options.connections, "--bytes", ARGUMENT_BYTES)
    Consumer(lab, *load, "--duration", WARM_UP_SECONDS).result()
    seconds, switches, counters = thread_seconds(agent), context_switches(agent), lab.tap_counters()
    consumer = Consumer(lab, *load, "--first", 10_000_000, "--duration", RUN_SECONDS).result()
    seconds, switches = thread_seconds(agent) - seconds, context_switches(agent) - switches
    wakeups = lab.tap_counters()["wakeups"] - counters["wakeups"]
    ledger = agent.stop()
    v1.stop()
    v2.stop()
    check(consumer["failed"] == 0, f"every answer is right: {consumer}")
    at_v1, at_v2 = (times(path) for path in logs.values())
    delays = [(at_v2[request] - at_v1[request]) / 1e6 for request in at_v2]
    return {"rate": consumer["requests_per_second"], "mirrored": ledger["mirrored"], "delays_ms": delays,
            "ring_full": ledger["ring_full"], "cpu": seconds / consumer["seconds"],
            "sleeps_a_second": switches / consumer["seconds"], "wakeups_a_second": wakeups / consumer["seconds"],
            "primary_p50_us": consumer["latency_p50_us"], "primary_p99_us": consumer["latency_p99_us"]}


def summary(share, name, runs):
    delays = [delay for run in runs for delay in run["delays_ms"]]
    result = {"share": share, "agent": name, "mirrored": sum(run["mirrored"] for run in runs),
              "ring_full": sum(run["ring_full"] for run in runs),
              "delay_p50_ms": percentile(delays, 0.5), "delay_p99_ms": percentile(delays, 0.99)}
    for key in ("rate", "cpu", "sleeps_a_second", "wakeups_a_second", "primary_p50_us", "primary_p99_us"):
        result[key] = statistics.median(run[key] for run in runs)
    goal = GOALS.get(share)
    if goal:
        result["met"] = result["cpu"] <= goal["cpu"] and result["delay_p99_ms"] <= goal["delay_ms"]
    return result


def measure_pace(lab, rounds, options):
    """Each share with this build's agent and, where one is named, with another's, in turn."""
    agents = {"this": None} | ({"other": options.beside} if options.beside else {})
    runs = {(share, name): [] for share in options.shares for name in agents}
    for number in range(rounds):
        for share in options.shares:
            for name in list(agents)[::1 if number % 2 == 0 else -1]:
                run = one_run(lab, share, agents[name], options)
                runs[share, name].append(run)
                print(f"  round {number + 1}, {share} %, {name}: {run['cpu']:.2%} of a core, delay p99 "
                      f"{percentile(run['delays_ms'], 0.99):.2f} ms", file=sys.stderr)
                lab.clean()
    return {"rounds": rounds, "seconds": RUN_SECONDS, "connections": options.connections,
            "cases": [summary(share, name, lines) for (share, name), lines in runs.items()]}


def print_pace(result):
    print(f"\nRequests one at a time on {result['connections']} connections at a pace, one worker; medians of "
          f"{result['rounds']} runs of {result['seconds']} s each. Delay: from v1's reading a request to v2's")
    print(f"{'mirrored':>9} {'agent':6} {'requests/s':>10} {'CPU':>7} {'sleeps/s':>9} {'wake-ups/s':>10} {'delay p50':>10} "
          f"{'p99 ms':>7} {'primary p50':>11} {'p99 us':>8}")
    for case in result["cases"]:
        goal = "" if "met" not in case else "  goals met" if case["met"] else "  goals NOT MET"
        print(f"{case['share']:7g} % {case['agent']:6} {case['rate']:10.0f} {case['cpu']:7.2%} {case['sleeps_a_second']:9.0f} "
              f"{case['wakeups_a_second']:10.0f} {case['delay_p50_ms']:10.2f} {case['delay_p99_ms']:7.2f} "
              f"{case['primary_p50_us']:11.0f} {case['primary_p99_us']:8.0f}{goal}"
              + (f"  {case['ring_full']} ring_full" if case["ring_full"] else ""))
