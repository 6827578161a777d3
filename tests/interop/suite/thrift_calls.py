"""The calls of the Thrift cases as lines of text: the clients make them, the servers write what they received in the same
form, so that the two can be compared as they are. A method, then its arguments: numbers, and bytes in hexadecimal
digits (`.` for none)."""

ONEWAY = "fire"
SIZES = (0, 1, 100, 1_400, 4_096, 17_000, 100_000)
# What begins a message of Thrift or Dubbo, and must not be taken for one inside an argument.
DECOYS = bytes.fromhex("dabbc2000000000000000001000000104e4e4e4e4e4e48485a5a5a5a5a5a5a5a"
                       "000000118001000100000003616464000000000000000000" "80010001000000036164640000000000" "8221010361646400")


def calls():
    """All of them, each different from the others."""
    lines = [f"add {number} {value}" for number, value in enumerate((0, -1, 2**31, -2**50, 2**50))]
    for size in SIZES:
        lines += [f"sayHello {_hex(_text(size))}", f"echoBytes {_hex(_decoys(size))}"]
    for number in range(12):
        tags = " ".join(_hex(b"t" * length) for length in range(1, number + 2))
        lines += [f"sayHello {_hex(b'caller %d' % number)}",
                  f"{ONEWAY} {_hex(f'event {number} 世界'.encode())}",
                  f"reprice {_hex(b'order %d' % number)} {-number} {number * 2**40} {number * 3} {number % 2} "
                  f"{_hex(DECOYS[:number * 7])} {-number} {tags}",
                  f"add {number + 100} {number}"]
    lines += [f"refuse {_hex(b'no reason')}", f"{ONEWAY} {_hex(_text(20_000))}", f"sayHello {_hex(b'the last one')}"]
    return lines


def short_calls():
    """Those that together are less than 8 KiB on the wire."""
    return [line for line in calls() if len(line) < 200]


def method(line):
    return line.split(" ", 1)[0]


def of_connection(lines, number, connections):
    """Those that the client makes on one of its connections, in their order."""
    return lines[number::connections]


def _hex(data):
    return data.hex() or "."


def _text(size):
    unit = "世界é-".encode()
    return unit * (size // len(unit)) + b"z" * (size % len(unit))


def _decoys(size):
    return (b"%d" % size + DECOYS * (size // len(DECOYS) + 1))[:size] if size else b""
