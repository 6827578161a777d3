#!/usr/bin/env python3
"""What one bad mirror can do: nothing to the primary, nothing to the mirror beside it, and little to the agent's memory.

The cluster has two endpoints: a good one, and in each case another bad one. The books balance in every case, because
stopping an agent whose books do not fails.
"""

import pathlib
import random
import re
import signal
import sys
import time

from lablib import (ADDRESSES, HOST, PORT, PROVIDER, Agent, Consumer, Process, Provider, case, check, check_equal, routes,
                    run, settle)

SECONDS = 2
RATE = 2000
BUFFER = 1 << 20
# Twice the limit of a connection's buffer, what a worker reads into, and what the allocator keeps.
MEMORY_KIB = 2 * BUFFER // 1024 + 8 * 1024
MIRROR = {"max_buffer_bytes": BUFFER, "connect_timeout": "300ms", "reply_timeout": "500ms", "reconnect_min": "20ms",
          "reconnect_max": "300ms"}
GOOD = f"{ADDRESSES['v2'][0]}:{PORT}"
BAD_PORT = PORT + 1
BAD = f"{ADDRESSES['v2'][0]}:{BAD_PORT}"

# A server on the port that does what its name says to each connection.
BAD_SERVER = """
import itertools, os, socket, struct, sys, threading, time
port, kind = int(sys.argv[1]), sys.argv[2]

def flood(peer):  # whole answers to nobody, as fast as they go
    answer = (bytes([0xda, 0xbb, 0x02, 20]) + b"\\xff" * 8 + struct.pack(">I", 48) + bytes(48)) * 1000
    while True:
        peer.sendall(answer)

def garbage(peer):
    while peer.recv(1 << 16):
        peer.sendall(os.urandom(4096))

def hang(peer):
    while peer.recv(1 << 16):
        pass

def half_close(peer):
    peer.shutdown(socket.SHUT_WR)
    hang(peer)

def reset(peer):
    peer.recv(1 << 16)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()

def deaf(peer):
    time.sleep(600)

def errors(peer):  # whole answers, each with the next status
    stream = peer.makefile("rb")
    for status in itertools.cycle((20, 31, 60, 70, 7)):
        header = stream.read(16)
        if len(header) < 16 or len(stream.read(int.from_bytes(header[12:], "big"))) == 0:
            return
        peer.sendall(bytes([0xda, 0xbb, 0x02, status]) + header[4:12] + struct.pack(">I", 1) + b"\\x92")

def serve(peer):
    try:
        {"flood": flood, "garbage": garbage, "hang": hang, "half_close": half_close, "reset": reset,
         "deaf": deaf, "errors": errors}[kind](peer)
    except OSError:
        pass

listener = socket.create_server(("0.0.0.0", port))
if kind == "deaf":
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
print("listens", file=sys.stderr, flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""

# The values of the DSCP field that packets with data to the port have.
DSCP_WATCH = """
import socket, sys
packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
packets.settimeout(5)
print("watches", file=sys.stderr, flush=True)
seen = []
while len(seen) < 20:
    ip = packets.recv(1 << 16)[14:]
    header = (ip[0] & 15) * 4
    if ip[9] == 6 and int.from_bytes(ip[header + 2:header + 4], "big") == int(sys.argv[1]):
        seen.append(ip[1] >> 2)
print(*set(seen), flush=True)
"""


def table(endpoints):
    """The guide's routes with the mirror cluster's endpoints given one by one."""
    lines = "".join(f"""
    - endpoint: {{address: {{socket_address: {{address: {address.rpartition(':')[0]}, port_value: {address.rpartition(':')[2]}}}}}}}"""
                    for address in endpoints)
    return routes(100) + f"""---
cluster_name: outbound|{PORT}|v2|{HOST}
endpoints:
- lb_endpoints:{lines}
"""


def row_of(ledger, endpoint):
    """What the ledger tells of one mirror."""
    return next(row for row in ledger["mirrors"] if row["endpoint"] == endpoint)


def anonymous_kib(agent):
    status = pathlib.Path(f"/proc/{agent.popen.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE).group(1))


def bad_server(lab, kind, role="v2"):
    Process(lab, role, kind, ["python3", "-c", BAD_SERVER, BAD_PORT, kind]).wait_for_log("listens")


def bear(lab, bad, during=lambda agent, until: time.sleep(max(0, until - time.monotonic())), size=300, mirror=None,
         share=45):
    """Load on the primary while the bad endpoint is one of two. `share`: percent of the copies that the good one gets at
    least. Checks all that must hold; returns the ledger and how many requests there were."""
    v1, good = Provider(lab, "v1"), Provider(lab, "v2")
    agent = Agent(lab, table([GOOD, bad]), workers=1, mirror={**MIRROR, **(mirror or {})}, grace="100ms",
                  ring_bytes=16 << 20)
    before = anonymous_kib(agent)
    consumer = Consumer(lab, "--requests", 0, "--duration", SECONDS, "--rate", RATE, "--depth", 8, "--bytes", size)
    during(agent, time.monotonic() + SECONDS)
    result = consumer.result()
    after = anonymous_kib(agent)
    requests = result["requests"]
    settle(good, requests * share // 100, "the good mirror gets its share")
    ledger = agent.stop()
    check(requests > 100, f"there was a load ({result})")
    check_equal((result["ok"], result["failed"], result["unexpected"]), (requests, 0, 0), f"right answers ({result})")
    one = v1.stop()
    check_equal((one["received"], one["digest"]), (requests, result["digest"]), "what v1 received")
    check(after - before <= MEMORY_KIB, f"the agent grew from {before} to {after} KiB")
    check_equal((ledger["seen"], ledger["copies"]), (requests, requests), f"requests and copies ({ledger})")
    check(ledger["answered_ok"] >= requests * share // 100, f"the good mirror's answers ({ledger})")
    return ledger, requests


@case
def dead(lab):
    bear(lab, "10.44.0.99:20880")


@case
def refusing(lab):
    ledger, _ = bear(lab, BAD)
    row = row_of(ledger, BAD)
    check(row["cx_connect_fail"] > 0 and row["ejections"] > 0, f"the report tells why ({row})")
    check_equal((row["cx_connect_fail"], row["cx_failed"]), (row["cx_total"], 0), "connections that failed")


@case
def errors_of_many_kinds(lab):
    bad_server(lab, "errors")
    asked = {}

    def during(agent, until):
        time.sleep(SECONDS / 2)
        agent.send_signal(signal.SIGUSR1)
        asked["said"] = agent.wait_for_log(rf"mirror {re.escape(BAD)}: cx_total 1, error .*").group()
        time.sleep(max(0, until - time.monotonic()))

    ledger, _ = bear(lab, BAD, during)
    errors = row_of(ledger, BAD)["errors"]
    names = {"SERVER_TIMEOUT", "SERVICE_NOT_FOUND", "SERVICE_ERROR", "status 7"}
    check_equal(set(errors), names, "errors by name")
    check(all(f"error {name} " in asked["said"] for name in names), f"in the text too ({asked})")
    check(max(errors.values()) - min(errors.values()) <= 1, f"each as often ({errors})")
    check_equal(row_of(ledger, GOOD)["errors"], {}, "the good mirror's errors")


@case
def slow(lab):
    Process(lab, "v2", "slow", [PROVIDER, "--listen", f"[::]:{BAD_PORT}", "--name", "slow", "--delay-us",
                                300_000]).wait_for_log("listens")
    ledger, requests = bear(lab, BAD)
    check(ledger["answered_ok"] >= requests * 60 // 100, f"the slow one's answers count too ({ledger})")


@case
def zero_window(lab):
    bad_server(lab, "deaf")
    ledger, _ = bear(lab, BAD, size=8000, mirror={"reply_timeout": "20s"})
    check(ledger["queue_full"] > 0, f"the buffer was full ({ledger})")


@case
def flooding(lab):
    bad_server(lab, "flood")
    bear(lab, BAD)


@case
def garbage(lab):
    bad_server(lab, "garbage")
    ledger, _ = bear(lab, BAD)
    check(ledger["connection_lost"] > 0, f"what is not Dubbo ends the connection ({ledger})")
    row = row_of(ledger, BAD)
    check(row["cx_protocol_error"] > 0, f"the report tells why ({row})")


@case
def accepting_and_hanging(lab):
    bad_server(lab, "hang")
    ledger, _ = bear(lab, BAD)
    check(ledger["timed_out"] > 0, f"copies time out ({ledger})")


@case
def half_closing(lab):
    bad_server(lab, "half_close")
    bear(lab, BAD)


@case
def resetting(lab):
    bad_server(lab, "reset")
    ledger, _ = bear(lab, BAD)
    check(ledger["connection_lost"] > 0, f"copies are lost with their connections ({ledger})")


@case
def half_open(lab):
    """The pod's network goes away under an established connection, without a word."""
    lab.add_pod("gone", 30)
    bad_server(lab, "hang", role="gone")

    def during(_, until):
        time.sleep(SECONDS / 3)
        lab.run("gone", "ip", "link", "set", "eth0", "down")
        time.sleep(max(0, until - time.monotonic()))

    bear(lab, f"10.44.0.30:{BAD_PORT}", during)


@case
def restarting_again_and_again(lab):
    def during(_, until):
        while time.monotonic() < until:
            provider = Process(lab, "v2", "restarting", [PROVIDER, "--listen", f"[::]:{BAD_PORT}", "--name", "restarting"])
            provider.wait_for_log("listens")
            time.sleep(0.4)
            provider.end()

    bear(lab, BAD, during)


@case
def two_hundred_endpoints_that_come_and_go(lab):
    draw = random.Random(20880)
    others = [f"{ADDRESSES['v2'][0]}:{port}" for port in range(21_000, 21_200)]

    def during(agent, until):
        while time.monotonic() < until:
            agent.write_routes(table([GOOD, *draw.sample(others, draw.randrange(200))]))
            time.sleep(0.05)

    # Nobody listens there, and each that is new gets a few copies before that is known.
    ledger, _ = bear(lab, BAD, during, share=10)
    check(ledger["connection_lost"] > 0, f"they had copies ({ledger})")


@case
def copies_are_marked_as_lower_effort(lab):
    Provider(lab, "v1")
    v2 = Provider(lab, "v2")
    watch = Process(lab, "v2", "watch", ["python3", "-c", DSCP_WATCH, PORT])
    watch.wait_for_log("watches")
    agent = Agent(lab, routes(100))
    Consumer(lab, "--requests", 1000, "--depth", 1).result()
    settle(v2, 1000, "v2 received all")
    output, _ = watch.popen.communicate(timeout=10)
    check_equal(output.strip(), "8", "DSCP of the packets to v2")
    agent.stop()


if __name__ == "__main__":
    sys.exit(run())
