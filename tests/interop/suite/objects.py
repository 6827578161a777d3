"""Where the guide's objects are written: they are the same for tests/lab, the demo and these cases."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "lab"))

import guide  # noqa: E402
