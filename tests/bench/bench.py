#!/usr/bin/env python3
"""What rpctee costs: nanoseconds a packet in the kernel, requests a second of a saturated pair, the agent at a given pace,
and the relay beside a loop that only copies. See bench.sh."""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))
from lablib import ADDRESSES, BUILD, PORT, Agent, Consumer, Failure, Lab, Process, Provider, check, routes  # noqa: E402
from pace import measure_pace, print_pace  # noqa: E402

KERNEL_BENCH = BUILD / "tests/bench/rpctee-bench-kernel"
RELAY_BENCH = BUILD / "tests/bench/rpctee-bench-relay"
EMPTY_PROGRAM = BUILD / "tests/bench/rpctee-bench-empty"
KERNEL_ROUNDS = 12
RPS_ROUNDS = 8
RELAY_ROUNDS = 10
PACE_ROUNDS = 4
PACE_RATE = 10_000
PACE_CONNECTIONS = 32
SHARES = (0.1, 1, 100)
RUN_SECONDS = 1
SETTLE_SECONDS = 0.3  # before each run: what starts has its costs of starting
# As many different arguments as a provider remembers: until then each request costs it more than the one before.
WARM_UP_REQUESTS = 1_000_000
# (connections, unanswered requests on each). Each keeps both cores busy. Many connections of depth 1 are what
# applications do; deep pipelines make the cheapest requests, of which the tap is the largest part.
LOADS = ((64, 1), (4, 32))
# What the interface carries beside the traffic: nothing, an empty program in both directions, or else the agent.
NOTHING, EMPTY = "nothing", "empty"
ARGUMENT_BYTES = 256
# The whole bench runs before everything else on the machine, so that programs of others disturb it less. What it starts
# inherits that, so it stays fair between the parts of the bench. A session has a scheduling group of its own
# (sched_autogroup), within which alone nice counts; the group has its own.
NICE = -20
# The goals of the design, net of an empty program.
GOALS_NS = {"packet that is not for an endpoint": 60, "packet with one unsampled 256 B request": 250,
            "each further unsampled request in a packet": 60, "packet with one sampled 256 B request": 450,
            "each byte of sampled bulk above the first KiB": 0.35}
# Requests a second with the agent, of those with an empty program at the same place; by share in per cent.
GOALS_RATIO = {0.1: 0.98, 1: 0.97}
# Of the relay, by bytes a request: what, least or most, goal.
GOALS_RELAY = {256: (("requests_a_second", "least", 1e6), ("cpu_us", "most", 0.8), ("of_copy", "least", 0.5)),
               4096: (("gigabytes_a_second", "least", 2.0), ("of_copy", "least", 0.5))}


def cluster(name, address, port):
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}]}]}


def mirrored_route(name, port, millionths):
    fraction = {"default_value": {"numerator": millionths, "denominator": "MILLION"}}
    return {"name": f"bench.{name}_{port}", "routes": [{"name": "all", "route": {
        "cluster": name, "request_mirror_policies": [{"cluster": "mirror", "runtime_fraction": fraction}]}}]}


def kernel_routes():
    """Two ports of v1 with their shares. Nothing listens at the mirror: the copies are not what is measured."""
    v1, v2 = ADDRESSES["v1"][0], ADDRESSES["v2"][0]
    documents = [mirrored_route("sampled", PORT, 1_000_000), mirrored_route("unsampled", PORT + 1, 1),
                 cluster("sampled", v1, PORT), cluster("unsampled", v1, PORT + 1), cluster("mirror", v2, PORT)]
    return "".join(f"---\n{json.dumps(document)}\n" for document in documents)


def spread(values):
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": middle, "low": low, "high": high}


def summary(rounds):
    """One case from its rounds."""
    tap = [r["tap_ns"] / r["tap_runs"] for r in rounds]
    empty = [r["empty_ns"] / r["empty_runs"] for r in rounds]
    total = {"packets": sum(r["tap_runs"] for r in rounds)}
    for counter in ("seen", "endpoint_bytes", "sampled", "wakeups", "ring_full", "parts_lost", "gaps", "no_payload"):
        total[counter] = sum(r["counters"].get(counter, 0) for r in rounds)
    return {"case": rounds[0]["case"], **total, "tap_ns": spread(tap), "empty_ns": spread(empty),
            "net_ns": spread([t - e for t, e in zip(tap, empty)])}


def against_goals(cases):
    """The figures that the design sets goals for, from the cases in their order of rpctee-bench-kernel."""
    other, one, many, _, sampled, _, bulk, _ = cases
    net = [case["net_ns"]["median"] for case in (other, one, many, sampled, bulk)]
    further = (net[2] - net[1]) / max(many["seen"] / many["packets"] - 1, 1)
    bulk_bytes = bulk["endpoint_bytes"] / bulk["packets"]
    figures = [net[0], net[1], further, net[3], (net[4] - net[3]) / max(bulk_bytes - 1024, 1)]
    return [{"what": what, "ns": ns, "goal_ns": goal, "met": ns <= goal}
            for (what, goal), ns in zip(GOALS_NS.items(), figures)]


def measure_kernel(lab, hook, rounds):
    agent = Agent(lab, kernel_routes(), interfaces=["vethv1"], attach=hook)
    command = [KERNEL_BENCH, "--address", ADDRESSES["v1"][0], "--pins", lab.pin_directory, "--rounds", rounds]
    for end, role in (("sender", "consumer"), ("receiver", "v1"), ("node", "node")):
        command += [f"--{end}-namespace", f"/run/netns/rpctee-{role}-{lab.id}"]
    bench = Process(lab, "node", "kernel-bench", command + (["--tcx"] if hook == "tcx" else []))
    output, _ = bench.popen.communicate(timeout=30 + 5 * rounds)
    check(bench.popen.returncode == 0, bench.log().strip())
    by_case = {}
    for line in map(json.loads, output.splitlines()):
        by_case.setdefault(line["case"], []).append(line)
    ledger = agent.stop()
    cases = [summary(lines) for lines in by_case.values()]
    return {"hook": hook, "rounds": rounds, "cases": cases, "goals": against_goals(cases), "ledger": ledger}


def print_kernel(result):
    print(f"\nThe tap beside an empty program, both by {result['hook']}, {result['rounds']} rounds; ns as medians, "
          "[quartiles]")
    print(f"{'case':41} {'packets':>8} {'requests':>8} {'tap':>7} {'empty':>6} {'net a packet':>22} {'a request':>9} "
          f"{'a byte':>7} {'wake-ups':>8}")
    for case in result["cases"]:
        net = case["net_ns"]
        middle = f"{net['median']:.0f} [{net['low']:.0f}..{net['high']:.0f}]"
        request = f"{net['median'] * case['packets'] / case['seen']:.0f}" if case["seen"] else "-"
        byte = f"{net['median'] * case['packets'] / case['endpoint_bytes']:.3f}" if case["endpoint_bytes"] else "-"
        print(f"{case['case']:41} {case['packets']:8} {case['seen']:8} {case['tap_ns']['median']:7.0f} "
              f"{case['empty_ns']['median']:6.0f} {middle:>22} {request:>9} {byte:>7} {case['wakeups']:8}")
        lost = case["ring_full"] + case["parts_lost"] + case["gaps"]
        if lost:
            print(f"  {lost} of these were lost (ring_full {case['ring_full']}, parts_lost {case['parts_lost']}, gaps "
                  f"{case['gaps']}), which makes packets cheaper than they are")
    print(f"{'against the goals':52} {'ns':>7} {'goal':>6}")
    for goal in result["goals"]:
        print(f"  {goal['what']:50} {goal['ns']:7.2f} {goal['goal_ns']:6} {'met' if goal['met'] else 'NOT MET'}")


def cpu_seconds(process):
    """User and system time of a process, all threads, to a clock tick."""
    fields = pathlib.Path(f"/proc/{process.popen.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_seconds():
    """(busy, idle) seconds of all cores. Busy includes what the host took away."""
    with open("/proc/stat", encoding="utf-8") as stat:
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq + steal) / tick, (idle + iowait) / tick


def place(lab, variant):
    """What is attached to v1's interface for one run."""
    if variant == NOTHING:
        return None
    if variant == EMPTY:
        empty = Process(lab, "node", "empty", [EMPTY_PROGRAM, "--interface", "vethv1"])
        empty.wait_for_log("attached")
        return empty
    return Agent(lab, routes(variant), interfaces=["vethv1"])


def one_run(lab, providers, load, variant):
    """RUN_SECONDS of load with `variant` in place: NOTHING, EMPTY or the share in per cent that an agent mirrors."""
    placed = place(lab, variant)
    Consumer(lab, *load, "--duration", SETTLE_SECONDS).result()
    running = [*providers, *([placed] if placed else [])]
    before, machine = {p.name: cpu_seconds(p) for p in running}, machine_seconds()
    consumer = Consumer(lab, *load, "--duration", RUN_SECONDS)
    started = os.times()
    result = consumer.result()
    ended = os.times()
    cpu = {p.name: cpu_seconds(p) - before[p.name] for p in running}
    cpu["consumer"] = ended.children_user + ended.children_system - started.children_user - started.children_system
    busy, idle = (now - then for now, then in zip(machine_seconds(), machine))
    ledger = None
    if variant == EMPTY:
        placed.end()
    elif placed:
        ledger = placed.stop()
    check(result["failed"] == 0 and result["ok"] == result["requests"], f"every answer is right: {result}")
    return {"rps": result["requests_per_second"], "requests": result["requests"], "cpu_seconds": cpu,
            # All parts together: packets of the primary are also handled in the mirror's time and in the agent's.
            "cpu_us_per_request": sum(cpu.values()) / result["requests"] * 1e6,
            "others_busy": max(0.0, busy - sum(cpu.values())) / (busy + idle), "idle": idle / (busy + idle),
            "ledger": ledger}


def ratio(rounds, variant, base, key="rps"):
    """Of a variant to another one, round by round."""
    return spread([runs[variant][key] / runs[base][key] for runs in rounds])


def share_summary(share, rounds):
    agents = [runs[share] for runs in rounds]
    ledger = {key: sum(run["ledger"].get(key, 0) for run in agents)
              for key in agents[0]["ledger"] if isinstance(agents[0]["ledger"][key], int)
              and not isinstance(agents[0]["ledger"][key], bool)}
    cpu = sum(run["cpu_seconds"]["agent"] for run in agents)
    return {"share": share, "rps": spread([run["rps"] for run in agents]), "goal": GOALS_RATIO.get(share),
            "of_empty": ratio(rounds, share, EMPTY), "of_nothing": ratio(rounds, share, NOTHING),
            "cpu_of_nothing": ratio(rounds, share, NOTHING, "cpu_us_per_request"),
            "agent_cpu_seconds": cpu, "agent_cpu_share": cpu / (len(rounds) * RUN_SECONDS),
            "agent_cpu_us_per_mirrored": cpu / ledger["mirrored"] * 1e6 if ledger.get("mirrored") else None,
            "mirror_cpu_seconds": sum(run["cpu_seconds"]["v2"] for run in agents), "ledger": ledger}


def measure_load(lab, providers, rounds, connections, depth, shares):
    load = ("--connections", connections, "--depth", depth, "--bytes", ARGUMENT_BYTES)
    variants = (NOTHING, EMPTY, *shares)
    measured = []
    for number in range(rounds):
        # One way, then the other: what drifts with time falls out.
        order = variants if number % 2 == 0 else variants[::-1]
        runs = {variant: one_run(lab, providers, ("--requests", 0, *load), variant) for variant in order}
        measured.append(runs)
        print(f"  {connections} x {depth}, round {number + 1}, thousand requests/s: "
              + ", ".join(f"{variant} {runs[variant]['rps'] / 1e3:.0f}" for variant in variants), file=sys.stderr)
    return {"connections": connections, "depth": depth,
            "nothing": spread([runs[NOTHING]["rps"] for runs in measured]),
            "empty_of_nothing": ratio(measured, EMPTY, NOTHING),
            "others_busy": max(run["others_busy"] for runs in measured for run in runs.values()),
            "idle": max(run["idle"] for runs in measured for run in runs.values()),
            "shares": [share_summary(share, measured) for share in shares]}


def measure_rps(lab, rounds, options):
    loads = LOADS if not options.connections else ((options.connections, options.depth),)
    providers = [Provider(lab, "v1"), Provider(lab, "v2")]
    warm_up = ("--requests", WARM_UP_REQUESTS, "--connections", 4, "--depth", 32, "--bytes", ARGUMENT_BYTES)
    for role in ("v1", "v2"):
        Consumer(lab, *warm_up, to=role).result()
    result = {"rounds": rounds, "seconds": RUN_SECONDS,
              "loads": [measure_load(lab, providers, rounds, *load, options.shares) for load in loads]}
    for provider in providers:
        provider.stop()
    return result


def ratio_text(spread_of):
    return f"{spread_of['median']:.3f} [{spread_of['low']:.3f}..{spread_of['high']:.3f}]"


def print_rps(result):
    print("\nRequests a second of a consumer and v1 on all cores, in turn with nothing at v1's interface, an empty "
          f"program, and the agent;\n{result['rounds']} rounds of {result['seconds']} s each, medians of the rounds' "
          "ratios [quartiles]. The goals are net of the empty program")
    for load in result["loads"]:
        print(f"{load['connections']} connections with {load['depth']} unanswered requests each: "
              f"{load['nothing']['median']:,.0f}/s with nothing there; with an empty program "
              f"{ratio_text(load['empty_of_nothing'])} of that\n"
              f"    at most {load['others_busy']:.0%} of the machine was busy with other things, {load['idle']:.0%} "
              "idle")
        for share in load["shares"]:
            goal = "" if share["goal"] is None else f"; goal {share['goal']}: " + (
                "met" if share["of_empty"]["median"] >= share["goal"] else "NOT MET")
            print(f"  {share['share']} %: {share['rps']['median']:,.0f}/s; of the empty program's "
                  f"{ratio_text(share['of_empty'])}{goal}; of nothing's {ratio_text(share['of_nothing'])}")
            print("    CPU of consumer, v1, agent and mirror for a request: "
                  f"{ratio_text(share['cpu_of_nothing'])} of that with nothing there")
            each = share["agent_cpu_us_per_mirrored"]
            print(f"    the agent took {share['agent_cpu_seconds']:.2f} CPU s ({share['agent_cpu_share']:.1%} of a core)"
                  + (f", {each:.2f} us for each mirrored request" if each else "")
                  + f"; the mirror itself took {share['mirror_cpu_seconds']:.2f}")
            print("    ledger: " + ", ".join(f"{name} {count}" for name, count in share["ledger"].items() if count))


def relay_case(rounds):
    """One case from its rounds."""
    size, answered = rounds[0]["request_bytes"], sum(r["answered"] for r in rounds)
    rate = spread([r["answered"] / r["relay"]["wall_ns"] * 1e9 for r in rounds])
    copy_rate = spread([r["copied_bytes"] / r["copy"]["wall_ns"] for r in rounds])
    cpu = spread([r["relay"]["cpu_ns"] / r["answered"] / 1e3 for r in rounds])
    copy_cpu = spread([r["copy"]["cpu_ns"] / r["copied_bytes"] * size / 1e3 for r in rounds])
    bytes_a_second = [r["answered"] * size / r["relay"]["wall_ns"] for r in rounds]
    ratio = spread([ours / (r["copied_bytes"] / r["copy"]["wall_ns"]) for ours, r in zip(bytes_a_second, rounds)])
    case = {"case": rounds[0]["case"], "request_bytes": size, "answered": answered,
            "dropped": sum(r["copies"] for r in rounds) - answered, "requests_a_second": rate, "cpu_us": cpu,
            "gigabytes_a_second": spread(bytes_a_second), "copy_gigabytes_a_second": copy_rate, "copy_cpu_us": copy_cpu,
            "of_copy": ratio, "cpu_of_copy": cpu["median"] / copy_cpu["median"]}
    case["goals"] = [{"what": what, "goal": goal,
                      "met": case[what]["median"] >= goal if side == "least" else case[what]["median"] <= goal}
                     for what, side, goal in GOALS_RELAY[size]]
    return case


def measure_relay(rounds):
    done = subprocess.run([RELAY_BENCH, "--rounds", str(rounds)], capture_output=True, text=True, check=False,
                          timeout=60 + 10 * rounds)
    check(done.returncode == 0, done.stderr.strip())
    by_case = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            measured = json.loads(line)
            by_case.setdefault(measured["case"], []).append(measured)
    return {"rounds": rounds, "cases": [relay_case(lines) for lines in by_case.values()]}


def print_relay(result):
    print("\nOne worker on a CPU of its own, from the full ring to the mirror's answer, beside a loop that receives and "
          f"sends the same bytes;\n{result['rounds']} rounds of each in turn, medians [quartiles]. Left out: waking up, "
          "and packets that come in meanwhile")
    print(f"{'case':36} {'requests/s':>32} {'GB/s':>6} {'of the copy':>20} {'CPU us each':>12} {'copy':>6} {'dropped':>8}")
    for case in result["cases"]:
        rate, ratio = case["requests_a_second"], case["of_copy"]
        rates = f"{rate['median']:,.0f} [{rate['low']:,.0f}..{rate['high']:,.0f}]"
        ratios = f"{ratio['median']:.2f} [{ratio['low']:.2f}..{ratio['high']:.2f}]"
        print(f"{case['case']:36} {rates:>32} {case['gigabytes_a_second']['median']:6.2f} {ratios:>20} "
              f"{case['cpu_us']['median']:12.3f} {case['copy_cpu_us']['median']:6.3f} {case['dropped']:8}")
    print("against the goals")
    for case in result["cases"]:
        for goal in case["goals"]:
            print(f"  {case['case']:36} {goal['what']:20} {case[goal['what']]['median']:14,.2f} {goal['goal']:14,.2f} "
                  f"{'met' if goal['met'] else 'NOT MET'}")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "unknown")
    return {"kernel": os.uname().release, "cpu": model, "cores": os.cpu_count(), "load": os.getloadavg()[0]}


def take_precedence():
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    with contextlib.suppress(OSError):  # no autogroups, or a session of our own already
        os.setsid()
        pathlib.Path("/proc/self/autogroup").write_text(str(NICE), encoding="utf-8")


def arguments():
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__)
    parser.add_argument("what", choices=("kernel", "rps", "pace", "relay", "all"))
    parser.add_argument("--rounds", type=int, help=f"default: {KERNEL_ROUNDS} (kernel), {RPS_ROUNDS} (rps), "
                        f"{PACE_ROUNDS} (pace), {RELAY_ROUNDS} (relay)")
    parser.add_argument("--hook", choices=("clsact", "tcx", "both"), default="both", help="kernel: how to attach")
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES, help="rps, pace: shares to mirror, in per cent")
    parser.add_argument("--connections", type=int, help="default: "
                        + " and ".join(f"{count} x depth {depth}" for count, depth in LOADS)
                        + f" (rps), {PACE_CONNECTIONS} (pace)")
    parser.add_argument("--depth", type=int, default=1,
                        help="rps, with --connections: unanswered requests on each connection, default 1")
    parser.add_argument("--rate", type=float, default=PACE_RATE, help="pace: requests a second")
    parser.add_argument("--beside", type=pathlib.Path, help="pace: the rpctee of another build, measured in turn")
    parser.add_argument("-o", dest="output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    if options.rounds is not None and not 1 <= options.rounds <= 1000:
        parser.error("--rounds: from 1 to 1000")
    if not all(0 < share <= 100 for share in options.shares):
        parser.error("--shares: above 0, up to 100")
    return options


def bench(options):
    text = options.output == "text"
    result = {"machine": machine()}
    if text:
        print("{kernel}, {cores} cores, {cpu}, load {load:.1f}".format(**result["machine"]))
    started = time.monotonic()
    take_precedence()
    if options.what in ("relay", "all"):
        result["relay"] = measure_relay(options.rounds or RELAY_ROUNDS)
        if text:
            print_relay(result["relay"])
    with Lab() as lab:
        if options.what in ("kernel", "all"):
            result["kernel"] = []
            for hook in ("clsact", "tcx") if options.hook == "both" else (options.hook,):
                result["kernel"].append(measure_kernel(lab, hook, options.rounds or KERNEL_ROUNDS))
                if text:
                    print_kernel(result["kernel"][-1])
            lab.clean()
        if options.what in ("rps", "all"):
            result["rps"] = measure_rps(lab, options.rounds or RPS_ROUNDS, options)
            if text:
                print_rps(result["rps"])
        if options.what in ("pace", "all"):
            options.connections = options.connections or PACE_CONNECTIONS
            result["pace"] = measure_pace(lab, options.rounds or PACE_ROUNDS, options)
            if text:
                print_pace(result["pace"])
    result["seconds"] = round(time.monotonic() - started, 1)
    print(f"\n{result['seconds']} s" if text else json.dumps(result))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        bench(arguments())
    except Failure as failure:
        sys.exit(f"bench: {failure}")


if __name__ == "__main__":
    main()
