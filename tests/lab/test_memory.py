#!/usr/bin/env python3
"""The agent takes no more memory than docs/memory.md says of its configuration, whatever comes."""

import pathlib
import re

from lablib import ADDRESSES, PORT, Agent, Consumer, Process, Provider, case, check, check_equal, routes, run, wait_until

KIB, MIB = 1 << 10, 1 << 20

# Small, so that each limit is reached soon.
WORKERS = 2
RING = 2 * MIB
MAX_REQUEST = MIB
REASSEMBLY = 9 * MIB
BUFFER = MIB
IN_FLIGHT = 2_000
CONNECTIONS = 2

# The terms of docs/memory.md that no key sets. The half for bytes that overtake each other is left out: none do.
PROGRAM = 8 * MIB  # beside the pages of its files
A_WORKER = MIB
FLOWS = 100_000

# Half a request on each of many connections, and then nothing.
HALVES = """
import socket, struct, sys, time
body = 900 * 1024
head = bytes([0xda, 0xbb, 0xc2, 0]) + bytes(8) + struct.pack(">I", body)
sockets = []
for _ in range(int(sys.argv[3])):
    sockets.append(socket.create_connection((sys.argv[1], int(sys.argv[2]))))
    sockets[-1].sendall(head + b"\\x052.0.2" + b"x" * 60_000)
print("open", flush=True)
time.sleep(600)
"""


def most_by_the_guide():
    """docs/memory.md, for one mirror pod."""
    connection = 2 * max(BUFFER, MAX_REQUEST) + 48 * IN_FLIGHT
    return PROGRAM + REASSEMBLY // 2 * 11 // 10 + WORKERS * (A_WORKER + CONNECTIONS * connection)


def memory(process):
    """Of a process, in bytes, by the kernel's names."""
    status = pathlib.Path(f"/proc/{process.popen.pid}/status").read_text(encoding="utf-8")
    return {name: int(kib) * KIB for name, kib in re.findall(r"^(VmHWM|RssAnon|RssFile):\s+(\d+) kB", status, re.MULTILINE)}


@case
def agent_whose_limits_are_all_reached(lab):
    v1 = Provider(lab, "v1")
    Provider(lab, "v2", "--never-read")
    agent = Agent(lab, routes(100), workers=WORKERS, ring_bytes=RING, max_request_bytes=MAX_REQUEST,
                  mirror={"max_buffer_bytes": BUFFER, "max_in_flight": IN_FLIGHT, "reply_timeout": "60s",
                          "connections_per_endpoint": CONNECTIONS},
                  limits={"max_reassembly_bytes": REASSEMBLY, "request_timeout": "60s"}, grace="0s")
    idle = memory(agent)
    result = Consumer(lab, "--requests", 3_000, "--connections", 8, "--depth", 16, "--size-mix").result()
    check_equal((result["ok"], result["failed"]), (3_000, 0), "right answers")
    halves = Process(lab, "consumer", "halves", ["python3", "-c", HALVES, ADDRESSES["v1"][0], PORT, 150])
    wait_until(lambda: halves.popen.stdout.readline().strip() == "open", "half requests are sent")
    full = memory(agent)
    ledger = agent.stop()
    check(ledger["over_memory"] > 0, f"the memory for half requests was full ({ledger})")
    check(ledger["queue_full"] > 0, f"the buffers of the connections were full ({ledger})")
    check(full["RssAnon"] >= REASSEMBLY // 2 + 2 * MIB, f"the limits were reached ({full})")
    check(full["RssAnon"] <= most_by_the_guide(),
          f"the agent took {full} bytes, {most_by_the_guide()} by the guide; idle {idle}")
    v1.stop()


@case
def table_of_a_hundred_thousand_flows(lab):
    Provider(lab, "v1")
    agent = Agent(lab, routes(100), workers=1, max_flows=FLOWS)
    taken = {name: lab.bpftool("map", "show", name)["bytes_memlock"] for name in ("flows", "endpoints", "own", "syns")}
    agent.stop()
    check(FLOWS * 100 <= taken["flows"] <= FLOWS * 256, f"a flow takes 256 bytes at most: {taken}")


if __name__ == "__main__":
    run()
