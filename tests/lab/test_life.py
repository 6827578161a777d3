#!/usr/bin/env python3
"""The agent's life: routes that change, interfaces that come and go, the end by signal and by kill -9, pinned maps."""

import json
import pathlib
import re
import signal
import subprocess
import sys
import time

from lablib import (RPCTEE, Agent, Consumer, Provider, Skip, case, check, check_equal, routes, run, settle, tail,
                    wait_until)


def clsact_programs(lab, interface):
    text = "".join(lab.run("node", "tc", "filter", "show", "dev", interface, direction)
                   for direction in ("ingress", "egress"))
    return len(re.findall(r"\bid \d+", text))


def mirrors_one_batch(lab, v2, first, **consumer):
    """Sends 200 requests and waits until v2 has 200 more."""
    before = v2.received()
    result = Consumer(lab, "--requests", 200, "--first", first, **consumer).result()
    check_equal(result["ok"], 200, f"right answers ({result})")
    settle(v2, before + 200, "v2 received the batch")
    return v2.received() - before


def programs_loaded():
    """Ids of all loaded tc programs. Others on the machine may load some too, so only differences count."""
    text = subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, text=True, check=True).stdout
    return {program["id"] for program in json.loads(text or "[]") if program.get("type") == "sched_cls"}


@case
def the_percentage_changes_while_running(lab):
    Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    mirrors_one_batch(lab, v2, 0)
    agent.change_routes(routes(0), "routes")
    before = v2.received()
    check_equal(Consumer(lab, "--requests", 500, "--first", 1000).result()["ok"], 500, "right answers")
    time.sleep(0.3)
    check_equal(v2.received() - before, 0, "requests at v2 at 0 %")
    agent.change_routes(routes(100), "routes")
    mirrors_one_batch(lab, v2, 2000)
    agent.stop()


@case
def routes_change_under_load_and_no_request_is_lost(lab):
    v1, v2 = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    consumer = Consumer(lab, "--requests", 0, "--duration", 3, "--rate", 3000, "--depth", 16)
    for percent in (50, 100, 10, 100):
        time.sleep(0.5)
        agent.change_routes(routes(percent), "routes")
    result = consumer.result()
    ledger = agent.stop()
    check_equal((result["ok"], result["failed"]), (result["requests"], 0), f"right answers ({result})")
    check_equal(v1.stop()["received"], result["requests"], "requests at v1")
    check_equal(ledger["seen"], result["requests"], "requests in the ledger")
    check_equal(v2.stop()["received"], ledger["mirrored"], f"requests at v2, as in the ledger ({ledger})")


@case
def a_bad_route_file_is_refused_and_the_last_good_set_stays(lab):
    Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    for bad in ("kind: [unclosed", routes(100).replace("value: 100", "value: many")):
        agent.change_routes(bad, r"routes\.\d+\.yaml:\d+")
        mirrors_one_batch(lab, v2, 1000)
    agent.change_routes(routes(100), "routes")
    mirrors_one_batch(lab, v2, 2000)
    agent.stop()


@case
def a_bad_configuration_stops_the_start_with_file_and_line(lab):
    agent = Agent(lab, routes(100), ready=False, no_such_key=1)
    status = wait_until(agent.popen.poll, "the agent ends")
    check(status > 0, f"exit status {status}")
    check(re.search(r"agent\.\d+\.yaml:\d+:\d+.*no_such_key", agent.log()), f"says where: {tail(agent.log())}")


@case
def interfaces_that_come_are_tapped_within_a_second(lab):
    v2 = Provider(lab, "v2")
    agent = Agent(lab, routes(100, pods={"v1": ("10.44.0.13", "fd44::13"), "v2": ("10.44.0.12", "fd44::12")}))
    for round_number in range(3):
        lab.add_pod("new", 13)
        wait_until(lambda: "fd44::13" not in lab.run("new", "ip", "-6", "address", "show", "tentative"), "address")
        provider = Provider(lab, "new")
        time.sleep(1)
        mirrors_one_batch(lab, v2, round_number * 1000, address="10.44.0.13")
        provider.stop()
        lab.remove_pod("new")
    agent.stop()


def held_by(agent):
    """How many descriptors the agent has, and how many of them are tcx links that are attached."""
    infos = [path.read_text(encoding="utf-8") for path in pathlib.Path(f"/proc/{agent.popen.pid}/fdinfo").iterdir()]
    links = [info for info in infos if re.search(r"link_type:\s*tcx", info) and re.search(r"ifindex:\s*[1-9]", info)]
    return len(infos), len(links)


@case
def a_hundred_interfaces_at_once_are_all_tapped_and_leave_nothing(lab):
    """Three times with the same names, while packets flow."""
    names = [f"vethb{number}" for number in range(100)]
    v1 = Provider(lab, "v1")
    agent = Agent(lab, routes(100))
    if "by tcx" not in agent.log():
        raise Skip("this kernel has no tcx")
    before = held_by(agent)
    consumer = Consumer(lab, "--requests", 0, "--duration", 10, "--rate", 500, "--depth", 4)
    batch = lab.directory / "batch"
    for _ in range(3):
        for command, links in (("link add {0} type veth peer name p{0}", before[1] + len(names)),
                               ("link del {0}", before[1])):
            batch.write_text("".join(command.format(name) + "\n" for name in names), encoding="utf-8")
            lab.run("node", "ip", "-batch", batch)
            wait_until(lambda: held_by(agent)[1] == links, f"{links} links, not {held_by(agent)}", 60)
    check_equal(held_by(agent), before, "descriptors and links")
    result = consumer.result()
    check_equal((result["ok"], result["failed"]), (result["requests"], 0), f"right answers ({result})")
    check_equal(v1.stop()["received"], result["requests"], "requests at v1")
    ledger = agent.stop()
    check_equal((ledger["taps_removed"], ledger["taps_missing"]), (0, 0), f"nobody took a tap away ({ledger})")


@case
def sigterm_leaves_nothing_attached_or_pinned(lab):
    before = programs_loaded()
    for attach in ("tcx", "clsact"):
        agent = Agent(lab, routes(100), attach=attach)
        check(lab.pin_directory.is_dir() and any(lab.pin_directory.iterdir()), "maps are pinned while it runs")
        check(programs_loaded() > before, "a program is loaded while it runs")
        agent.stop()
        check(not lab.pin_directory.exists() or not any(lab.pin_directory.iterdir()), "nothing is pinned any more")
        wait_until(lambda: programs_loaded() <= before, "no program is left")
        for interface in ("vethc", "vethv1", "vethv2"):
            check_equal(clsact_programs(lab, interface), 0, f"filters on {interface}")


def killed_and_restarted(lab, attach):
    v1 = Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    for round_number in range(3):
        Agent(lab, routes(100), attach=attach).end(signal.SIGKILL)
        check_equal(Consumer(lab, "--requests", 200, "--first", 9000 + 200 * round_number).result()["ok"], 200,
                    "right answers while no agent is there")
    sent = v1.received()
    agent = Agent(lab, routes(100), attach=attach)
    if attach == "clsact":
        for interface in ("vethc", "vethv1", "vethv2"):
            check_equal(clsact_programs(lab, interface), 1, f"filters on {interface}")
    # With two programs on an interface every request would come twice.
    mirrors_one_batch(lab, v2, 0)
    time.sleep(0.3)
    check_equal(v2.received(), 200, "copies at v2")
    check_equal(v1.received() - sent, 200, "requests at v1")
    ledger = agent.stop()
    check_equal(ledger["seen"], 200, "requests in the ledger")
    for interface in ("vethc", "vethv1", "vethv2"):
        check_equal(clsact_programs(lab, interface), 0, f"filters on {interface} after the end")


@case
def kill_9_and_restart_gives_one_program_for_each_interface_with_tcx(lab):
    killed_and_restarted(lab, "tcx")


@case
def kill_9_and_restart_gives_one_program_for_each_interface_with_clsact(lab):
    killed_and_restarted(lab, "clsact")


@case
def filters_of_others_stay_untouched(lab):
    if "clsact" not in lab.run("node", "tc", "qdisc", "show", "dev", "vethv1"):
        lab.run("node", "tc", "qdisc", "add", "dev", "vethv1", "clsact")
    lab.run("node", "tc", "filter", "add", "dev", "vethv1", "egress", "pref", "7", "protocol", "all", "bpf",
            "bytecode", "1,6 0 0 0")
    try:
        before = lab.run("node", "tc", "filter", "show", "dev", "vethv1", "egress")
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            Agent(lab, routes(100), attach="clsact").end(number, seconds=20)
        after = lab.run("node", "tc", "filter", "show", "dev", "vethv1", "egress")
        check_equal(after, before, "filters on vethv1")
    finally:
        lab.run("node", "tc", "qdisc", "del", "dev", "vethv1", "clsact")


@case
def a_second_agent_on_the_same_pins_does_not_disturb_the_first(lab):
    Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    first = Agent(lab, routes(100))
    second = Agent(lab, routes(100), ready=False)
    time.sleep(1)
    second.end(seconds=20)
    mirrors_one_batch(lab, v2, 0)
    time.sleep(0.2)
    check_equal(v2.received(), 200, "copies at v2")
    first.stop()


@case
def pinned_maps_show_names_and_fields(lab):
    Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    mirrors_one_batch(lab, v2, 0)
    dumped = {}
    for path in sorted(lab.pin_directory.rglob("*")):
        shown = subprocess.run(["bpftool", "-j", "map", "show", "pinned", path], capture_output=True, text=True,
                               check=False)
        if shown.returncode != 0 or json.loads(shown.stdout).get("type") == "ringbuf":
            continue
        done = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path], capture_output=True, text=True,
                              check=False)
        check(done.returncode == 0, f"bpftool map dump pinned {path}: {done.stdout} {done.stderr}")
        dumped[path.name] = json.loads(done.stdout)
    check(len(dumped) >= 3, f"at least three maps can be dumped: {sorted(dumped)}")
    text = json.dumps(dumped)
    check('"formatted"' in text, "values are shown through BTF")
    fields = {field for entries in dumped.values() for entry in entries if isinstance(entry, dict)
              for field in names_in(entry.get("formatted", {}))}
    for word in ("port", "threshold"):
        check(any(word in field for field in fields), f"a field with {word} in its name: {sorted(fields)}")
    agent.stop()
    return ", ".join(sorted(dumped))


def names_in(value):
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names_in(inner)}
    if isinstance(value, list):
        return {name for inner in value for name in names_in(inner)}
    return set()


@case
def sigusr1_prints_the_ledger(lab):
    Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    agent = Agent(lab, routes(100))
    mirrors_one_batch(lab, v2, 0)
    start = len(agent.log())
    agent.send_signal(signal.SIGUSR1)
    agent.wait_for_log(r"balanced\s+yes", start=start)
    check(re.search(r"seen\s+200", agent.log()[start:]), f"the count is there: {tail(agent.log(), 20)}")
    agent.stop()


@case
def check_tells_what_would_be_mirrored_where(lab):
    good = lab.directory / "good.yaml"
    good.write_text(routes(12.5), encoding="utf-8")
    done = subprocess.run([RPCTEE, "check", good], capture_output=True, text=True, check=False, timeout=20)
    text = done.stdout + done.stderr
    check_equal(done.returncode, 0, f"exit status ({tail(text)})")
    for word in ("12.5", "10.44.0.11:20880", "10.44.0.12:20880"):
        check(word in text, f"names {word}: {tail(text, 20)}")
    bad = lab.directory / "bad.yaml"
    bad.write_text("kind: MetaRouter\nspec: [", encoding="utf-8")
    done = subprocess.run([RPCTEE, "check", bad], capture_output=True, text=True, check=False, timeout=20)
    check(done.returncode != 0, "exit status for a bad file")
    check("bad.yaml:" in done.stdout + done.stderr, "says file and line")


@case
def check_tells_of_a_policy_that_fits_no_rule(lab):
    good = lab.directory / "good.yaml"
    good.write_text(routes(12.5), encoding="utf-8")
    config = lab.directory / "agent.yaml"
    config.write_text(f"routes: {{files: [{good}]}}\npolicies:\n- match: {{cluster: '*|v7|*'}}\n", encoding="utf-8")
    command = [RPCTEE, "check", "-c", config, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    check_equal(done.returncode, 0, "exit status: it is a warning")
    where = f"{config}:3:3: policies[0]: no mirror rule fits it"
    check_equal(done.stderr.count(f"warning: {where}"), 1, f"told once: {done.stderr}")
    told = [concern for concern in json.loads(done.stdout)["concerns"] if concern.startswith(where)]
    check_equal(len(told), 1, "told once in the JSON")


if __name__ == "__main__":
    sys.exit(run())
