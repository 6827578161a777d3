#!/usr/bin/env python3
"""A Thrift server or client in Python:

  peer.py server HOST PORT simple|threaded|pool|nonblocking TRANSPORT PROTOCOL SERVICE NAME LOG
  peer.py client HOST PORT TRANSPORT PROTOCOL SERVICE CONNECTIONS CALLS ANSWERS

TRANSPORT is buffered, framed or header; PROTOCOL binary or compact; SERVICE the name to multiplex by, or -. The client
makes the calls of the file CALLS, line i on connection i modulo CONNECTIONS, and writes one answer a line. The server
writes each call that it receives to LOG, in the form of CALLS (../suite/thrift_calls.py).
"""

import sys
import threading

from thrift import TMultiplexedProcessor
from thrift.protocol import TBinaryProtocol, TCompactProtocol, THeaderProtocol, TMultiplexedProtocol
from thrift.server import TNonblockingServer, TServer
from thrift.transport import THeaderTransport, TSocket, TTransport

from demo import Demo
from demo.ttypes import Order, Refused

PROTOCOLS = {"binary": TBinaryProtocol.TBinaryProtocolAcceleratedFactory,
             "compact": TCompactProtocol.TCompactProtocolAcceleratedFactory}
HEADER_PROTOCOLS = {"binary": THeaderTransport.THeaderSubprotocolID.BINARY,
                    "compact": THeaderTransport.THeaderSubprotocolID.COMPACT}
TRANSPORTS = {"buffered": TTransport.TBufferedTransportFactory, "framed": TTransport.TFramedTransportFactory,
              "header": TTransport.TTransportFactoryBase}
SERVERS = {"simple": TServer.TSimpleServer, "threaded": TServer.TThreadedServer, "pool": TServer.TThreadPoolServer}


def protocol_factory(transport, protocol):
    if transport == "header":
        return THeaderProtocol.THeaderProtocolFactory(default_protocol=HEADER_PROTOCOLS[protocol])
    return PROTOCOLS[protocol]()


def to_hex(text):
    data = text if isinstance(text, bytes) else text.encode()
    return data.hex() or "."


def from_hex(word):
    return b"" if word == "." else bytes.fromhex(word)


class Handler:
    """Answers depend on the arguments and the server's name alone."""

    def __init__(self, name, log):
        self.name = name
        self._log = open(log, "a", encoding="ascii")
        self._lock = threading.Lock()

    def _record(self, *words):
        with self._lock:
            self._log.write(" ".join(map(str, words)) + "\n")
            self._log.flush()

    def sayHello(self, name):
        self._record("sayHello", to_hex(name))
        return f"Hello {name}, response from {self.name}"

    def echoBytes(self, bytes):
        self._record("echoBytes", to_hex(bytes))
        return bytes

    def add(self, left, right):
        self._record("add", left, right)
        return left + right

    def reprice(self, order, cents):
        self._record("reprice", to_hex(order.id), order.quantity, order.cents, int(order.weight), int(order.urgent),
                     to_hex(order.seal), cents, *map(to_hex, order.tags))
        order.cents = cents
        return order

    def refuse(self, why):
        self._record("refuse", to_hex(why))
        raise Refused(why)

    def fire(self, event):
        self._record("fire", to_hex(event))


def serve(host, port, server, transport, protocol, service, name, log):
    processor = Demo.Processor(Handler(name, log))
    if service != "-":
        multiplexed = TMultiplexedProcessor.TMultiplexedProcessor()
        multiplexed.registerProcessor(service, processor)
        processor = multiplexed
    socket = TSocket.TServerSocket(host, int(port))
    factory = protocol_factory(transport, protocol)
    if server == "nonblocking":
        # One thread, so that calls are executed in the order in which they came.
        running = TNonblockingServer.TNonblockingServer(processor, socket, factory, threads=1)
    else:
        running = SERVERS[server](processor, socket, TRANSPORTS[transport](), factory)
        if server != "simple":
            running.daemon = True
    running.serve()


def answer(client, method, words):
    if method in ("sayHello", "refuse", "fire"):
        text = from_hex(words[0]).decode()
        if method == "refuse":
            try:
                client.refuse(text)
            except Refused as refused:
                return f"refused {to_hex(refused.why)}"
            return "not refused"
        result = getattr(client, method)(text)
        return "-" if method == "fire" else to_hex(result)
    if method == "echoBytes":
        return to_hex(client.echoBytes(from_hex(words[0])))
    if method == "add":
        return str(client.add(int(words[0]), int(words[1])))
    order = Order(from_hex(words[0]).decode(), int(words[1]), int(words[2]), float(words[3]), words[4] == "1",
                  from_hex(words[5]), [from_hex(word).decode() for word in words[7:]])
    order = client.reprice(order, int(words[6]))
    return f"{to_hex(order.id)} {order.cents} {to_hex(order.seal)} {len(order.tags)}"


def call(host, port, transport, protocol, service, connections, calls, answers):
    with open(calls, encoding="ascii") as file:
        lines = [line.split() for line in file]
    results = ["FAILED"] * len(lines)
    connections = int(connections)

    def converse(first):
        channel = TRANSPORTS[transport]().getTransport(TSocket.TSocket(host, int(port)))
        wire = protocol_factory(transport, protocol).getProtocol(channel)
        if service != "-":
            wire = TMultiplexedProtocol.TMultiplexedProtocol(wire, service)
        channel.open()
        client = Demo.Client(wire)
        for index in range(first, len(lines), connections):
            results[index] = answer(client, lines[index][0], lines[index][1:])
        channel.close()

    threads = [threading.Thread(target=converse, args=(first,)) for first in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(answers, "w", encoding="ascii") as file:
        file.writelines(result + "\n" for result in results)


if __name__ == "__main__":
    {"server": serve, "client": call}[sys.argv[1]](*sys.argv[2:])
