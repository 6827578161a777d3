#!/usr/bin/env python3
"""A framed Thrift service and its callers, in plain sockets: what the lab needs where a protocol other than Dubbo counts.

  thrift_peer.py serve PORT             answers every call on [::]:PORT; prints what it received when it gets SIGTERM
  thrift_peer.py call ADDRESS PORT N    sends N calls of many sizes over some connections; prints what it sent

Each prints one line of JSON: `requests`, and `digest`, the sum of a hash of each request, whatever their order.
"""

import hashlib
import json
import random
import signal
import socket
import struct
import sys
import threading

METHOD = b"sayHello"
CALL, REPLY = 1, 2
CONNECTIONS = 8
DEPTH = 4  # calls of one connection that wait for their answers
SIZES = (20, 20, 20, 700, 700, 5_000, 40_000, 200_000)


def frame(kind, seqid, text):
    """A strict binary message with one string, which is field 1 of a call's arguments and field 0 of a reply."""
    field = 1 if kind == CALL else 0
    message = (struct.pack(">II", 0x80010000 | kind, len(METHOD)) + METHOD + struct.pack(">I", seqid)
               + struct.pack(">bhI", 11, field, len(text)) + text + b"\0")
    return struct.pack(">I", len(message)) + message


def read_exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise EOFError
    return data


def read_frame(stream):
    head = read_exactly(stream, 4)
    return head + read_exactly(stream, struct.unpack(">I", head)[0])


class Tally:
    """Of all threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = 0
        self.digest = 0

    def add(self, request):
        value = int.from_bytes(hashlib.sha256(request).digest()[:8], "big")
        with self.lock:
            self.requests += 1
            self.digest = (self.digest + value) % (1 << 64)

    def show(self):
        with self.lock:
            print(json.dumps({"requests": self.requests, "digest": self.digest}), flush=True)


def answer(connection, tally):
    seqid_at = 4 + 8 + len(METHOD)
    with connection, connection.makefile("rb") as stream:
        try:
            while True:
                request = read_frame(stream)
                tally.add(request)
                connection.sendall(frame(REPLY, struct.unpack_from(">I", request, seqid_at)[0], b"hello"))
        except (EOFError, OSError):
            return


def serve(port):
    tally = Tally()
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)

    def stop(*_):
        tally.show()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    print(f"listens on {port}", file=sys.stderr, flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection, tally), daemon=True).start()


def call(address, port, first, count, tally):
    draws = random.Random(first)
    with socket.create_connection((address, port)) as connection, connection.makefile("rb") as stream:
        for start in range(first, first + count, DEPTH):
            calls = [frame(CALL, seqid, draws.randbytes(draws.randint(1, draws.choice(SIZES))))
                     for seqid in range(start, min(start + DEPTH, first + count))]
            connection.sendall(b"".join(calls))
            for request in calls:
                read_frame(stream)
                tally.add(request)


def call_all(address, port, requests):
    tally = Tally()
    each = requests // CONNECTIONS
    threads = [threading.Thread(target=call, args=(address, port, number * each, each, tally))
               for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.show()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        call_all(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
