"""What really went over the lab's wires: packets at two places, bytes of connections at both ends, interfaces' trouble.

For tests that compare a load with and without us (tests/lab/test_wire.py, test_swap.py).
"""

import json

from lablib import BUILD, Process, check, check_equal

WATCH = BUILD / "tests/lab/watch/rpctee-lab-watch"
# Where packets are compared: from the consumer's interface to inside v1's, with the tap in between, and back.
PLACES = (("node", "vethc"), ("v1", "eth0"))
LINKS = (("node", "vethc"), ("node", "vethv1"), ("consumer", "eth0"), ("v1", "eth0"))
LINK_TROUBLE = ("dropped", "errors", "over_errors", "missed_errors", "fifo_errors")


class Watch(Process):
    def __init__(self, lab, role, interface):
        super().__init__(lab, role, f"watch-{role}-{interface}", [WATCH, interface])
        self.wait_for_log("watches")

    def stop(self):
        report = json.loads(self.end().strip().splitlines()[-1])
        check_equal(report["missed"], 0, f"packets that {self.name} had no room for")
        return report["directions"]


def start_watches(lab):
    return [Watch(lab, *place) for place in PLACES]


def link_trouble(lab):
    """Drops and errors of all interfaces that the load passes, by place and kind."""
    found = {}
    for role, interface in LINKS:
        stats = json.loads(lab.run(role, "ip", "-s", "-s", "-j", "link", "show", "dev", interface))[0]["stats64"]
        for way in ("rx", "tx"):
            for kind in LINK_TROUBLE:
                found[f"{role} {interface} {way} {kind}"] = stats[way].get(kind, 0)
    return found


def check_no_trouble(before, after):
    check_equal({name: after[name] - before[name] for name in after if after[name] != before[name]}, {},
                "drops and errors of the interfaces")


def compare_bytes(at_consumer, at_provider):
    provider_ends = {end["peer"]: end for end in at_provider}
    check_equal(len(provider_ends), len(at_consumer), "connections")
    for end in at_consumer:
        other = provider_ends.get(end["local"])
        check(other, f"v1 knows of the connection from {end['local']}")
        for sent, received in ((end, other), (other, end)):
            check_equal((received["received_bytes"], received["received_sha256"]),
                        (sent["sent_bytes"], sent["sent_sha256"]), f"bytes sent from {sent['local']} to {sent['peer']}")


def compare_packets(places, in_order=False):
    """Nothing lost, doubled, invented or changed between the places, which name the directions alike."""
    before, behind = places
    check_equal(set(behind), set(before), "directions of connections")
    for name, direction in before.items():
        for what in ("packets", "bytes", "any_order") + (("in_order",) if in_order else ()):
            check_equal(behind[name][what], direction[what], f"{name}: {what}, in v1 as on the consumer's interface")
