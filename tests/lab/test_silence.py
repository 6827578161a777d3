#!/usr/bin/env python3
"""Bytes that an endpoint's sockets receive and the tap does not see raise an alarm, and nothing else does."""

import signal
import sys
import time

from lablib import (HOST, Agent, Consumer, Neighbour, Process, Provider, case, check, check_equal, mirror_to, routes,
                    run, tail)


def led_past(lab):
    """Somebody hands v1's packets to v1 where they enter the node, past the programs of v1's host side."""
    return Neighbour(lab, "vethc", "--to", "10.44.0.11", "--redirect-peer", "vethv1")


def look_every_second(lab, text=None, **tap):
    return Agent(lab, text or routes(100), silence_check="1s", silence_bytes="16KiB", **tap)


def steady(lab, seconds, **consumer):
    """A connection with more than enough bytes a second to be judged."""
    return Consumer(lab, "--requests", 0, "--duration", seconds, "--rate", 200, "--depth", 4, "--bytes", 1000, **consumer)


def never_silent(agent):
    agent.wait_for_log(r"looking every 1 s .* in [23] pods\n")
    check(" silent: " not in agent.log(), f"no alarm: {tail(agent.log())}")
    ledger = agent.stop()
    check(" silent: " not in agent.log(), f"no alarm: {tail(agent.log())}")
    check_equal(ledger["silent"], [], "silent endpoints in the ledger")
    return ledger


@case
def packets_that_are_led_past_the_tap_raise_the_alarm(lab):
    """The agent said nothing about the same traffic before. Over when the other program is gone."""
    Provider(lab, "v1")
    Provider(lab, "v2")
    agent = look_every_second(lab)
    consumer = steady(lab, 25)
    time.sleep(4)
    check(" silent: " not in agent.log(), f"no alarm while the tap sees all: {tail(agent.log())}")
    neighbour = led_past(lab)
    start = time.monotonic()
    agent.wait_for_log(r"silent: 10\.44\.0\.11:20880 received \d+ bytes in 1 s, of which the tap saw \d+ at most")
    seconds = time.monotonic() - start
    log = len(agent.log())
    agent.send_signal(signal.SIGUSR1)
    agent.wait_for_log(r"\n  silent +10\.44\.0\.11:20880\n", start=log)
    time.sleep(2)
    check_equal(agent.log().count(" silent: "), 1, f"one warning ({tail(agent.log())})")
    check(neighbour.packets() > 100, "packets were led past the tap")
    agent.wait_for_log(r"no longer silent: 10\.44\.0\.11:20880")
    result = consumer.result()
    check_equal((result["ok"], result["failed"]), (result["requests"], 0), f"right answers ({result})")
    check_equal(agent.stop()["silent"], [], "silent endpoints in the ledger")
    return f"alarm after {seconds:.1f} s, looking every second"


@case
def a_pod_whose_interface_is_not_tapped_raises_the_alarm(lab):
    Provider(lab, "v1")
    agent = look_every_second(lab, interfaces=["vethv2"])
    consumer = steady(lab, 6)
    agent.wait_for_log(r"silent: 10\.44\.0\.11:20880 received")
    consumer.result()
    check_equal(agent.stop()["silent"], ["10.44.0.11:20880"], "silent endpoints in the ledger")


@case
def an_endpoint_without_traffic_raises_no_alarm(lab):
    Provider(lab, "v1")
    Provider(lab, "v2")
    agent = look_every_second(lab)
    led_past(lab)
    consumer = Consumer(lab, "--requests", 8, "--rate", 2)  # under silence_bytes
    consumer.result()
    never_silent(agent)


@case
def copies_are_no_reason_for_an_alarm(lab):
    """v2 is an endpoint too, and all that it receives are the agent's copies, which the tap lets go by."""
    Provider(lab, "v1")
    Provider(lab, "v2")
    second_route = f"""    - name: back
      route:
        - destination:
            host: {HOST}
            subset: v2{mirror_to("v1", 100)}
"""
    agent = look_every_second(lab, text=routes(100, more_routers=second_route))
    agent.wait_for_log("over 2 endpoints")
    steady(lab, 5).result()
    ledger = never_silent(agent)
    check(ledger["sent"] > 500, f"copies were sent ({ledger})")


SINK = """
import socket
listener = socket.create_server(("10.44.0.11", 20880))
connection, _ = listener.accept()
while connection.recv(65536):
    pass
"""
SOURCE = """
import os, socket, time
connection = socket.create_connection(("10.44.0.11", 20880))
for _ in range(100):
    connection.sendall(os.urandom(2000))
    time.sleep(0.05)
"""


@case
def bytes_that_nobody_understands_raise_no_alarm(lab):
    """The tap has seen them, and passes them over."""
    Process(lab, "v1", "sink", [sys.executable, "-c", SINK])
    agent = look_every_second(lab)
    source = Process(lab, "consumer", "source", [sys.executable, "-c", SOURCE])
    source.popen.wait(timeout=30)
    check_equal(source.popen.returncode, 0, f"all was sent ({tail(source.log())})")
    never_silent(agent)


if __name__ == "__main__":
    sys.exit(run())
