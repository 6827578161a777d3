"""The namespaces that scripts/lab.sh makes, and processes inside them that never outlive the test."""

import ctypes
import os
import pathlib
import signal
import subprocess

from .objects import guide

ROOT = pathlib.Path(__file__).resolve().parents[3]
LAB_SCRIPT = ROOT / "scripts" / "lab.sh"
LAB_ID = os.environ.get("LAB_ID", "interop")  # beside any lab that is up for other purposes
PIN_DIRECTORY = f"/sys/fs/bpf/rpctee-{LAB_ID}"

CONSUMER_ADDRESS, V1_ADDRESS, V2_ADDRESS = (guide.ADDRESSES[role][0] for role in ("consumer", "v1", "v2"))
NODE_ADDRESS = guide.NODE_ADDRESS

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 15


class Unavailable(Exception):
    """Something that this machine lacks; the text says what."""


class Lab:
    def __enter__(self):
        self._script("up")
        return self

    def __exit__(self, *_):
        self._script("down")

    def _script(self, command):
        done = subprocess.run([LAB_SCRIPT, command], env={**os.environ, "LAB_ID": LAB_ID}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise Unavailable(f"lab.sh {command}: {done.stdout.strip()}")


class Process:
    """One program in a namespace of the lab, ended when the block that holds it ends."""

    def __init__(self, place, command, log_path, **popen):
        self.log_path = pathlib.Path(log_path)
        self._log = open(self.log_path, "wb")
        popen.setdefault("stdout", self._log)
        # nsenter and not `ip netns exec`, which hides /sys/fs/bpf. It becomes the program, so the pid is the program's.
        self.child = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/rpctee-{place}-{LAB_ID}", "--", *map(str, command)],
            stderr=self._log, preexec_fn=_end_with_parent, **popen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self.child.poll() is None

    def stop(self):
        """Returns the exit status after SIGTERM; a program that ignores it is killed."""
        if self.running():
            self.child.terminate()
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self._log.close()
        return self.child.returncode


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
