#!/usr/bin/env python3
"""Replays recorded traffic of real programs through rpctee and compares the requests that it lists with the truth.

The truth is manifest.jsonl.xz (see README.md): one line for each frame that a client sent, with length and SHA-256.
Each capture is replayed alone; each also cut into segments of 1448 and of 100 bytes; and all captures in one
invocation, whole and cut. Needs root (rpctee makes a TAP device in a network namespace of its own) and nothing but
Python's standard library.

  tests/captures/compare.py [--rpctee PATH] [--only WORD] [--list]

Prints `PASS name` or `FAIL name: first differences` for each, closes with `N passed, N failed`. Exit status: 0 all
passed, 1 something failed, 2 the comparison could not be run.
"""

import argparse
import collections
import json
import lzma
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_RPCTEE = HERE.parent.parent / "build/dev/userspace/cli/rpctee"
PORT = 20880
SERVER = "10.77.0.2"  # of every capture; the manifest names only the client
LOOPBACK = "127.0.0.1"  # a client with this address reached the server at the same one
SEGMENT_SIZES = (1448, 100)
# Where the captures are cut: every one of the first packets, and further on by and by. The longest has 2,000 packets and some.
FIRST_PACKETS = (*range(2, 20), *range(20, 60, 5), 70, 85, 100, 150, 200, 300, 500, 800, 1200)
TIMEOUT_S = 120
MAX_DIFFERENCES = 5

SERIALIZATION_IDS = {"hessian2": 2, "java": 3, "fastjson": 6, "nativejava": 7, "fastjson2": 23}
# The manifest says what is called for Hessian2 bodies alone. The same program made the same calls, in the same order,
# with other serializations: what it called then is what it called here.
SAME_CALLS = {
    f"dubbo278-{serialization}-basic-veth": "dubbo278-hessian2-basic-veth"
    for serialization in ("fastjson", "java", "nativejava")
}

# The clients of the captures of unframed Thrift.
UNFRAMED_FLOWS = {"10.77.0.1:45494>10.77.0.2:20880", "10.77.0.1:45520>10.77.0.2:20880"}
THRIFT_KINDS = {"CALL": "request", "ONEWAY": "oneway"}
THRIFT_ENCODINGS = {"binary": 0, "binary-nonstrict": 0, "compact": 2}
# Telnet, HTTP/1.1, HTTP/2 and TLS on the Dubbo port: never a request.
NO_REQUESTS = {
    "dubbo2612-telnet-veth",
    "dubbo278-telnet-veth",
    "dubbo278-negatives-http1-h2c-tls-veth",
}

# What is compared of a request. `flow` is the key of the group it stands in.
Request = collections.namedtuple(
    "Request", "protocol kind request_id serialization service version method descriptor bytes sha256"
)


class CannotRun(Exception):
    """The comparison itself cannot be done: no binary, a broken data file."""


def flow_of(client):
    """The name of the flow of a client, given as "address:port"."""
    server = LOOPBACK if client.startswith(LOOPBACK + ":") else SERVER
    return f"{client}>{server}:{PORT}"


def dubbo_request(frame, call):
    """What rpctee must list of a Dubbo frame that makes this call; None for events and answers."""
    if not frame["req"] or frame["event"]:
        return None
    return Request(
        protocol="dubbo",
        kind="request" if frame["twoway"] else "oneway",
        request_id=int(frame["id"]) % 2**64,
        serialization=SERIALIZATION_IDS[frame["ser"]],
        service=call["path"],
        version=call["version"],
        method=call["method"],
        descriptor=call["desc"],
        bytes=frame["size"],
        sha256=frame["sha256"],
    )


def thrift_request(frame):
    """What rpctee must list of a Thrift frame; a multiplexed service stands in front of the method's name."""
    service, _, method = frame["method"].rpartition(":")
    return Request(
        protocol="thrift",
        kind=THRIFT_KINDS[frame["type"]],
        request_id=frame.get("th_hseq", frame["seqid"]),
        serialization=THRIFT_ENCODINGS[frame["enc"]],
        service=service,
        version="",
        method=method,
        descriptor="",
        bytes=frame["size"],
        sha256=frame["sha256"],
    )


def frames_of_manifest():
    """Capture name -> its frames, in the order of the manifest."""
    frames = collections.defaultdict(list)
    with lzma.open(HERE / "manifest.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            frame = json.loads(line)
            frames[frame["pcap"].removesuffix(".pcap")].append(frame)
    return frames


def calls_of(name, frames):
    """The frame that says what is called, for each frame of a capture."""
    if name not in SAME_CALLS:
        return frames[name]
    calls = frames[SAME_CALLS[name]]
    if [frame["id"] for frame in calls] != [frame["id"] for frame in frames[name]]:
        raise CannotRun(f"{name} does not hold the calls of {SAME_CALLS[name]}")
    return calls


def load_manifest():
    """Capture name -> flow -> the requests of that flow with their places, in the order of the stream."""
    expected = collections.defaultdict(lambda: collections.defaultdict(list))
    frames = frames_of_manifest()
    for name in frames:
        for frame, call in zip(frames[name], calls_of(name, frames)):
            request = dubbo_request(frame, call) if frame["proto"] == "dubbo" else thrift_request(frame)
            if request is not None:
                expected[name][flow_of(frame["src"])].append((frame["off"], request))
    return {
        name: {flow: sorted(requests) for flow, requests in flows.items()}
        for name, flows in expected.items()
    }


def whole(flows):
    return {flow: [request for _, request in requests] for flow, requests in flows.items()}


def from_packet(flows, segments, first_packet):
    """The requests of which every byte is in the packets from this one on, behind the place where their flow starts there."""
    found = {}
    for flow, stretches in stretches_of(segments, first_packet).items():
        requests = [
            request
            for place, request in flows.get(flow, [])
            if any(begin <= place and place + request.bytes <= end for begin, end in stretches)
        ]
        # In the middle of a connection one message without a frame could as well be the inside of a framed one.
        if len(requests) != 1 or stretches[0][0] == 0 or flow not in UNFRAMED_FLOWS:
            found[flow] = requests
    return found


def merge(parts):
    """The flows of several captures replayed one after the other."""
    merged = collections.defaultdict(list)
    for flows in parts:
        for flow, requests in flows.items():
            merged[flow] += requests
    return dict(merged)


def parse_output(output):
    """rpctee's JSON -> (flow -> requests, ledger). Raises ValueError or KeyError when a field is missing."""
    flows = collections.defaultdict(list)
    for entry in output["requests"]:
        flows[entry["flow"]].append(Request(**{field: entry[field] for field in Request._fields}))
    return dict(flows), output["ledger"]


def describe(request):
    return f"id {request.request_id} {request.service}.{request.method} {request.bytes} B {request.sha256[:12]}"


def first_field_difference(expected, actual):
    for field in Request._fields:
        if getattr(expected, field) != getattr(actual, field):
            return f"{field} is {getattr(actual, field)!r}, expected {getattr(expected, field)!r}"
    return None


def compare_flow(flow, expected, actual):
    """Differences of one flow: what is missing, what is too much, and the first place where they part."""
    differences = []
    missing = collections.Counter(expected) - collections.Counter(actual)
    extra = collections.Counter(actual) - collections.Counter(expected)
    if missing:
        differences.append(f"{flow}: {missing.total()} missing, first {describe(next(iter(missing)))}")
    if extra:
        differences.append(f"{flow}: {extra.total()} not expected, first {describe(next(iter(extra)))}")
    for position, (want, have) in enumerate(zip(expected, actual)):
        difference = first_field_difference(want, have)
        if difference:
            differences.append(f"{flow}: request {position}: {difference}")
            break
    return differences


def compare(expected, output):
    """All differences between the truth and one output of rpctee, as sentences; empty when there are none."""
    try:
        actual, ledger = parse_output(output)
        differences = []
        for flow in sorted(expected.keys() | actual.keys()):
            differences += compare_flow(flow, expected.get(flow, []), actual.get(flow, []))
        count = sum(len(requests) for requests in expected.values())
        if ledger["seen"] != count:
            differences.append(f"ledger.seen is {ledger['seen']}, expected {count}")
        if ledger["balanced"] is not True:
            differences.append(f"the ledger does not balance: {json.dumps(ledger)}")
        return differences
    except (KeyError, TypeError, ValueError) as error:
        return [f"unexpected output: {type(error).__name__} {error}"]


def run_rpctee(rpctee, captures, max_segment, first_packet, replies=False):
    """rpctee's output as an object, or a sentence about why there is none."""
    command = [str(rpctee), "replay", *map(str, captures), "--any-endpoint", str(PORT), "--dry-run", "--list", "-o", "json"]
    if replies:
        command.append("--replies")
    if max_segment:
        command += ["--max-segment", str(max_segment)]
    if first_packet != 1:
        command += ["--first-packet", str(first_packet)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no end within {TIMEOUT_S} s"
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip().splitlines()
        return None, f"exit status {done.returncode}: {message[-1] if message else 'nothing on stderr'}"
    try:
        return json.loads(done.stdout), None
    except ValueError as error:
        return None, f"its output is no JSON: {error}"


# `replies`: what must be counted of the answers; None where they are not tapped.
Case = collections.namedtuple("Case", "name captures max_segment first_packet expected replies", defaults=[None])


def make_cases(names, manifest, segments, replies):
    cases = []
    for name in names:
        expected = whole(manifest.get(name, {}))
        cases.append(Case(name, [name], 0, 1, expected))
        if expected:
            cases += [Case(f"{name} in {size}-byte segments", [name], size, 1, expected) for size in SEGMENT_SIZES]
    for name in replies:
        cases.append(Case(f"{name} with its answers", [name], 0, 1, whole(manifest[name]), replies[name]))
    answered = [name for name in replies if name.startswith("dubbo") or name.startswith("npm-")]
    expected = merge(whole(manifest[name]) for name in answered)
    counts = sum((replies[name] for name in answered), collections.Counter())
    cases += [Case(f"all Dubbo captures with their answers in {size}-byte segments", answered, size, 1, expected, counts)
              for size in SEGMENT_SIZES]
    everything = merge(whole(manifest.get(name, {})) for name in names)
    cases.append(Case("all captures together", names, 0, 1, everything))
    cases += [Case(f"all captures together in {size}-byte segments", names, size, 1, everything) for size in SEGMENT_SIZES]
    for first in FIRST_PACKETS:
        expected = merge(from_packet(manifest.get(name, {}), segments[name], first) for name in names)
        cases.append(Case(f"all captures from packet {first} on", names, 0, first, expected))
    return cases


def check_data(names, manifest):
    """Every capture has its truth, every truth its capture, and none is expected to be empty by accident."""
    for name in names:
        if (name in NO_REQUESTS) == (name in manifest):
            raise CannotRun(f"{name}: must have requests in the manifest, or stand in NO_REQUESTS")
    absent = (manifest.keys() | NO_REQUESTS) - set(names)
    if absent:
        raise CannotRun(f"no such capture: {', '.join(sorted(absent))}")


# How an answer of the server ended, as `rpctee replay --replies` names it.
OUTCOMES = ("ok", "exception", "error")
DUBBO_OK = 20
# Serialization -> how a body begins that is an exception: the place of a byte, and the byte without and with attachments.
EXCEPTIONS = {2: (0, 0x90, 0x93), 3: (6, 0, 3), 6: (0, ord("0"), ord("3")), 7: (6, 0, 3)}
THRIFT_REPLY, THRIFT_EXCEPTION = 2, 3
# Unframed Thrift is not framed in this direction, and a compressed message can't be matched.
NO_ANSWERS = ("thrift-py017-unframed-", "thrift-py017-header-zlib-")


def dubbo_answers(stream):
    """(id, outcome) of each answer in what a server sent; heartbeats, events and requests of its own are none."""
    answers, at = [], 0
    while at + 16 <= len(stream):
        flags, status = stream[at + 2], stream[at + 3]
        body = int.from_bytes(stream[at + 12 : at + 16], "big")
        if stream[at : at + 2] != b"\xda\xbb":
            raise CannotRun(f"no Dubbo header at {at} of what a server sent")
        if not flags & 0xA0:
            place, *exceptions = EXCEPTIONS[flags & 31]
            is_exception = stream[at + 16 + place] in exceptions
            outcome = "error" if status != DUBBO_OK else "exception" if is_exception else "ok"
            answers.append((int.from_bytes(stream[at + 4 : at + 12], "big"), outcome))
        at += 16 + body
    return answers


def varint(message, at):
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return value | message[at] << shift, at + 1


def thrift_reply(message):
    """(sequence id, outcome) of a message, by its type and the first field of its struct."""
    if message[:2] == b"\x0f\xff":
        _, outcome = thrift_reply(message[10 + 4 * int.from_bytes(message[8:10], "big") :])
        return int.from_bytes(message[4:8], "big"), outcome
    if message[0] == 0x82:
        kind = message[1] >> 5
        sequence_id, at = varint(message, 2)
        name_bytes, at = varint(message, at)
        is_declared = message[at + name_bytes] >> 4 != 0
    elif message[0] == 0x80:
        kind = message[3]
        at = 8 + int.from_bytes(message[4:8], "big")
        sequence_id = int.from_bytes(message[at : at + 4], "big")
        is_declared = message[at + 4] != 0 and message[at + 5 : at + 7] != b"\0\0"
    else:
        at = 4 + int.from_bytes(message[:4], "big")
        kind = message[at]
        sequence_id = int.from_bytes(message[at + 1 : at + 5], "big")
        is_declared = message[at + 5] != 0 and message[at + 6 : at + 8] != b"\0\0"
    return sequence_id, "error" if kind == THRIFT_EXCEPTION else "exception" if is_declared else "ok"


def thrift_answers(stream):
    answers, at = [], 0
    while at + 4 <= len(stream):
        message_bytes = int.from_bytes(stream[at : at + 4], "big")
        answers.append(thrift_reply(stream[at + 4 : at + 4 + message_bytes]))
        at += 4 + message_bytes
    return answers


def expected_replies(path, frames):
    """What must be counted of the answers in a capture: those to the two-way requests of the manifest."""
    asked = collections.defaultdict(list)
    for frame in frames:
        is_dubbo = frame["proto"] == "dubbo"
        if is_dubbo and frame["req"] and frame["twoway"] and not frame["event"]:
            asked[flow_of(frame["src"])].append(int(frame["id"]) % 2**64)
        elif not is_dubbo and frame["type"] == "CALL":
            asked[flow_of(frame["src"])].append(frame.get("th_hseq", frame["seqid"]) % 2**32)
    counts = collections.Counter(asked=sum(map(len, asked.values())))
    for flow, stream in server_streams(path).items():
        answers = dubbo_answers(stream) if stream[:2] == b"\xda\xbb" else thrift_answers(stream) if asked[flow] else []
        waiting = collections.Counter(asked[flow])
        for answer_id, outcome in answers:
            if waiting[answer_id]:
                waiting[answer_id] -= 1
                counts[outcome] += 1
    return counts


def compare_replies(expected, output):
    got = output.get("replies", {}).get(f"[::]:{PORT}", {})
    answered = sum(expected[outcome] for outcome in OUTCOMES)
    differences = [f"{name} is {got.get(name)}, expected {expected[name]}"
                   for name in ("asked", *OUTCOMES) if got.get(name) != expected[name]]
    if got.get("latencies") != answered:
        differences.append(f"{got.get('latencies')} latencies of {answered} answers")
    return differences


# A segment of a client with payload, or its SYN (then `place` is 0 and `bytes` too). `place`: in the flow's bytes.
Segment = collections.namedtuple("Segment", "packet flow place bytes")


def tcp_packets(path):
    """The TCP packets of a capture, in its order, as (number, IP addresses, TCP, payload bytes): Ethernet, IPv4, TCP, written
    by tcpdump on this kind of machine."""
    data = path.read_bytes()
    if data[:4] != b"\xd4\xc3\xb2\xa1":
        raise CannotRun(f"{path.name}: no capture of the form that is read here")
    packet, at = 0, 24
    while at < len(data):
        captured = int.from_bytes(data[at + 8 : at + 12], "little")
        frame = data[at + 16 : at + 16 + captured]
        at += 16 + captured
        packet += 1
        ip = frame[14:]
        if frame[12:14] != b"\x08\x00" or ip[9] != 6:
            continue
        tcp = ip[(ip[0] & 15) * 4 :]
        payload = (int.from_bytes(ip[2:4], "big") or len(ip)) - (ip[0] & 15) * 4 - (tcp[12] >> 4) * 4
        yield packet, [".".join(map(str, ip[begin : begin + 4])) for begin in (12, 16)], tcp, payload


def client_segments(path):
    """What the clients of a capture sent, in its order."""
    segments, isns = [], {}
    for packet, (client, _), tcp, payload in tcp_packets(path):
        if int.from_bytes(tcp[2:4], "big") != PORT:
            continue
        flow = flow_of(f"{client}:{int.from_bytes(tcp[0:2], 'big')}")
        seq = int.from_bytes(tcp[4:8], "big")
        if tcp[13] & 2:
            isns[flow] = seq + 1
            segments.append(Segment(packet, flow, 0, 0))
        elif payload > 0 and flow in isns:
            segments.append(Segment(packet, flow, (seq - isns[flow]) % 2**32, payload))
    return segments


def server_streams(path):
    """Flow of the requests -> all bytes that the server sent, in the order of the stream."""
    streams, isns = collections.defaultdict(dict), {}
    for _, (_, client), tcp, payload in tcp_packets(path):
        if int.from_bytes(tcp[0:2], "big") != PORT:
            continue
        flow = flow_of(f"{client}:{int.from_bytes(tcp[2:4], 'big')}")
        seq, data = int.from_bytes(tcp[4:8], "big"), tcp[(tcp[12] >> 4) * 4 :]
        if tcp[13] & 2:
            isns[flow] = seq + 1
        elif payload > 0 and flow in isns:
            streams[flow].setdefault((seq - isns[flow]) % 2**32, data[:payload])
    whole_streams = {}
    for flow, pieces in streams.items():
        stream = b""
        for place, piece in sorted(pieces.items()):
            if place > len(stream):
                raise CannotRun(f"{path.name}: bytes are missing in what the server sent to {flow}")
            stream += piece[len(stream) - place :]
        whole_streams[flow] = stream
    return whole_streams


def stretches_of(segments, first_packet):
    """Flow -> the stretches of its bytes in the packets from this one on, in order; what is before the first one's place is not seen."""
    starts, pieces = {}, collections.defaultdict(list)
    for segment in segments:
        if segment.packet >= first_packet:
            start = starts.setdefault(segment.flow, segment.place)
            end = segment.place + segment.bytes
            if end >= start:
                pieces[segment.flow].append((max(start, segment.place), end))
    stretches = {}
    for flow, flow_pieces in pieces.items():
        merged = []
        for begin, end in sorted(flow_pieces):
            if merged and begin <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((begin, end))
        stretches[flow] = merged
    return stretches


def unpack(directory):
    """Writes each capture into the directory; returns their names."""
    names = []
    for packed in sorted(HERE.glob("*.pcap.xz")):
        name = packed.name.removesuffix(".pcap.xz")
        (directory / f"{name}.pcap").write_bytes(lzma.decompress(packed.read_bytes()))
        names.append(name)
    if not names:
        raise CannotRun(f"no captures in {HERE}")
    return names


def run_case(case, rpctee, directory):
    """One line about one case; the first word is the verdict."""
    captures = [directory / f"{name}.pcap" for name in case.captures]
    output, failure = run_rpctee(rpctee, captures, case.max_segment, case.first_packet, case.replies is not None)
    differences = [failure] if failure else compare(case.expected, output)
    if not failure and case.replies is not None:
        differences += compare_replies(case.replies, output)
    if differences:
        more = len(differences) - MAX_DIFFERENCES
        shown = differences[:MAX_DIFFERENCES] + ([f"and {more} more"] if more > 0 else [])
        return f"FAIL {case.name}: " + "; ".join(shown)
    return f"PASS {case.name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rpctee", type=pathlib.Path, default=os.environ.get("RPCTEE_BIN", DEFAULT_RPCTEE),
                        help="the binary under test (default: $RPCTEE_BIN, or the one of the dev preset)")
    parser.add_argument("--only", metavar="WORD", default="", help="only the cases with this word in their names")
    parser.add_argument("--list", action="store_true", help="list the cases, run nothing")
    options = parser.parse_args()

    verdicts = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="rpctee-captures-") as temporary:
        directory = pathlib.Path(temporary)
        try:
            names = unpack(directory)
            manifest = load_manifest()
            check_data(names, manifest)
            segments = {name: client_segments(directory / f"{name}.pcap") for name in names}
            frames = frames_of_manifest()
            replies = {name: expected_replies(directory / f"{name}.pcap", frames[name])
                       for name in manifest if not name.startswith(NO_ANSWERS)}
            cases = [case for case in make_cases(names, manifest, segments, replies) if options.only in case.name]
            if options.list:
                print(*(case.name for case in cases), sep="\n")
                return 0
            if not cases:
                raise CannotRun(f"no case has {options.only!r} in its name")
            rpctee = pathlib.Path(options.rpctee)
            if not os.access(rpctee, os.X_OK):
                raise CannotRun(f"no rpctee at {rpctee}: build it, or set RPCTEE_BIN")
            for case in cases:
                line = run_case(case, rpctee, directory)
                verdicts[line.split()[0]] += 1
                print(line, flush=True)
        except (CannotRun, lzma.LZMAError, OSError, KeyError, ValueError) as error:
            print(f"{sys.argv[0]}: {error}", file=sys.stderr)
            return 2
    print(f"{verdicts['PASS']} passed, {verdicts['FAIL']} failed")
    return 1 if verdicts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
