#!/usr/bin/env python3
"""scripts/lab.sh takes back what it made, also when it could not make all of it."""

import os
import pathlib
import shutil
import subprocess
import sys

from lablib import ROOT, Lab, case, check, check_equal, run

FAILING_IP = """#!/bin/sh
case "$*" in *"{words}"*) echo "told to fail" >&2; exit 1 ;; esac
exec {real} "$@"
"""


def lab_script(lab, *arguments, failing):
    """Runs lab.sh with an `ip` that fails when it is asked something with `failing` in it; returns what it said."""
    directory = lab.directory / "bin"
    directory.mkdir(exist_ok=True)
    (directory / "ip").write_text(FAILING_IP.format(words=failing, real=shutil.which("ip")), encoding="utf-8")
    (directory / "ip").chmod(0o755)
    environment = {**os.environ, "LAB_ID": lab.id, "PATH": f"{directory}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / "scripts/lab.sh", *arguments], env=environment, capture_output=True, text=True,
                          check=False, timeout=60)
    check(done.returncode != 0, f"lab.sh {arguments} fails when ip does")
    return done.stderr


def left_of(lab):
    names = [path for directory in ("/run/netns", "/run/rpctee-lab") for path in pathlib.Path(directory).iterdir()]
    return [path for path in names if path.name.endswith(f"-{lab.id}")]


def has_wire(lab):
    return "uplink" in lab.run("node", "ip", "-brief", "link")


@case
def a_lab_that_cannot_be_made_leaves_nothing(lab):
    other = Lab(f"{lab.id}b")
    said = lab_script(other, "up", failing="fd44::12/128 dev eth0")
    check("could not make the lab" in said, f"it says so: {said}")
    check_equal(left_of(other), [], "left")


@case
def a_wire_that_cannot_be_laid_leaves_nothing(lab):
    with Lab(f"{lab.id}b", 1) as other:
        said = lab_script(lab, "link", other.id, failing="route add 10.44.0.0/24")
        check("could not link" in said, f"it says so: {said}")
        check_equal((has_wire(lab), has_wire(other)), (False, False), "wires")


@case
def a_wire_goes_with_either_lab_and_can_be_laid_again(lab):
    for _ in range(2):
        with lab.second_node() as other:
            check_equal((has_wire(lab), has_wire(other)), (True, True), "wires while both are up")
        check(not has_wire(lab), "the wire went with the other lab")
        check_equal(left_of(other), [], "left")


if __name__ == "__main__":
    sys.exit(run())
